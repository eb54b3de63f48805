"""Stop a living process and let it go on, and watch what becomes of its system calls.

All its threads are traced meanwhile (``kernel.ptrace``). What the program would have seen of the
stop, EINTR or a restart_syscall that its filter may refuse, is undone before it sees it: the call
starts again. So the trial shows what the kernel does, and does no harm. A guardian sends the
SIGCONT, or thaws the cgroup, if we are killed in between.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from sigscope.errors import NoSuchTarget
from sigscope.kernel.calls import call_name
from sigscope.kernel.freezing import Cgroup
from sigscope.kernel.guardian import watched_over
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.session import Session, trace
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.ptrace.waiting import StopKind
from sigscope.kernel.timeouts import remaining, requested
from sigscope.model.live import Method, Through, Watched
from sigscope.model.process import Process
from sigscope.model.registers import Phase
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread

STOPPING = 1.0
"""Seconds in which a thread stops, or will not: D, a vfork parent."""
WATCHING = 1.0
"""Seconds in which it goes on, or runs without any system call."""
RESTART_SYSCALL = "restart_syscall"


def try_live(process: Process, method: Method, proven: frozenset[str]) -> tuple[Watched, ...]:
    """Stop it, let it go on, and tell what was seen of each of its threads.

    ``process`` was looked at closely. NoSuchTarget, NotPermitted (who refused is said),
    NotSupported (no freezer that is its own).
    """
    cgroup = Cgroup.of(process.pid) if method is Method.FREEZE else None
    pidfd = _pidfd(process)

    def rescue() -> None:
        if cgroup is not None:
            cgroup.thaw()
        else:
            signal.pidfd_send_signal(pidfd, signal.SIGCONT)

    guarded = watched_over(rescue) if method is not Method.INTERRUPT else contextlib.nullcontext()
    try:
        with guarded:
            return trace(process.pid, _Trial(process, method, cgroup).run, proven)
    finally:
        os.close(pidfd)


def _pidfd(process: Process) -> int:
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError as error:
        raise NoSuchTarget(
            f"process {process.pid} has ended", os.strerror(error.errno or 0)
        ) from None
    if read_status(ProcFS(engine="proc"), process.pid).identity != process.identity:
        os.close(pidfd)
        raise NoSuchTarget(f"process {process.pid} has ended meanwhile", "its pid is used again")
    return pidfd


class _Trial:
    """One stop of one process, thread by thread."""

    def __init__(self, process: Process, method: Method, cgroup: Cgroup | None) -> None:
        self._process = process
        self._method = method
        self._cgroup = cgroup
        self._halted = False
        self._before: dict[int, float | None] = {}
        self._seen: dict[int, Watched] = {}
        self._waiting: set[int] = set()

    def run(self, session: Session) -> tuple[Watched, ...]:
        for tid in session.tids():
            with contextlib.suppress(ProcessLookupError):
                tracee = session.seize(tid)
                self._before[tid] = self._left(tracee, self._process.thread(tid))
        self._waiting = set(session.tracees)
        try:
            self._stop(session)
            self._await_stops(session)
        finally:
            self._go_on(session)
        self._watch(session)
        return tuple(self._seen[tid] for tid in sorted(self._seen))

    def _left(self, tracee: Tracee, thread: Thread | None) -> float | None:
        """What is left of a timeout before the stop: what was asked for, less what it has slept."""
        call = thread.syscall if thread is not None else None
        if thread is None or call is None or thread.asleep_ms is None:
            return None
        wanted = requested(call, tracee.read)
        return None if wanted is None else max(0.0, wanted - thread.asleep_ms / 1000)

    def _stop(self, session: Session) -> None:
        match self._method:
            case Method.STOP:
                self._halted = True
                session.signal(signal.SIGSTOP)
            case Method.FREEZE:
                assert self._cgroup is not None
                self._halted = True
                self._cgroup.freeze(STOPPING)
        if self._method is not Method.STOP:
            for tracee in session.tracees.values():
                with contextlib.suppress(ProcessLookupError):
                    tracee.interrupt()

    def _go_on(self, session: Session) -> None:
        """Whatever has happened, it is not left stopped."""
        if self._halted and self._cgroup is not None:
            self._cgroup.thaw()
        elif self._halted:
            with contextlib.suppress(ProcessLookupError):
                session.signal(signal.SIGCONT)
        self._halted = False

    def _await_stops(self, session: Session) -> None:
        """Until all stand still; what each call has given is read there."""
        deadline = time.monotonic() + STOPPING
        left = set(self._waiting)
        while left and (tracee := session.wait(max(0.0, deadline - time.monotonic()))):
            stop = tracee.stop
            assert stop is not None
            if stop.ended:
                left.discard(tracee.tid)
                self._ended(tracee)
                continue
            self._note(tracee)
            if stop.kind is StopKind.SIGNAL:
                tracee.resume()
            elif stop.kind is StopKind.GROUP:
                tracee.listen()
                left.discard(tracee.tid)
            else:
                left.discard(tracee.tid)
        for tid in left - set(self._seen):
            self._seen[tid] = Watched(tid, None, None, Through.STAYED, False)

    def _note(self, tracee: Tracee) -> None:
        """The call that was interrupted, with its result; once, before anything changes that."""
        watched = self._seen.get(tracee.tid)
        if watched is not None and watched.through is not Through.STAYED:
            return
        registers = tracee.registers()
        thread = self._process.thread(tracee.tid)
        call = thread.syscall if thread is not None else None
        name, result, after = None, None, None
        if registers.number >= 0:
            name = call_name(registers.abi, registers.number)
            result = registers.result
            same = call is not None and call.number == registers.number
            after = remaining(call, tracee.read) if same and call is not None else None
        before = self._before.get(tracee.tid) if call is not None and call.name == name else None
        # At once: if we are killed from here on, the program still sees nothing of the stop.
        undone = tracee.launder()
        self._seen[tracee.tid] = Watched(
            tracee.tid, name, result, Through.NOT_SEEN, undone, before, after
        )

    def _ended(self, tracee: Tracee) -> None:
        watched = self._seen.get(tracee.tid)
        if watched is None:
            watched = Watched(tracee.tid, None, None, Through.NOT_SEEN, False)
        self._seen[tracee.tid] = watched._replace(ended=True)
        self._waiting.discard(tracee.tid)

    def _watch(self, session: Session) -> None:
        """Until each has entered a call again: that one, restart_syscall, or another."""
        deadline = time.monotonic() + WATCHING
        for tracee in session.tracees.values():
            if tracee.held and not tracee.ended:
                self._let_on(tracee)
        while self._waiting:
            found = session.wait(max(0.0, deadline - time.monotonic()))
            if found is None:
                return
            stop = found.stop
            assert stop is not None
            if stop.ended:
                self._ended(found)
            elif stop.kind is StopKind.SYSCALL:
                self._entered(found)
            elif stop.kind is StopKind.GROUP:
                found.listen()
            else:
                self._note(found)
                self._let_on(found)

    def _let_on(self, tracee: Tracee) -> None:
        """Until it enters a call; a signal that was about to be delivered is."""
        with contextlib.suppress(ProcessLookupError):
            tracee.launder()
            tracee.to_syscall()

    def _entered(self, tracee: Tracee) -> None:
        stopped = tracee.call()
        watched = self._seen.get(tracee.tid)
        if watched is not None and stopped.phase is Phase.ENTRY and stopped.call is not None:
            self._seen[tracee.tid] = watched._replace(through=_through(watched, stopped.call))
        self._waiting.discard(tracee.tid)
        # Not DETACH: that interrupts the call once more (ptrace_detach() of kernel/ptrace.c wakes
        # it as a signal does), and nobody would undo that. The session launders at its end.
        tracee.resume()


def _through(watched: Watched, call: SystemCall) -> Through:
    if call.name == RESTART_SYSCALL:
        return Through.RESTART_SYSCALL
    if watched.result is None:
        return Through.NOT_SEEN
    return Through.AGAIN if call.name == watched.name else Through.HANDLER
