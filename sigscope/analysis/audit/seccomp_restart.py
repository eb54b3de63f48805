"""Calls that go on through restart_syscall after a stop, under a filter that refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.audit.services import service_of
from sigscope.analysis.restart import kind_of
from sigscope.analysis.seccomp import restart_answer
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.restart import RestartClass
from sigscope.model.seccomp import Answer, action_text
from sigscope.model.thread import Thread

ID = "seccomp-restart"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING, Severity.NOTE)
MEANS = (
    "threads sit in calls that go on through restart_syscall after a stop, and a seccomp filter"
    " refuses that: a stop or a debugger breaks them; a note where the filter cannot be read"
)
EVIDENCE = (
    "what the filters answer to restart_syscall; nanosleep, poll or a futex with a timeout in"
    " task/TID/syscall"
)
REMEDY = (
    "allow restart_syscall in the policy (Docker does since 1.11), and stop nothing there till then"
)
SOURCE = "restart_syscall(2), seccomp(2); ERESTART_RESTARTBLOCK in the kernel; moby issue 20818"
INSTEAD_OF: tuple[str, ...] = ()

FILTER = 2
SAMPLE = 16
"""Processes of one service whose system calls and filters are looked at."""
_MOST = 6


class _Risk(NamedTuple):
    """A thread in such a call; no ``answer``: its filters tell none, or were not ``read``."""

    process: Process
    call: str
    answer: Answer | None
    read: bool = True


def looks(scene: Scene) -> Looks:
    """The calls of a few threads of the first processes of each service that has a filter.

    On a host of containers every process has one; those of a service have the same.
    """
    services: dict[str, list[int]] = {}
    for process in scene.processes:
        if process.seccomp == FILTER:
            services.setdefault(service_of(process), []).append(process.pid)
    some = frozenset(pid for pids in services.values() for pid in pids[:SAMPLE])
    return Looks(calls=some, depths=some)


def check(scene: Scene) -> Iterator[Finding | Gap]:
    """One finding for each service and answer: they share their filter."""
    services: dict[tuple[str, object], list[_Risk]] = {}
    for process in scene.processes:
        if process.seccomp == FILTER and (risk := _risk(process, scene.host.machine)) is not None:
            said = None if risk.answer is None else risk.answer[:2]
            services.setdefault((service_of(process), said), []).append(risk)
    for found in services.values():
        yield _finding(found, scene.host.shallow)


def _risk(process: Process, machine: str) -> _Risk | None:
    """The first thread that a stop would break, of those that were looked at."""
    unread = None
    for thread in process.living:
        call = thread.syscall
        if call is None or kind_of(call) is not RestartClass.RESTART_BLOCK:
            continue
        answer = _answer(thread, machine, call.narrow)
        if answer is None or not answer.whole:
            unread = unread or _Risk(process, call.name or "", None, answer is not None)
        elif not answer.surely_passes:
            return _Risk(process, call.name or "", answer)
    return unread


def _answer(thread: Thread, machine: str, narrow: bool) -> Answer | None:
    if thread.depth is None or thread.depth.filters is None:
        return None
    return restart_answer(thread.depth.filters, machine, narrow)


def _finding(found: list[_Risk], missing: Gap | None) -> Finding:
    process, call, answer, read = found[0]
    others = [str(other.process.pid) for other in found[1:]]
    evidence = [f"Seccomp {FILTER}, and a thread sits in {call}"]
    if others:
        more = f" and {len(others) - _MOST} more" if len(others) > _MOST else ""
        evidence.append(f"so do {', '.join(others[:_MOST])}{more}")
    look = Remedy("look", f"sigscope seccomp {process.pid}")
    if answer is None:
        unread = "only /proc was read" if missing is None else missing.why
        why = "it has too many ways to be followed" if read else unread
        evidence.append(f"what the filter answers is not known: {why}")
        return Finding(
            id=ID,
            severity=Severity.NOTE,
            pid=process.pid,
            signals=(),
            title=f"a seccomp filter, and {call}: a stop may break it",
            detail="after any stop it goes on through restart_syscall, which old filters refuse",
            evidence=tuple(evidence),
            remedies=(look,),
        )
    what = action_text(answer.action, answer.data)
    return Finding(
        id=ID,
        severity=Severity.WARNING,
        pid=process.pid,
        signals=(),
        title=f"a stop breaks {call}: under its seccomp filter restart_syscall {what}",
        detail="SIGSTOP and SIGCONT, a debugger or a freeze of the container is enough",
        evidence=tuple(evidence),
        remedies=(look, Remedy("for good", _FOR_GOOD)),
    )


_FOR_GOOD = "allow restart_syscall in the container's seccomp profile (Docker does since 1.11)"
