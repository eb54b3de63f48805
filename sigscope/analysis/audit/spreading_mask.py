"""Threads that block much, and children that they gave it to: where a mask enters a host."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import NOTHING, Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.tree import find_sources
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.tree import Source

ID = "spreading-mask"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING,)
MEANS = (
    "the threads of a process have different masks, and children of another program have inherited"
    " the full one: whether a child works depends on which thread starts it"
)
EVIDENCE = "SigBlk of each thread; the children of each (task/TID/children); SigBlk of these"
REMEDY = "start children from a thread with an open mask, or clear the mask between fork and exec"
SOURCE = "signal(7), fork(2), pthread_sigmask(3)"
INSTEAD_OF: tuple[str, ...] = ()

_MOST = 6


def looks(_scene: Scene) -> Looks:
    """Nothing more than what the checks of the children need."""
    return NOTHING


def check(scene: Scene) -> Iterator[Finding | Gap]:
    if scene.diagnosis is None:
        return
    audited = {process.pid: process for process in scene.processes}
    for pid, source in find_sources(scene.diagnosis, heirs=True).items():
        process = audited.get(pid)
        if process is not None and source.reached and len(source.tids) < source.threads:
            yield _finding(process, source)


def _finding(process: Process, source: Source) -> Finding:
    count = len(source.signals)
    what = f"{count} signals" if count > 1 else "".join(signal.name for signal in source.signals)
    who = f"{len(source.tids)} of its {source.threads} threads"
    verb = "blocks" if len(source.tids) == 1 else "block"
    children = "process has" if len(source.reached) == 1 else "processes have"
    return Finding(
        id=ID,
        severity=Severity.WARNING,
        pid=process.pid,
        signals=tuple(source.signals),
        title=f"{who} {verb} {what}, and {len(source.reached)} {children} inherited that",
        detail="what those threads start gets the full mask; what the others start does not",
        evidence=(f"threads {_few(source.tids)}; inherited by {_few(source.reached)}",),
        remedies=(
            Remedy("see", f"sigscope tree {process.pid}"),
            Remedy("for good", "start its children through: sigscope run --"),
        ),
    )


def _few(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers[:_MOST])) + (" ..." if len(numbers) > _MOST else "")
