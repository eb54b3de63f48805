"""One thing that is wrong with a process, with its evidence and its remedy."""

from __future__ import annotations

from enum import Enum

from sigscope.model.signals import Signal
from sigscope.model.value import dataclass


class Severity(Enum):
    """error: something is stuck; warning: something will be; note: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 is the worst.

        >>> min(Severity.NOTE, Severity.ERROR, key=lambda severity: severity.rank).value
        'error'
        """
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to type: ``when`` says what the command is for ("now", "for good")."""

    when: str
    command: str


@dataclass(frozen=True, slots=True)
class Finding:
    """``id`` is fixed once published; ``tid`` is set where only one thread is meant."""

    id: str
    severity: Severity
    pid: int
    signals: tuple[Signal, ...]
    title: str
    detail: str
    evidence: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    tid: int | None = None
