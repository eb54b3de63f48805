"""/proc/PID/task/TID/children (proc_tid_children(5)): whom this very thread forked."""

from __future__ import annotations

from sigscope.errors import DecodeError


def decode_children(data: bytes) -> tuple[int, ...]:
    """Pids, in the reader's pid namespace.

    >>> decode_children(b"4285 4290 ")
    (4285, 4290)
    """
    words = data.split()
    if not all(word.isdigit() and len(word) < 11 for word in words):
        raise DecodeError("task/TID/children", "a word stands where a pid belongs")
    return tuple(int(word) for word in words)
