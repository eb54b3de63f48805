"""The process tree, as it is shown: who is there, and where a mask enters."""

from __future__ import annotations

from sigscope.model.process import Process
from sigscope.model.signals import SignalSet
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A process from which a blocked mask comes down.

    ``tids`` are the threads that pass it on to what they start, of ``threads`` living ones;
    ``reached`` the descendants that have a part of it from there.
    """

    signals: SignalSet
    tids: tuple[int, ...]
    threads: int
    reached: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A process and what is shown below it; ``alike`` are siblings like it, folded into it."""

    process: Process
    children: tuple[Branch, ...]
    source: Source | None = None
    alike: tuple[int, ...] = ()
