"""Sets of signals in words, short enough for a line."""

from __future__ import annotations

from collections.abc import Iterable

from sigscope.model.process import Process
from sigscope.model.signals import Signal, SignalSet

_FIRST_NAMED = (
    "SIGTERM SIGINT SIGHUP SIGQUIT SIGALRM SIGCHLD SIGUSR1 SIGUSR2 SIGPIPE SIGSEGV SIGBUS SIGTSTP"
).split()
_NEARLY_ALL = 43
"""Two thirds of 64: strace prints such a mask as its complement, and so do we."""


def numbers(process: Process) -> str:
    """Its pid, and what it is in its own pid namespace; in several, from the outer to the inner.

    >>> from sigscope.model import Process, State
    >>> numbers(Process(7, 1, 1, "cron", 0, State.SLEEPING, (), None, None, None, nspid=(7, 1)))
    '7 (1 in its pid namespace)'
    """
    if len(process.nspid) < 2:
        return str(process.pid)
    inside = " then ".join(map(str, process.nspid[1:]))
    where = process.container.label if process.container is not None else "its pid namespace"
    return f"{process.pid} ({inside} in {where})"


def listed(signals: Iterable[Signal], most: int = 4) -> str:
    """The names, those that people know first, and how many more there are.

    >>> listed(SignalSet(0x86002))
    'SIGTERM, SIGINT, SIGALRM and SIGTSTP'
    >>> listed(SignalSet(0xfffffffe7ffbfeff), most=2)
    'SIGTERM, SIGINT and 58 more'
    """
    names = [signal.name for signal in signals]
    first = [name for name in _FIRST_NAMED if name in names]
    names = first + [name for name in names if name not in first]
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) > 1:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return names[0] if names else "none"


def summed_up(signals: SignalSet) -> str:
    """All the names, in order; of a nearly full set, those that are missing.

    >>> summed_up(SignalSet.of("SIGTERM", "SIGHUP"))
    'SIGHUP SIGTERM'
    >>> summed_up(SignalSet(0xfffffffe7ffbfeff))
    'all but SIGKILL SIGSTOP SIGCANCEL SIGSETXID'
    """
    if not signals:
        return "none"
    missing = ~signals
    if not missing:
        return "all 64"
    if len(signals) >= _NEARLY_ALL:
        return "all but " + " ".join(signal.name for signal in missing)
    return " ".join(signal.name for signal in signals)
