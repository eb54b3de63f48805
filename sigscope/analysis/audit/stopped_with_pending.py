"""A stopped process that was told to end, and cannot hear it."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene, waiting
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.process import Process
from sigscope.model.signals import SignalSet
from sigscope.model.state import State

ID = "stopped-with-pending"
SEVERITIES: tuple[Severity, ...] = (Severity.ERROR,)
MEANS = "the process is stopped, and SIGTERM, SIGINT, SIGHUP or SIGQUIT was sent to it and waits"
EVIDENCE = "State T in every thread; ShdPnd or SigPnd"
REMEDY = "SIGCONT delivers what waits; SIGKILL ends it as it is"
SOURCE = "signal(7); prepare_signal and complete_signal of kernel/signal.c"
INSTEAD_OF: tuple[str, ...] = ("stopped",)

ORDERS = SignalSet.of("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
"""What people and supervisors send. A timer or a window that changed size is no order."""


def looks(scene: Scene) -> Looks:
    """Who it is, and since when."""
    return Looks(close=frozenset(process.pid for process in scene.processes if _held(process)))


def _held(process: Process) -> SignalSet:
    if any(thread.state is not State.STOPPED for thread in process.living):
        return SignalSet()
    return waiting(process) & ORDERS


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        held = _held(process)
        if held:
            yield _finding(process, held)


def _finding(process: Process, held: SignalSet) -> Finding:
    verb = "were" if len(held) > 1 else "was"
    wait = "wait" if len(held) > 1 else "waits"
    return Finding(
        id=ID,
        severity=Severity.ERROR,
        pid=process.pid,
        signals=tuple(held),
        title=f"it is stopped; {listed(held)} {verb} sent, and {wait} until it is continued",
        detail="only SIGKILL and SIGCONT reach it; /proc does not say who stopped it",
        evidence=(f"State T, pending {waiting(process).hex}",),
        remedies=(
            Remedy("let it end", f"kill -CONT {process.pid}"),
            Remedy("end it now", f"kill -KILL {process.pid}"),
        ),
    )
