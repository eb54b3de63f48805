"""Values whose names look as if they were secret, masked before anybody sees them."""

from __future__ import annotations

import re
from functools import lru_cache

MASK = "***"
_WORDS = (
    r"pass|pwd|secret|token|auth|api_?key|access_?key|private|credential|session|sid\b|cookie"
    r"|signature|\bsig\b|csrf|xsrf|jwt|\bcode\b|otp|\bpin\b|card|iban"
)
_NAME = re.compile(_WORDS, re.IGNORECASE)
_PAIR = re.compile(r"([\w.\-\[\]%]*)(=|: )([^&;\s\"']+)")
_USER = re.compile(r"(//[^/:@\s]*:)[^/@\s]+@")


@lru_cache(maxsize=1024)
def secret(name: str) -> bool:
    """Whether a parameter of this name is not to be shown.

    >>> secret("HTTP_COOKIE"), secret("PHP_AUTH_PW"), secret("REQUEST_METHOD")
    (True, True, False)
    """
    return _NAME.search(name.replace("_", " ")) is not None or _NAME.search(name) is not None


def masked(text: str) -> str:
    """Text with the values of pairs like ``token=...`` replaced, and passwords of URLs.

    >>> masked("/login?user=jo&password=hunter2")
    '/login?user=jo&password=***'
    """
    if "@" in text:
        text = _USER.sub(rf"\1{MASK}@", text)
    if "=" not in text and ": " not in text:
        return text
    return _PAIR.sub(lambda pair: _hidden(pair) if secret(pair[1]) else pair[0], text)


def _hidden(pair: re.Match[str]) -> str:
    return f"{pair[1]}{pair[2]}{MASK}"
