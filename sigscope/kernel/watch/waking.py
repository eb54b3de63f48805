"""One descriptor to wait on for several buffers, and for a moment that has passed.

A buffer that woke us for each record would slow those who write into it: it wakes us when it
is half full, and a timer does otherwise.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import time
from collections.abc import Iterable

PERIOD = 0.02
"""Seconds that a record waits at most."""
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_TIMES = struct.Struct("@4l")

_libc = ctypes.CDLL(None, use_errno=True)


class Waker:
    """``fileno`` is readable when a period is over, a buffer is half full, or ``more`` is left."""

    def __init__(self, buffers: Iterable[int], period: float = PERIOD) -> None:
        with contextlib.ExitStack() as stack:
            self._poll = select.epoll()
            stack.callback(self._poll.close)
            self._timer = _timer(period)
            stack.callback(os.close, self._timer)
            self._left = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            stack.callback(os.close, self._left)
            for fd in (self._timer, self._left):
                self._poll.register(fd, select.EPOLLIN)
            for fd in buffers:
                # By edge: that of a CPU that is switched off would wake us without end.
                self._poll.register(fd, select.EPOLLIN | select.EPOLLET)
            self._open = stack.pop_all()

    def fileno(self) -> int:
        return self._poll.fileno()

    def clear(self) -> None:
        """To be called before the buffers are read."""
        for fd in (self._timer, self._left):
            with contextlib.suppress(BlockingIOError):
                os.read(fd, 8)

    def more(self) -> None:
        """There is something left to be read: it is not waited for."""
        os.eventfd_write(self._left, 1)

    def close(self) -> None:
        """May be called twice."""
        self._open.close()


def _timer(period: float) -> int:
    fd = int(_libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
    if fd < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed), "timerfd_create")
    nanoseconds = int(period * 1e9)
    seconds, rest = divmod(nanoseconds, 10**9)
    _libc.timerfd_settime(fd, 0, _TIMES.pack(seconds, rest, seconds, rest), None)
    return fd
