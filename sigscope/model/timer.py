"""A POSIX timer of a process: what timer_create(2) was told to do when it expires."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sigscope.model.signals import Signal
from sigscope.model.value import dataclass

_CLOCKS = {
    0: "CLOCK_REALTIME",
    1: "CLOCK_MONOTONIC",
    7: "CLOCK_BOOTTIME",
    8: "CLOCK_REALTIME_ALARM",
    9: "CLOCK_BOOTTIME_ALARM",
    11: "CLOCK_TAI",
}


def clock_name(clock: int) -> str:
    """The name in clock_gettime(2); negative numbers, 2 and 3 are clocks of CPU time.

    >>> clock_name(7)
    'CLOCK_BOOTTIME'
    """
    if _counts_cpu_time(clock):
        return "a clock of CPU time"
    return _CLOCKS.get(clock, f"clock {clock}")


def _counts_cpu_time(clock: int) -> bool:
    return clock < 0 or clock in (2, 3)


class Notify(Enum):
    """The kernel's words for sigev_notify; glibc's SIGEV_THREAD is a "signal" to its helper."""

    SIGNAL = "signal"
    NONE = "none"
    THREAD = "thread"


class Running(NamedTuple):
    """What timer_gettime(2) and timer_getoverrun(2) would tell of a timer; nanoseconds.

    ``remaining`` is 0 for one that is not armed, and None where its clock could not be read.
    ``overruns`` are those that the signal which is pending now would report (None where that
    is not known), or that the last one did.
    """

    number: int
    armed: bool
    remaining: int | None
    interval: int
    overruns: int | None


@dataclass(frozen=True, slots=True)
class Timer:
    """``number`` is the kernel's id of it. ``tid`` is set where one thread is signalled.

    ``signal`` is None where nothing is sent. Timers of setitimer(2) and alarm(2) are
    nowhere in /proc, and neither is what remains of these (:class:`Running`).
    """

    number: int
    signal: Signal | None
    notify: Notify
    clock: int
    tid: int | None = None

    @property
    def clock_name(self) -> str:
        """The name in clock_gettime(2); negative numbers are clocks of CPU time.

        >>> Timer(0, None, Notify.NONE, 1).clock_name, Timer(0, None, Notify.NONE, -6).clock_name
        ('CLOCK_MONOTONIC', 'a clock of CPU time')
        """
        return clock_name(self.clock)

    @property
    def counts_cpu_time(self) -> bool:
        """A process (or a thread) that sleeps holds such a timer still."""
        return _counts_cpu_time(self.clock)
