"""Calls that go on through restart_syscall after a stop, under a filter that may refuse it."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.audit.services import service_of
from sigscope.analysis.restart import kind_of
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.restart import RestartClass

ID = "seccomp-restart"
SEVERITIES: tuple[Severity, ...] = (Severity.NOTE,)
MEANS = (
    "a seccomp filter is present, and threads sit in calls that go on through restart_syscall after"
    " a stop: if the filter refuses that, a stop or a debugger breaks them"
)
EVIDENCE = "Seccomp: 2 in status; nanosleep, poll or a futex with a timeout in task/TID/syscall"
REMEDY = "stop or trace nothing there before the filter is known to allow restart_syscall"
SOURCE = "restart_syscall(2), seccomp(2); ERESTART_RESTARTBLOCK in the kernel"
INSTEAD_OF: tuple[str, ...] = ()

FILTER = 2
SAMPLE = 16
"""Processes of one service whose system calls are looked at."""
_MOST = 6


def looks(scene: Scene) -> Looks:
    """The calls of a few threads of the first processes of each service that has a filter.

    On a host of containers every process has one; those of a service have the same.
    """
    services: dict[str, list[int]] = {}
    for process in scene.processes:
        if process.seccomp == FILTER:
            services.setdefault(service_of(process), []).append(process.pid)
    return Looks(calls=frozenset(pid for pids in services.values() for pid in pids[:SAMPLE]))


def check(scene: Scene) -> Iterator[Finding | Gap]:
    """One finding for each service: they share their filter."""
    services: dict[str, list[tuple[Process, str]]] = {}
    for process in scene.processes:
        if process.seccomp == FILTER and (name := _restarting(process)):
            services.setdefault(service_of(process), []).append((process, name))
    for found in services.values():
        yield _finding(found)


def _restarting(process: Process) -> str:
    """The name of the first such call among the threads that were looked at."""
    calls = (thread.syscall for thread in process.living if thread.syscall is not None)
    return next(
        (call.name or "" for call in calls if kind_of(call) is RestartClass.RESTART_BLOCK), ""
    )


def _finding(found: list[tuple[Process, str]]) -> Finding:
    process, call = found[0]
    others = [str(other.pid) for other, _ in found[1:]]
    evidence = [f"Seccomp {FILTER}, and a thread sits in {call}"]
    if others:
        more = f" and {len(others) - _MOST} more" if len(others) > _MOST else ""
        evidence.append(f"so do {', '.join(others[:_MOST])}{more}")
    return Finding(
        id=ID,
        severity=Severity.NOTE,
        pid=process.pid,
        signals=(),
        title=f"a seccomp filter, and {call}: a stop may break it",
        detail="after any stop it goes on through restart_syscall, which old filters refuse",
        evidence=tuple(evidence),
        remedies=(Remedy("look", f"grep Seccomp /proc/{process.pid}/status"),),
    )
