"""Somebody watches the process: signals go to the tracer first."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import NOTHING, Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.state import State

ID = "traced"
SEVERITIES: tuple[Severity, ...] = (Severity.NOTE,)
MEANS = "another process traces this one: it sees every signal first, and no one else can attach"
EVIDENCE = "TracerPid, and the name of that process"
REMEDY = "look at the tracer; end it if it was forgotten"
SOURCE = "ptrace(2)"
INSTEAD_OF: tuple[str, ...] = ("stopped",)


def looks(_scene: Scene) -> Looks:
    """Nothing: the status file says it."""
    return NOTHING


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        if process.tracer is None:
            continue
        tracer = scene.host.processes.get(process.tracer)
        who = f"{tracer.comm} {tracer.pid}" if tracer is not None else f"pid {process.tracer}"
        held = all(thread.state is State.TRACED for thread in process.living)
        yield Finding(
            id=ID,
            severity=Severity.NOTE,
            pid=process.pid,
            signals=(),
            title=f"{who} traces it" + (", and holds it just now" if held else ""),
            detail="its signals go to the tracer first; another debugger is refused with EPERM",
            evidence=(f"TracerPid {process.tracer}",),
            remedies=(Remedy("who", f"sigscope pid {process.tracer}"),),
        )
