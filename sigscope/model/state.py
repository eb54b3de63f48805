"""What a task is doing, by the letter of /proc/PID/status (fs/proc/array.c)."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """The kernel's letter, with the word that a person reads.

    >>> State("T").word, State.of("q")
    ('stopped', <State.UNKNOWN: '?'>)
    """

    RUNNING = "R"
    SLEEPING = "S"
    UNINTERRUPTIBLE = "D"
    STOPPED = "T"
    TRACED = "t"
    ZOMBIE = "Z"
    DEAD = "X"
    IDLE = "I"
    PARKED = "P"
    UNKNOWN = "?"

    def __init__(self, letter: str) -> None:
        self.gone = letter in ("Z", "X")
        """Dead tasks take no signal, whatever their mask says."""

    @classmethod
    def of(cls, letter: str) -> State:
        """The state for a letter; a letter that no kernel has used yet is UNKNOWN."""
        try:
            return cls(letter)
        except ValueError:
            return cls.UNKNOWN

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    State.RUNNING: "running",
    State.SLEEPING: "sleeping",
    State.UNINTERRUPTIBLE: "in uninterruptible sleep",
    State.STOPPED: "stopped",
    State.TRACED: "held by a tracer",
    State.ZOMBIE: "a zombie",
    State.DEAD: "dead",
    State.IDLE: "idle",
    State.PARKED: "parked",
    State.UNKNOWN: "in an unknown state",
}
