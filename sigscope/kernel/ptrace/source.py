"""Signals seen by tracing their receivers: for who has no more rights than over processes of
their own. It disturbs them: each signal stops the thread that takes it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter

from sigscope.decode.status import Sets, decode_status, decode_thread_status
from sigscope.errors import DecodeError, UsageError
from sigscope.kernel.closing import Closing
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.following import CLONE, EXEC, EXIT, FORK, VFORK, Following
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.watch.census import Census
from sigscope.kernel.watch.source import Wanted
from sigscope.model.gap import Gap
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal
from sigscope.model.watch import (
    CAUGHT,
    Delivered,
    Event,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Task,
)

SI_TKILL = -6
MOST = 1 << 17
"""Events that wait to be fetched; what comes then is only counted."""
NOBODY = Task(0)
_SWITCH = 0.0005
"""Seconds after which our other threads make room for the tracer: a target may stand still."""
_OTHER = "--engine bpf, perf or tracefs, as root, disturb nobody and tell it"

GAPS = (
    Gap(
        "signals that are not delivered",
        "a tracer sees a signal when it is taken: of those that are ignored at once, lost or"
        " taken by sigwait or a signalfd it hears nothing, and of blocked ones only when another"
        " one comes",
        _OTHER,
    ),
    Gap("when a signal was sent", "a tracer sees only when it was taken", _OTHER),
    Gap("addresses of handlers", "they are not asked for while a thread stands", _OTHER),
    Gap(
        "the targets as they are when nobody looks",
        "under a tracer each signal stops its receiver for some 50 microseconds, and one that"
        " is ignored by default also interrupts the call that it sits in",
        _OTHER,
    ),
)


class PtraceSource(Closing):
    """A ``Source`` (kernel.watch.source) of the processes in ``wanted.targets``.

    UsageError without any; NoSuchTarget, NotPermitted or NotSupported. A target that is a child
    of ours is to be waited for only once it has ended (its pidfd is readable then): a wait
    before that takes its stops, and the tracer does not hear of them (wait_task_stopped() of
    kernel/exit.c).
    """

    engine = "ptrace"

    def __init__(self, wanted: Wanted) -> None:
        if not wanted.targets:
            raise UsageError(
                "the ptrace engine follows only processes that are named", "name them: PID ..."
            )
        self.lost: int | None = 0
        self.gaps = GAPS
        self._signals = wanted.signals
        self._found: list[Event] = []
        self._lock = threading.Lock()
        self._seen: dict[int, Counter[SigInfo]] = {}
        self._inside: dict[int, bool] = {}
        self._census = Census()
        with contextlib.ExitStack() as stack:
            procfs = ProcFS(engine="proc")
            stack.callback(procfs.root.close)
            self._census.seed(procfs)
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            stack.callback(os.close, self._bell)
            stack.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(_SWITCH)
            self._following = Following(sorted(wanted.targets), self._look)
            stack.callback(self._following.end)
            self._following.begin()
            self._open = stack.pop_all()

    def fileno(self) -> int:
        """Readable when there is something."""
        return self._bell

    def events(self) -> list[Event]:
        """What has happened since the last call, without waiting, in order of time."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        with self._lock:
            found, self._found = self._found, []
        if not found and self._following.error is not None:
            raise self._following.error
        return found

    def close(self) -> None:
        """The targets run on untraced. May be called twice."""
        self._open.close()

    # -- in the tracer's thread, while a target stands --------------------------------------

    def _tell(self, event: Event) -> None:
        with self._lock:
            if len(self._found) < MOST:
                self._found.append(event)
            else:
                self.lost = (self.lost or 0) + 1
                if not isinstance(self._found[-1], Missed):
                    self._found.append(Missed(event.time, None))
        os.eventfd_write(self._bell, 1)

    def _look(self, tracee: Tracee, event: int, status: bytes) -> None:
        now, tid = time.monotonic_ns(), tracee.tid
        if event == 0:
            self._signal(now, tracee, status)
        elif event in (FORK, VFORK, CLONE):
            self._forked(now, tid, self._following.told(tracee))
        elif event == EXEC:
            self._executed(now, tid)
        elif event == EXIT:
            task = self._census.task(tid)
            others = self._census.threads(task.tgid or tid) - {tid}
            ended = Exited(now, task, self._following.told(tracee), not others)
            self._census.see(ended)
            self._tell(ended)

    def _signal(self, now: int, tracee: Tracee, status: bytes) -> None:
        task = self._census.task(tracee.tid)
        info = self._known(task, tracee.siginfo())
        sets = _sets(status)
        seen = self._seen.setdefault(task.tgid or task.tid, Counter())
        if seen[info] > 0:
            seen[info] -= 1
        else:
            self._sent(now, task, info, info.code != SI_TKILL, False)
        handler = 0
        if sets is not None:
            handler = CAUGHT if info.signal in sets.sigcgt else int(info.signal in sets.sigign)
        if self._is_wanted(info.signal):
            self._tell(Delivered(now, task, info.signal, info.code, handler, 0))
        if sets is not None and (sets.sigpnd or sets.shdpnd):
            self._pending(now, tracee, task, sets, seen)

    def _pending(
        self, now: int, tracee: Tracee, task: Task, sets: Sets, seen: Counter[SigInfo]
    ) -> None:
        """What waits: told when it is first seen, and not once more when it is taken."""
        waiting: Counter[SigInfo] = Counter()
        for shared in (False, True):
            for entry in tracee.queue(shared):
                info = self._known(task, entry)
                waiting[info] += 1
                if waiting[info] > seen[info]:
                    self._sent(now, task, info, shared, info.signal in sets.sigblk)
        seen.clear()
        seen.update(waiting)

    def _sent(self, now: int, target: Task, info: SigInfo, group: bool, blocked: bool) -> None:
        if not self._is_wanted(info.signal):
            return
        by = info.pid if info.by_a_process and not info.inside else None
        sender = self._census.task(by) if by else NOBODY
        self._tell(Sent(now, sender, target, info, group, Result.QUEUED, blocked))

    def _known(self, task: Task, info: SigInfo) -> SigInfo:
        """A target in a pid namespace of its own is told its own numbers."""
        inside = self._inside.get(task.tid)
        if inside is None:
            inside = self._inside[task.tid] = _elsewhere(task.tid)
        return info._replace(inside=True) if inside and info.pid else info

    def _is_wanted(self, signal: Signal) -> bool:
        return self._signals is None or signal in self._signals

    def _forked(self, now: int, tid: int, child: int) -> None:
        parent = self._census.task(tid)
        try:
            with open(f"/proc/{child}/status", "rb") as file:
                tgid: int | None = decode_status(file.read(1 << 13)).tgid
        except (OSError, DecodeError):
            tgid = None
        above = parent.parent if tgid == parent.tgid else parent.tgid
        named = parent.parent_comm if tgid == parent.tgid else parent.comm
        event = Forked(now, parent, Task(child, tgid, parent.comm, parent.uid, above, named))
        self._census.see(event)
        self._tell(event)

    def _executed(self, now: int, tid: int) -> None:
        path = None
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/{tid}/exe")
        event = Executed(now, self._census.task(tid)._replace(comm=_comm(tid)), path)
        self._census.see(event)
        task = self._census.task(tid)
        self._tell(event._replace(task=task, cmdline=self._census.cmdline(task.tgid or tid)))


def _sets(status: bytes) -> Sets | None:
    try:
        return decode_thread_status(status)[2]
    except DecodeError:
        return None


def _comm(tid: int) -> str | None:
    try:
        with open(f"/proc/{tid}/comm", encoding="utf-8", errors="backslashreplace") as file:
            return file.read(64).rstrip("\n")
    except OSError:
        return None


def _elsewhere(tid: int) -> bool:
    try:
        return os.readlink(f"/proc/{tid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    except OSError:
        return False
