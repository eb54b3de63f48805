"""A fatal signal is pending for a thread that cannot take it where it waits.

SIGKILL in SigPnd of a thread need not be a ``kill -9``: a fatal signal of any kind shows so until
the thread has ended (complete_signal of kernel/signal.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.process import Process
from sigscope.model.signals import DEFAULT_TERMINATES, EMPTY, Signal, SignalSet
from sigscope.model.state import State
from sigscope.model.thread import Thread
from sigscope.model.value import dataclass

ID = "unkillable"
SEVERITIES: tuple[Severity, ...] = (Severity.ERROR, Severity.WARNING)
MEANS = (
    "a signal that ends it is pending and open, but the thread is in uninterruptible sleep: SIGKILL"
    " (an error), or another one that such a sleep holds back (a warning)"
)
EVIDENCE = "State D at several looks; SigPnd or ShdPnd; the system call and the wait channel"
REMEDY = "remove what it waits for: thaw it, end the child of a vfork, abort the FUSE or NFS mount"
SOURCE = "proc_pid_stat(5), state D; vfork(2); TASK_KILLABLE in include/linux/sched.h"
INSTEAD_OF: tuple[str, ...] = ()

SIGKILL = Signal.named("SIGKILL")
CLONE_VFORK = 0x4000


@dataclass(frozen=True, slots=True)
class Why:
    """What a thread waits for, and what ends that wait."""

    reason: str
    remedy: Remedy | None = None


_ABORT = Remedy("release", "echo 1 >/sys/fs/fuse/connections/ID/abort")
_CHANNELS = (
    (
        re.compile(r"fuse|request_wait_answer"),
        Why("likely a FUSE file system does not answer", _ABORT),
    ),
    (re.compile(r"nfs|rpc_"), Why("likely an NFS server does not answer")),
    (re.compile(r"cifs|smb"), Why("likely an SMB server does not answer")),
    (
        re.compile(r"kernel_clone|_do_fork|vfork"),
        Why("likely a child of vfork has not called exec or exit"),
    ),
    (re.compile(r"refrigerator"), Why("likely its cgroup is frozen")),
    (
        re.compile(r"^io_|^blk_|^bio_|folio_wait|wait_on_page|jbd2|ext4|xfs|btrfs|submit_"),
        Why("likely input or output of a disk does not end"),
    ),
)


def looks(scene: Scene) -> Looks:
    """Where its threads wait, and which call each of them is in."""
    pids = frozenset(process.pid for process in scene.processes if _stuck(process))
    return Looks(close=pids, waits=pids)


def _stuck(process: Process) -> tuple[Thread, SignalSet] | None:
    """The first thread that should have ended, and by which signals."""
    open_to = DEFAULT_TERMINATES - (process.ignored or EMPTY)
    for thread in process.living:
        if thread.state is not State.UNINTERRUPTIBLE:
            continue
        held = (thread.pending or EMPTY) | (process.pending or EMPTY)
        held = (held & open_to) - (thread.blocked or EMPTY)
        if held:
            return thread, held
    return None


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        stuck = _stuck(process)
        if stuck is not None and not (process.waits is not None and process.waits.dumping):
            yield _finding(scene, process, *stuck)


def _finding(scene: Scene, process: Process, thread: Thread, held: SignalSet) -> Finding:
    killed = SIGKILL in (thread.pending or EMPTY)
    shown = held - SignalSet.of("SIGKILL") or held
    channel = process.waits.channels.get(thread.tid, "") if process.waits is not None else ""
    call = thread.syscall.name if thread.syscall is not None else None
    which = f"thread {thread.tid}" if len(process.living) > 1 else "it"
    verb = "are" if len(shown) > 1 else "is"
    why = _why(scene, process, thread, channel)
    return Finding(
        id=ID,
        severity=Severity.ERROR if killed else Severity.WARNING,
        pid=process.pid,
        signals=tuple(shown),
        title=(
            f"{listed(shown)} {verb} pending, and {which} does not wake"
            f" from uninterruptible sleep: {why.reason}"
        ),
        detail=(
            "it is being killed already; another SIGKILL changes nothing"
            if killed
            else "SIGKILL may end it all the same: some of these sleeps are killable (vfork is)"
        ),
        evidence=(
            f"State D in {call or 'no call that is shown'}, wait channel {channel or 'not shown'}",
            f"SigPnd {(thread.pending or EMPTY).hex}, ShdPnd {(process.pending or EMPTY).hex}",
        ),
        remedies=(
            why.remedy or Remedy("where", f"cat /proc/{process.pid}/task/{thread.tid}/stack"),
        ),
    )


def _why(scene: Scene, process: Process, thread: Thread, channel: str) -> Why:
    """For what it waits: "likely" where only the name of a kernel function tells."""
    if process.frozen is not None:
        look = Remedy("where", f"cat /proc/{process.pid}/cgroup")
        return Why(f"its cgroup is frozen ({process.frozen.value})", look)
    call = thread.syscall
    flags = call.args[0] if call is not None and call.args else 0
    if call is not None and (
        call.name == "vfork" or (call.name == "clone" and flags & CLONE_VFORK)
    ):
        children = [child.pid for child in scene.children(process) if not child.zombie]
        named = f" {children[0]}" if len(children) == 1 else ""
        reason = f"its vfork child{named} has not called exec or exit"
        return Why(reason, Remedy("look", f"sigscope pid {children[0]}") if children else None)
    for pattern, why in _CHANNELS:
        if pattern.search(channel):
            return why
    return Why("likely input or output; where is not shown")
