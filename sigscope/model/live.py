"""A restart that was tried on a living process: what was done, and what was seen."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sigscope.model.registers import RESTART_CODES

EINTR, RESTARTBLOCK = -4, -516


class Method(Enum):
    """How the process is stopped."""

    STOP = "stop"
    """SIGSTOP, then SIGCONT: its parent is told."""
    INTERRUPT = "interrupt"
    """PTRACE_INTERRUPT, as a debugger's attach: nobody is told."""
    FREEZE = "freeze"
    """The freezer of its cgroup (v2)."""


class Through(Enum):
    """How the call went on."""

    RESTART_SYSCALL = "restart_syscall"
    AGAIN = "again"
    """The same call, with its own arguments."""
    HANDLER = "handler"
    """Another call came first: a handler ran, or the program went on."""
    STAYED = "did not stop"
    """In time, that is: a parent in vfork, or an uninterruptible sleep."""
    NOT_SEEN = "not seen"
    """It was in no call, or went on later than we watched."""


class Watched(NamedTuple):
    """One thread.

    ``result`` is what the interrupted call gave (-516 and so on; None if it was in none).
    ``undone``: the program would have seen the stop, and the call was made to start again instead.
    ``before`` and ``after`` are the seconds that were left of its timeout, where they are known.
    """

    tid: int
    name: str | None
    result: int | None
    through: Through
    undone: bool
    before: float | None = None
    after: float | None = None
    ended: bool = False

    @property
    def code(self) -> str | None:
        """The name of the result.

        >>> Watched(7, "poll", -516, Through.RESTART_SYSCALL, False).code
        'ERESTART_RESTARTBLOCK'
        """
        if self.result is None:
            return None
        return "EINTR" if self.result == EINTR else RESTART_CODES.get(self.result)
