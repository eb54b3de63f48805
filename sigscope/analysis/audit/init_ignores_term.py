"""The init of a pid namespace gets no signal that it has no handler for."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.audit.services import contained_init, in_container
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, Signal, SignalSet

ID = "init-ignores-term"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING, Severity.NOTE)
MEANS = (
    "PID 1 of a container (a warning) or of another pid namespace (a note) has no handler for"
    " SIGTERM: the kernel drops it, and stopping takes the whole grace period"
)
EVIDENCE = "NSpid ends in 1; SIGTERM is not in SigCgt, and no signalfd or sigwait takes it"
REMEDY = "install a handler, or let an init (tini, docker run --init) be PID 1"
SOURCE = "pid_namespaces(7); SIGNAL_UNKILLABLE in kernel/signal.c"
INSTEAD_OF: tuple[str, ...] = ()

TERM = SignalSet.of("SIGTERM")
SIGTERM = Signal.named("SIGTERM")


def looks(scene: Scene) -> Looks:
    """Whether something else takes the signal is seen in the descriptors and calls."""
    return Looks(
        close=frozenset(process.pid for process in scene.processes if _deaf(scene, process))
    )


def _deaf(scene: Scene, process: Process) -> bool:
    return (
        contained_init(scene.host, process)
        and process.caught is not None
        and SIGTERM not in process.caught
        and not _ended_by_another(process)
    )


def _ended_by_another(process: Process) -> bool:
    """An init is not spared what its first thread blocks and another has open (since 4.15)."""
    first = process.thread(process.pid)
    if first is None or process.disposition(SIGTERM) != "default":
        return False
    blocked = SIGTERM in (first.blocked or EMPTY)
    return blocked and any(SIGTERM not in (one.blocked or EMPTY) for one in process.living)


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        if not _deaf(scene, process):
            continue
        case = scene.case(process)
        if not case.signalfds_known or _unseen_wait(process):
            yield case.not_assessed(ID)
        elif not TERM & (case.awaited | case.by_signalfd):
            yield _finding(scene, process)


def _unseen_wait(process: Process) -> bool:
    """Does a thread sit in sigwait for a set that was not shown to us?"""
    return any(
        thread.syscall is not None and thread.syscall.waits_for_signals and thread.awaited is None
        for thread in process.living
    )


def _finding(scene: Scene, process: Process) -> Finding:
    container = in_container(scene.host, process)
    blocked = SIGTERM in scene.case(process).blocked
    fate = "it stays pending" if blocked else "the kernel drops it"
    where = "its container" if container else "its pid namespace"
    ignored = process.ignored is not None and SIGTERM in process.ignored
    how = "ignores it" if ignored else "blocks it" if blocked else "has no handler for it"
    caught = process.caught
    assert caught is not None
    return Finding(
        id=ID,
        severity=Severity.WARNING if container else Severity.NOTE,
        pid=process.pid,
        signals=tuple(TERM),
        title=f"SIGTERM does not end it: it is PID 1 of {where}, and {how}",
        detail=f"{fate}; whoever stops it waits the whole grace period, and then sends SIGKILL",
        evidence=(f"NSpid {' '.join(map(str, process.nspid))}, SigCgt {caught.hex}",),
        remedies=(
            Remedy("see", f"sigscope explain TERM {process.pid}"),
            Remedy("for good", "have an init as PID 1: docker run --init, or tini -- COMMAND"),
        ),
    )
