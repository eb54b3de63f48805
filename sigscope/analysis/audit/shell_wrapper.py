"""A shell that only waits for the program which it started does not pass SIGTERM on."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.init_ignores_term import SIGTERM, TERM
from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.audit.services import contained_init, in_container, service_main
from sigscope.analysis.case import unjudged
from sigscope.analysis.lineage import SHELLS
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process

ID = "shell-wrapper"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING, Severity.NOTE)
MEANS = (
    "a shell without a handler for SIGTERM is PID 1 of a container (a warning), or of another pid"
    " namespace or the main process of a service (a note), and waits for a child: the child is"
    " not told to end"
)
EVIDENCE = "the name of the shell, the call in which it waits, its child, and SIGTERM not in SigCgt"
REMEDY = "start the program with exec, or put a trap for TERM into the script"
SOURCE = (
    "the description of exec and trap in sh(1); pid_namespaces(7); KillMode= in systemd.kill(5)"
)
INSTEAD_OF: tuple[str, ...] = ("init-ignores-term",)

WAITS = frozenset(("wait4", "waitid", "waitpid", "rt_sigsuspend"))
"""dash and busybox sit in rt_sigsuspend for their own command wait."""


def looks(scene: Scene) -> Looks:
    """Whether it waits for its child is seen in its system call."""
    return Looks(
        calls=frozenset(process.pid for process in scene.processes if _wraps(scene, process))
    )


def _wraps(scene: Scene, process: Process) -> bool:
    return (
        process.comm in SHELLS
        and process.caught is not None
        and SIGTERM not in process.caught
        and (contained_init(scene.host, process) or service_main(scene.host, process))
        and bool(_child(scene, process))
    )


def _child(scene: Scene, process: Process) -> Process | None:
    return next((child for child in scene.children(process) if not child.zombie), None)


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        if not _wraps(scene, process):
            continue
        call = process.threads[0].syscall
        child = _child(scene, process)
        if call is None:
            yield unjudged(process, ID, "its system call could not be read", "syscall")
        elif call.name in WAITS and child is not None:
            yield _finding(scene, process, child, call.name or "")


def _finding(scene: Scene, process: Process, child: Process, call: str) -> Finding:
    init = contained_init(scene.host, process)
    container = init and in_container(scene.host, process)
    what = "PID 1 of its container" if container else "PID 1 of its pid namespace"
    detail = (
        "SIGTERM to PID 1 is dropped: stopping it takes the whole grace period, then SIGKILL"
        if init
        else "SIGTERM to the shell alone leaves the child running: KillMode=process or mixed"
    )
    caught = process.caught
    assert caught is not None
    return Finding(
        id=ID,
        severity=Severity.WARNING if container else Severity.NOTE,
        pid=process.pid,
        signals=tuple(TERM),
        title=(
            f"the shell is {what if init else 'the main process of its service'},"
            f" and does not pass SIGTERM on to {child.comm} {child.pid}"
        ),
        detail=detail,
        evidence=(f"it sits in {call}; SigCgt {caught.hex}",),
        remedies=(
            Remedy("for good", f"exec {child.comm} ... as the last line of the script"),
            Remedy("see", f"sigscope explain TERM {process.pid}"),
        ),
    )
