"""What a process can be asked from the inside (``--attach``)."""

from __future__ import annotations

from enum import Enum


class Subject(Enum):
    """The words are those of the gap where there is no answer."""

    ACTIONS = "handlers"
    ITIMERS = "interval timers"
    TIMERS = "remaining time"

    def of(self, pid: int) -> str:
        """
        >>> Subject.ITIMERS.of(7)
        'interval timers of 7'
        """
        return f"{self.value} of {pid}"


TIMING = frozenset((Subject.ITIMERS, Subject.TIMERS))
