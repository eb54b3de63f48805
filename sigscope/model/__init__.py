"""NOUNS: frozen values that every other room speaks in.

Contract: the standard library only. No I/O, no clock, no click, tabulate, psutil or
ptrace. What could not be read is ``None`` and has a :class:`Gap`; it is never empty.
"""

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
