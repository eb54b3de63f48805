"""Each user has one signal queue for all processes, and every POSIX timer takes a place in it."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import NOTHING, Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process

ID = "queue-near-limit"
SEVERITIES: tuple[Severity, ...] = (Severity.ERROR, Severity.WARNING)
MEANS = (
    "the signal queue of a user is at least 80 % full (a warning) or full (an error): timer_create"
    " and sigqueue fail with EAGAIN, and real-time signals lose their data"
)
EVIDENCE = "SigQ of a process, used/limit; the number of POSIX timers in /proc/PID/timers"
REMEDY = "end or mend the process that has the most timers; raise RLIMIT_SIGPENDING (prlimit -i)"
SOURCE = "getrlimit(2), timer_create(2); sigqueue_alloc of kernel/signal.c"
INSTEAD_OF: tuple[str, ...] = ()

NEAR = 0.8
_MOST = 3


def looks(scene: Scene) -> Looks:
    """The timers of every process of a user who is near the limit."""
    users = {process.uid for process in scene.processes if _near(process)}
    if not users:
        return NOTHING
    return Looks(
        timers=frozenset(
            process.pid
            for process in scene.host.processes.values()
            if process.uid in users and not process.kernel_thread and not process.zombie
        )
    )


def check(scene: Scene) -> Iterator[Finding | Gap]:
    users: dict[int, list[Process]] = {}
    for process in scene.processes:
        if _near(process):
            users.setdefault(process.uid, []).append(process)
    for uid, near in users.items():
        yield _finding(scene, uid, near)


def _near(process: Process) -> bool:
    queue = process.queue
    return queue is not None and queue.limit > 0 and queue.used >= NEAR * queue.limit


def _finding(scene: Scene, uid: int, near: list[Process]) -> Finding:
    """About the process with the most timers; else about the one that is nearest."""
    fullest = max(near, key=_fullness)
    queue = fullest.queue
    assert queue is not None
    owners = sorted(
        (process for process in scene.host.processes.values() if process.uid == uid),
        key=lambda process: (-len(process.timers or ()), process.pid),
    )
    owners = [process for process in owners if process.timers][:_MOST]
    about = next((process for process in owners if process in near), fullest)
    full = queue.used >= queue.limit
    percent = 100 * queue.used // queue.limit
    state = "full" if full else f"{percent} % full"
    whose = [
        f"{process.comm} {process.pid} has {len(process.timers or ())} POSIX timers"
        for process in owners
    ]
    unread = sum(process.timers is None for process in near)
    if unread:
        whose.append(f"the timers of {unread} of its processes could not be read")
    return Finding(
        id=ID,
        severity=Severity.ERROR if full else Severity.WARNING,
        pid=about.pid,
        signals=(),
        title=f"the signal queue of user {scene.host.user(uid)} is {state}",
        detail="when it is full, timer_create and sigqueue fail with EAGAIN in all its processes",
        evidence=(f"SigQ {queue.used}/{queue.limit} of {fullest.comm} {fullest.pid}", *whose),
        remedies=(
            Remedy("look", f"grep -c ^ID /proc/{about.pid}/timers"),
            Remedy("for a while", f"prlimit --pid {about.pid} --sigpending={2 * queue.limit}"),
        ),
    )


def _fullness(process: Process) -> float:
    assert process.queue is not None
    return process.queue.used / process.queue.limit
