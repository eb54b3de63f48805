"""What a program is started with: a mask and ignored signals are all that execve(2) passes on."""

from __future__ import annotations

from sigscope.model.signals import EMPTY, SignalSet
from sigscope.model.value import dataclass

PYTHONS_OWN = SignalSet.of("SIGPIPE", "SIGXFSZ")
"""Python ignores these two before a program's first line runs (Python/pylifecycle.c)."""


@dataclass(frozen=True, slots=True)
class Start:
    """Blocked and ignored signals; every other one is open and at its default (execve(2))."""

    blocked: SignalSet = EMPTY
    ignored: SignalSet = EMPTY


@dataclass(frozen=True, slots=True)
class Inherited:
    """What we were started with ourselves.

    ``unknown`` are the signals whose disposition we cannot tell any more, because Python has
    changed it since. ``parent_ignored`` is what the parent ignores now, a hint for those; None if
    that could not be read. ``pending`` act as soon as they are open.
    """

    start: Start
    unknown: SignalSet = PYTHONS_OWN
    pending: SignalSet = EMPTY
    parent: int = 0
    parent_comm: str = ""
    parent_ignored: SignalSet | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asks for, in the words of env(1). What is named nowhere is clean.

    ``keep`` as inherited, ``default`` open and at its default, ``ignore`` ignored,
    ``block`` blocked; a later one of these wins.
    """

    keep: SignalSet = EMPTY
    default: SignalSet = EMPTY
    ignore: SignalSet = EMPTY
    block: SignalSet = EMPTY
