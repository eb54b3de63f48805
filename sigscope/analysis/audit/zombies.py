"""Children that have ended, and whose parent does not ask for their exit status."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.signals import Signal, SignalSet

ID = "zombies"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING, Severity.NOTE)
MEANS = (
    "a parent has five or more zombie children (a warning), or one that has been dead for a minute"
    " (a note): it does not reap them"
)
EVIDENCE = "State Z of the children at several looks; since when, where the kernel tells"
REMEDY = "mend the parent (waitpid in a SIGCHLD handler); ending it lets init reap them"
SOURCE = "wait(2), NOTES; kernel/exit.c"
INSTEAD_OF: tuple[str, ...] = ()

MANY = 5
LONG_MS = 60_000.0
CHLD = SignalSet.of("SIGCHLD")
SIGCHLD = Signal.named("SIGCHLD")
_MOST = 6


def looks(scene: Scene) -> Looks:
    """Since when each zombie is dead."""
    return Looks(
        deaths=frozenset(
            child.pid for process in scene.processes for child in _dead_children(scene, process)
        )
    )


def _dead_children(scene: Scene, process: Process) -> list[Process]:
    """At the second look only those that were zombies at the first one, too."""
    found = [child for child in scene.children(process) if child.zombie]
    if scene.before is None:
        return found
    return [child for child in found if (then := scene.still(child)) is not None and then.zombie]


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        dead = _dead_children(scene, process)
        if len(dead) >= MANY:
            yield _finding(scene, process, dead, Severity.WARNING)
        elif old := [child for child in dead if _dead_ms(child) >= LONG_MS]:
            yield _finding(scene, process, old, Severity.NOTE)


def _dead_ms(child: Process) -> float:
    return child.threads[0].asleep_ms or 0.0


def _finding(scene: Scene, process: Process, dead: list[Process], severity: Severity) -> Finding:
    oldest = max(map(_dead_ms, dead))
    since = (
        f", {'' if len(dead) == 1 else 'one of them '}{_for(oldest)}" if oldest >= LONG_MS else ""
    )
    named = " ".join(str(child.pid) for child in dead[:_MOST])
    more = f" and {len(dead) - _MOST} more" if len(dead) > _MOST else ""
    names = sorted({child.comm for child in dead})
    children = "zombie child" if len(dead) == 1 else "zombie children"
    return Finding(
        id=ID,
        severity=severity,
        pid=process.pid,
        signals=tuple(CHLD),
        title=f"it does not reap its children: {len(dead)} {children}{since}",
        detail=_why(scene, process),
        evidence=(f"{', '.join(names[:3])}: {named}{more}",),
        remedies=(Remedy("look", f"sigscope pid {process.pid}"),),
    )


def _for(milliseconds: float) -> str:
    minutes = round(milliseconds / 60_000)
    return "for a minute" if minutes < 2 else f"for {minutes} minutes"


def _why(scene: Scene, process: Process) -> str:
    if process.ignored is None or process.blocked_by_all is None:
        return "whether it blocks or ignores SIGCHLD could not be read"
    if SIGCHLD in process.ignored:
        return "it ignores SIGCHLD now, and did not when these ended: it will never hear of them"
    if process.caught is not None and SIGCHLD not in process.caught:
        return "it has no handler for SIGCHLD: it must call wait by itself, and does not"
    if SIGCHLD in scene.case(process).unanswered:
        return "it has a handler for SIGCHLD, and blocks the signal in every thread"
    return (
        "its handler for SIGCHLD is open, and does not reap all: one signal may stand for several"
    )
