"""/proc/PID/cmdline (proc_pid_cmdline(5)): the arguments, as the process left them."""

from __future__ import annotations

from sigscope.decode.text import decode_text

LIMIT = 4096
"""Bytes that are read of it; a program may have megabytes of arguments."""


def decode_cmdline(data: bytes) -> tuple[str, ...]:
    r"""Arguments end with NUL. A program that wrote over them (nginx, sshd) left one text.

    >>> decode_cmdline(b"sleep\x005\x00")
    ('sleep', '5')
    >>> decode_cmdline(b"nginx: worker process\0\0\0\0")
    ('nginx: worker process',)
    """
    words = data.rstrip(b"\0").split(b"\0")
    if len(data) >= LIMIT:
        words[-1] += b" ..."
    return tuple(decode_text(word) for word in words) if data else ()
