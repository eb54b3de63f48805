"""Opening a mask from outside: what is planned, what was done, and how it is undone."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.model.explanation import Explanation
from sigscope.model.signals import SignalSet
from sigscope.model.value import dataclass


class Change(NamedTuple):
    """One thread's mask: as it is, and as it is to be."""

    tid: int
    before: SignalSet
    after: SignalSet

    @property
    def opened(self) -> SignalSet:
        return self.before - self.after


class LeftOut(NamedTuple):
    """A thread that blocks some of it and is not touched; with the reason."""

    tid: int
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """``forecasts``: what each pending signal that becomes free does at once, by the verdict.

    ``warnings`` are sentences on what the program may rely on.
    """

    pid: int
    start_time: int
    comm: str
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...] = ()
    forecasts: tuple[Explanation, ...] = ()
    warnings: tuple[str, ...] = ()


class Done(NamedTuple):
    """What was done to one thread. ``change`` is None, with ``why``, where nothing was."""

    tid: int
    change: Change | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What ``unblock --undo`` needs: the bits that were taken out of each thread's mask."""

    pid: int
    start_time: int
    comm: str
    opened: tuple[tuple[int, SignalSet], ...]
    boot: str = ""
