"""What a command is to be started with: clean, but for what was asked."""

from __future__ import annotations

from sigscope.model.signals import SignalSet
from sigscope.model.start import Inherited, Start, Wishes


def planned(inherited: Inherited, wishes: Wishes) -> Start:
    """The mask and the ignored signals of the command.

    What is not known to have been ignored is not kept ignored.

    >>> was = Inherited(Start(SignalSet.of("SIGALRM"), SignalSet.of("SIGINT")))
    >>> planned(was, Wishes())
    Start(blocked=SignalSet(mask=0), ignored=SignalSet(mask=0))
    >>> planned(was, Wishes(keep=SignalSet.of("SIGINT"), block=SignalSet.of("SIGHUP")))
    Start(blocked=SignalSet(mask=1), ignored=SignalSet(mask=2))
    """
    keep = wishes.keep - wishes.default
    was = inherited.start
    return Start(
        blocked=was.blocked & keep | wishes.block,
        ignored=(was.ignored - inherited.unknown) & keep | wishes.ignore,
    )


def not_kept(inherited: Inherited, wishes: Wishes) -> SignalSet:
    """What was to be kept, and is not: nobody can tell any more how it was."""
    return (wishes.keep & inherited.unknown) - wishes.default - wishes.ignore
