"""Following the connections of our own processes without BPF: at the stops of their calls.

Each system call stops its thread twice, and it goes on as soon as it was looked at: that is slow
for the process, and it notices nothing else. The stops are handled in a thread of our own, to
which the tracees belong; when it ends, however it ends, the kernel lets them go.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import replace

from sigscope.errors import NotSupported, SigscopeError, WouldHarm
from sigscope.kernel.closing import Closing
from sigscope.kernel.names import read_name
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.holding import prefer
from sigscope.kernel.ptrace.moved import MOVES, copied, peeks
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.ptrace.session import Session
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.ptrace.waiting import StopKind, await_change
from sigscope.model.registers import Phase, StoppedCall
from sigscope.model.siginfo import SI_KERNEL
from sigscope.model.syscall import SystemCall
from sigscope.model.traffic import Did, Event

MOST_EVENTS = 1 << 16
"""That wait to be taken: further ones are counted as lost."""
PATIENCE = 30.0
"""Seconds in which the threads must be held, and let go again."""
_UNFINISHED = frozenset((-11, -4, -512, -513, -514, -515, -516))
"""EAGAIN, EINTR, and the kernel's own restarts: the call is made again, or goes on."""
_ACCEPTS = ("accept", "accept4")


class TracedTraffic(Closing):
    """Events of these processes, as ``kernel.bpf.traffic`` has them; use it in ``with``.

    ``connections`` are the (pid, descriptor) that are open already. NotPermitted if they may not
    be traced, WouldHarm if one of their calls would be harmed by the first stop.
    """

    def __init__(self, pids: Collection[int], connections: Collection[tuple[int, int]]) -> None:
        for pid in pids:
            if obstacles := refuse_now(pid):
                raise WouldHarm(obstacles, "try again when it does something else")
        self._procfs = ProcFS()
        self._connections = set(connections)
        self._events: deque[Event] = deque()
        self._calls: dict[int, tuple[str, SystemCall]] = {}
        self._some, self._over, self._begun = (threading.Event() for _ in range(3))
        self._error: BaseException | None = None
        self.lost = 0
        self._ignored = signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
        if self._ignored:  # then the kernel tells nobody of a stop
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # As ``waiting`` needs it: in all threads, or it would be taken by another.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        self._thread = threading.Thread(
            target=self._run, args=(tuple(pids),), name="tracer", daemon=True
        )
        everything = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, everything)
        self._begun.wait(PATIENCE)
        if self._error is not None or not self._begun.is_set():
            self.close()
            raise self._error or NotSupported("it does not stop", "look at it: sigscope pid")

    # -- for the one who reads -------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Until there is something to read, or that time is over."""
        self._some.wait(seconds)

    def events(self) -> Iterator[Event]:
        """What has happened since."""
        self._some.clear()
        while self._events:
            yield self._events.popleft()

    def close(self) -> None:
        """Let them go."""
        self._over.set()
        self._thread.join(PATIENCE)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        if self._ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    # -- in the tracer's thread ------------------------------------------------------------

    def _run(self, pids: tuple[int, ...]) -> None:
        prefer()
        try:
            with contextlib.ExitStack() as stack:
                sessions = [stack.enter_context(Session(pid)) for pid in pids]
                for session in sessions:
                    session.hold()
                    if session.late:
                        why = f"thread {session.late[0]} of process {session.pid} does not stop"
                        raise NotSupported(why, "look at it: sigscope pid")
                self._begun.set()
                self._follow(sessions)
        except (OSError, SigscopeError) as error:
            self._error = error
        finally:
            self._begun.set()

    def _follow(self, sessions: list[Session]) -> None:
        """Until it is over, or nobody is left."""
        while not self._over.is_set():
            attached = moved = False
            for session in sessions:
                for tracee in tuple(session.tracees.values()):
                    if not tracee.attached:
                        continue
                    attached = True
                    if tracee.look() is not None:
                        moved = True
                        self._stopped(session.pid, tracee)
            if not attached:
                return
            if not moved:
                await_change(time.monotonic() + 1.0)

    def _stopped(self, pid: int, tracee: Tracee) -> None:
        """Tell what it is, and let it go on; one that was killed meanwhile is looked at again."""
        stop = tracee.stop
        assert stop is not None
        if stop.ended:
            if tracee.tid == pid:
                self._put(
                    Event(time.monotonic(), pid, Did.ENDED, 0, stop.signal | stop.status << 8)
                )
            return
        with contextlib.suppress(ProcessLookupError):
            if stop.kind is StopKind.GROUP:
                tracee.listen()
                return
            if stop.kind is StopKind.SYSCALL:
                self._call(pid, tracee)
            elif stop.kind is StopKind.SIGNAL:
                self._signal(pid, tracee)
            tracee.to_syscall()
            return
        tracee.stop = None

    def _call(self, pid: int, tracee: Tracee) -> None:
        seen = tracee.call()
        if seen.phase is Phase.ENTRY and seen.call is not None:
            self._calls[tracee.tid] = seen.abi, seen.call
        elif seen.phase is Phase.EXIT and tracee.tid in self._calls:
            abi, call = self._calls.pop(tracee.tid)
            self._made(pid, tracee, abi, call, seen)

    def _made(
        self, pid: int, tracee: Tracee, abi: str, call: SystemCall, seen: StoppedCall
    ) -> None:
        result, when = seen.result or 0, time.monotonic()
        if call.name in _ACCEPTS and result >= 0:
            self._connections.add((pid, result))
            self._put(Event(when, pid, Did.ACCEPTED, result, result))
            return
        fd = call.args[0] & 0xFFFFFFFF
        if (pid, fd) not in self._connections:
            return
        if call.name == "close":
            self._connections.discard((pid, fd))
            self._put(Event(when, pid, Did.CLOSED, fd, result))
        elif call.name in MOVES and result not in _UNFINISHED and not peeks(call):
            did = MOVES[call.name][0]
            data = copied(tracee, abi, call, result) if result > 0 else b""
            self._put(Event(when, pid, did, fd, result, data or b"", whole=data is not None))

    def _signal(self, pid: int, tracee: Tracee) -> None:
        """A signal that is about to be delivered: from whom?"""
        info = tracee.siginfo()
        sender = info.pid or 0
        comm = read_name(self._procfs, sender) if info.by_a_process and sender else None
        kernel = info.code == SI_KERNEL or not info.by_a_process
        self._put(
            Event(
                time.monotonic(),
                sender,
                Did.SIGNALLED,
                pid,
                int(info.signal),
                comm=comm or "?",
                by_kernel=kernel,
            )
        )

    def _put(self, event: Event) -> None:
        if len(self._events) < MOST_EVENTS:
            self._events.append(replace(event, lost=self.lost) if self.lost else event)
        else:
            self.lost += 1
        self._some.set()


def refuse_now(pid: int) -> str:
    """What the first stop would harm, in words; "" if nothing. NotPermitted if it may not be."""
    obstacles = look_first(pid)
    alone = refuse(pid, obstacles, force=False)
    for one in obstacles:
        if one.tid in alone:
            return f"process {pid} is better not stopped: thread {one.tid}: {one.why}"
    return ""
