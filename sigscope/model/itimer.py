"""An interval timer: setitimer(2) and alarm(2), which /proc does not show."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Which(Enum):
    """The clock that it counts, and with it the signal that it sends."""

    REAL = "ITIMER_REAL"
    VIRTUAL = "ITIMER_VIRTUAL"
    PROF = "ITIMER_PROF"

    @property
    def signal_name(self) -> str:
        return {"ITIMER_REAL": "SIGALRM", "ITIMER_VIRTUAL": "SIGVTALRM"}.get(self.value, "SIGPROF")

    @property
    def counts_cpu_time(self) -> bool:
        """A process that sleeps holds such a timer still."""
        return self is not Which.REAL


class IntervalTimer(NamedTuple):
    """An armed timer; nanoseconds. ``interval`` is 0 for one that fires once.

    >>> IntervalTimer(Which.PROF, 3_000_000_000, 0).which.signal_name
    'SIGPROF'
    """

    which: Which
    remaining: int
    interval: int
