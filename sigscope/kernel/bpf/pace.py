"""When the reader of a ring comes: woken by the first event, then by itself until all is quiet.

A program wakes the reader only while ``awake`` is 0, so that a storm wakes nobody; an event
waits for the reader's timer then. Before it sleeps, the reader clears the word and looks
once more: a program that still saw it set had asked the ring for room before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct

INTERVAL = 20_000_000
"""Nanoseconds between two looks at a ring while there is something in it."""
_CLOCK_MONOTONIC, _NONBLOCK = 1, 0o4000

_libc = ctypes.CDLL(None, use_errno=True)


class Pace:
    """A descriptor that becomes readable when a ring should be read."""

    def __init__(self, ring: int) -> None:
        self._timer = _libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK | os.O_CLOEXEC)
        if self._timer < 0:
            failed = ctypes.get_errno()
            raise OSError(failed, os.strerror(failed), "timerfd_create")
        self._poll = select.epoll()
        # What was woken for is read to its end: only the next waking counts.
        self._poll.register(ring, select.EPOLLIN | select.EPOLLET)
        self._poll.register(self._timer, select.EPOLLIN)

    def close(self) -> None:
        """May be called twice."""
        self._poll.close()
        if self._timer >= 0:
            os.close(self._timer)
            self._timer = -1

    def fileno(self) -> int:
        return self._poll.fileno()

    def consume(self) -> None:
        """It is not readable any more."""
        for fd, _ in self._poll.poll(0):
            if fd == self._timer:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._timer, 8)

    def again(self, nanoseconds: int = INTERVAL) -> None:
        """Become readable after that time; 0: not by the clock."""
        seconds, rest = divmod(nanoseconds, 10**9)
        _libc.timerfd_settime(self._timer, 0, struct.pack("@4l", 0, 0, seconds, rest), None)
