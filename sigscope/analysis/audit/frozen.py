"""A frozen process does nothing, and looks like one that sleeps."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import NOTHING, Looks
from sigscope.analysis.audit.scene import Scene, waiting
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.process import Freezer, Process

ID = "frozen"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING,)
MEANS = "the cgroup of the process is frozen: nothing in it runs, and its signals wait"
EVIDENCE = "freezer.state (v1) or cgroup.events (v2) of its cgroup"
REMEDY = "thaw what froze it: docker unpause, systemctl thaw, or the cgroup itself"
SOURCE = "cgroups(7); Documentation/admin-guide/cgroup-v2.rst, freezer-subsystem.rst"
INSTEAD_OF: tuple[str, ...] = ()

_REACH = {
    Freezer.V1: "every signal waits until it is thawed, SIGKILL too",
    Freezer.V2: "SIGKILL ends it; handlers run when it is thawed",
}
_FILES = {Freezer.V1: "freezer.state is FROZEN", Freezer.V2: "cgroup.events says frozen 1"}
_MOST = 6


def looks(_scene: Scene) -> Looks:
    """Nothing: where each process lives is read for all of them."""
    return NOTHING


def check(scene: Scene) -> Iterator[Finding | Gap]:
    """One finding for each place: a paused container is one fact, not fifty."""
    said: set[int] = set()
    for process in scene.processes:
        if process.frozen is None or process.pid in said:
            continue
        alike = [other for other in scene.same_place(process) if other.frozen is process.frozen]
        said.update(other.pid for other in alike)
        yield _finding(process, process.frozen, alike)


def _finding(process: Process, freezer: Freezer, alike: list[Process]) -> Finding:
    evidence = [f"{_FILES[freezer]} in its cgroup ({freezer.value})"]
    others = [str(other.pid) for other in alike if other.pid != process.pid]
    if others:
        more = " ..." if len(others) > _MOST else ""
        evidence.append(f"so are {len(others)} others: {' '.join(others[:_MOST])}{more}")
    held = [other for other in alike if waiting(other)]
    if held:
        evidence.append(f"pending until then: {listed(waiting(held[0]))} ({held[0].pid})")
    return Finding(
        id=ID,
        severity=Severity.WARNING,
        pid=process.pid,
        signals=(),
        title="its cgroup is frozen: it does nothing until that is thawed",
        detail=_REACH[freezer],
        evidence=tuple(evidence),
        remedies=(_thaw(process),),
    )


def _thaw(process: Process) -> Remedy:
    container = process.container
    if container is not None and container.runtime in ("docker", "podman"):
        return Remedy("now", f"{container.runtime} unpause {container.short}")
    if process.unit is not None and container is None:
        return Remedy("now", f"systemctl thaw {process.unit}")
    return Remedy("where", f"cat /proc/{process.pid}/cgroup")
