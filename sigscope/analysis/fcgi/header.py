"""The header of a CGI answer, byte by byte as nginx reads it.

After ``ngx_http_parse_header_line`` (src/http/ngx_http_parse.c), what
``ngx_http_fastcgi_process_header`` (src/http/modules/ngx_http_fastcgi_module.c) does with the
lines, and the handlers in src/http/ngx_http_upstream.c, of nginx 1.22 to 1.29. Since 1.23.0
(nginx commit d22157fad "Upstream: header handlers can now return parsing errors.") it refuses
some lines that it took before: ``strict`` is the newer way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from sigscope.model.fcgi import Reason

CR, LF, SPACE, COLON, SLASH, DELETE = 0x0D, 0x0A, 0x20, 0x3A, 0x2F, 0x7F
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_LENGTH, _ENCODING = b"content-length", b"transfer-encoding"
_REDIRECT = 302


@dataclass(frozen=True, slots=True)
class HeaderEnd:
    """``count`` bytes of header decide for ``status``, for the ``reason`` given."""

    count: int
    status: int
    reason: Reason
    note: str = ""


class _In(Enum):
    """Where in a line a byte finds the parser."""

    START = 1
    NAME = 2
    BEFORE_VALUE = 3
    VALUE = 4
    IGNORED = 5
    LINE_END = 6
    HEADER_END = 7


@lru_cache(maxsize=64)
def read_header(parts: tuple[bytes, ...], strict: bool = True) -> HeaderEnd | None:
    r"""What decides, and after how many bytes; None if the header goes on.

    ``parts`` are the contents of the STDOUT records, one by one.

    >>> read_header((b"Status: 404\r\n", b"\r\nbody")).status
    404
    """
    lines: list[bytes] = []
    text = b"".join(parts)
    state, begin = _In.START, 0
    for place, byte in enumerate(text):
        if state is _In.START:
            begin = place
            if byte == LF:
                return _complete(lines, place + 1)
            if byte != CR and (byte <= SPACE or byte in (DELETE, COLON)):
                return _invalid(place)
            state = _In.HEADER_END if byte == CR else _In.NAME
        elif state is _In.HEADER_END:
            return _complete(lines, place + 1) if byte == LF else _invalid(place)
        else:
            after = _next(state, byte)
            if after is None and byte == SLASH and _says_http(parts, begin, text[begin:place]):
                after = _In.IGNORED
            if after is None:
                if byte != SLASH:
                    return _invalid(place)
                after = _In.NAME
            if after is _In.START and state is not _In.IGNORED:
                lines.append(text[begin:place])
                if strict and (reason := _refused(lines)) is not None:
                    return HeaderEnd(place + 1, 502, reason)
            state = after
    return None


def _next(state: _In, byte: int) -> _In | None:
    """Within a line; None for what ends it badly, and for a slash in a name."""
    if byte == LF:
        return _In.START
    if state is _In.NAME:
        if byte in _NAME:
            return state
        if byte in (COLON, CR):
            return _In.BEFORE_VALUE if byte == COLON else _In.LINE_END
        return None if byte <= SPACE or byte in (DELETE, SLASH) else state
    if state is _In.LINE_END:
        return state if byte == CR else None
    if state is _In.IGNORED:
        return state
    if byte == 0:
        return None
    return _In.LINE_END if byte == CR else state


def _says_http(parts: tuple[bytes, ...], begin: int, name: bytes) -> bool:
    """nginx looks for "HTTP/" by distance in its buffer, where a record's header may intervene."""
    end = 0
    for part in parts:
        if begin < end <= begin + len(name):
            return False
        end += len(part)
    return name == b"HTTP" and not begin < end <= begin + len(name)


def _invalid(place: int) -> HeaderEnd:
    return HeaderEnd(place + 1, 502, Reason.INVALID_HEADER)


def _split(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip(b"\r").lower(), value.rstrip(b"\r").strip(b" ")


def _refused(lines: list[bytes]) -> Reason | None:
    """What is wrong with the last of these lines."""
    name, value = _split(lines[-1])
    if name not in (_LENGTH, _ENCODING):
        return None
    before = [_split(line)[0] for line in lines[:-1]]
    twice = _LENGTH in before or _ENCODING in before
    if name == _LENGTH:
        return Reason.INVALID_LENGTH if twice or not value.isdigit() else None
    return Reason.INVALID_ENCODING if twice or value.lower() != b"chunked" else None


def _complete(lines: list[bytes], count: int) -> HeaderEnd:
    """The header has ended: Status, else Location, else 200. Of two the first counts."""
    found = dict(map(_split, reversed(lines)))
    note = ""
    if b"x-accel-redirect" in found:
        note = "X-Accel-Redirect: another location gives the answer"
    status = found.get(b"status")
    if status is None:
        code = _REDIRECT if b"location" in found else 200
        return HeaderEnd(count, code, Reason.HEADER_COMPLETE, note)
    if not status[:3].isdigit() or len(status) < 3:
        return HeaderEnd(count, 502, Reason.INVALID_STATUS)
    return HeaderEnd(count, int(status[:3]), Reason.HEADER_COMPLETE, note)
