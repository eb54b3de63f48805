"""NOUNS: frozen values that every other room speaks in.

Contract: the standard library only. No I/O, no clock, no click, tabulate, psutil or
ptrace. What could not be read is ``None`` and has a :class:`Gap`; it is never empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sigscope.model.container import Container
    from sigscope.model.diagnosis import Diagnosis
    from sigscope.model.finding import Finding, Severity
    from sigscope.model.gap import Gap
    from sigscope.model.host import Host
    from sigscope.model.lineage import Confidence, Kind, Lineage, Link
    from sigscope.model.process import Freezer, Process, Queue, SignalFd
    from sigscope.model.signals import Action, Signal, SignalSet
    from sigscope.model.state import State
    from sigscope.model.syscall import SystemCall
    from sigscope.model.thread import Thread

__all__ = [
    "Action",
    "Confidence",
    "Container",
    "Diagnosis",
    "Finding",
    "Freezer",
    "Gap",
    "Host",
    "Kind",
    "Lineage",
    "Link",
    "Process",
    "Queue",
    "Severity",
    "Signal",
    "SignalFd",
    "SignalSet",
    "State",
    "SystemCall",
    "Thread",
]

_HOMES = {
    "container": "Container",
    "diagnosis": "Diagnosis",
    "finding": "Finding Severity",
    "gap": "Gap",
    "host": "Host",
    "lineage": "Confidence Kind Lineage Link",
    "process": "Freezer Process Queue SignalFd",
    "signals": "Action Signal SignalSet",
    "state": "State",
    "syscall": "SystemCall",
    "thread": "Thread",
}


def __getattr__(name: str) -> object:
    """A noun is loaded when it is asked for by this way: a short command needs few of them."""
    for home, names in _HOMES.items():
        if name in names.split():
            return getattr(__import__(f"{__name__}.{home}", fromlist=(name,)), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
