"""Names that strangers chose: bytes of the kernel into text that keeps every byte."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def decode_text(data: bytes) -> str:
    r"""UTF-8 where it is, and ``\xff`` for each byte that is not.

    Control characters stay: who shows the text escapes them (``render.escape``).

    >>> decode_text(b"php-fpm"), decode_text(b"a\xffb")
    ('php-fpm', 'a\\xffb')
    """
    return data.decode("utf-8", "backslashreplace")


@lru_cache(maxsize=4096)
def decode_status_name(data: bytes) -> str:
    r"""The Name: of a status file, where the kernel wrote newline and backslash as ``\n``, ``\\``.

    proc_task_name() of fs/proc/array.c; the files ``comm`` and ``stat`` have it raw.

    >>> decode_status_name(rb"a\nb\\c")
    'a\nb\\c'
    """
    if b"\\" not in data:
        return decode_text(data)
    parts = data.split(b"\\\\")
    return decode_text(b"\\".join(part.replace(b"\\n", b"\n") for part in parts))
