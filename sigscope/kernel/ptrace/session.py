"""A process in our hand: all of its threads, or one after another, and then let go."""

from __future__ import annotations

import contextlib
import os
import signal as signals
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from sigscope.errors import NotSupported
from sigscope.kernel.ptrace.architecture import architecture
from sigscope.kernel.ptrace.holding import in_own_thread
from sigscope.kernel.ptrace.laundering import RESTART_SYSCALL
from sigscope.kernel.ptrace.refusing import refusal
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.seat import Seat
from sigscope.kernel.ptrace.threads import Threads
from sigscope.kernel.ptrace.tracee import STOP_PATIENCE, Tracee
from sigscope.kernel.ptrace.waiting import Stop, StopKind, await_change, reap
from sigscope.model.registers import Phase
from sigscope.model.state import State

T = TypeVar("T")
GONE = (FileNotFoundError, ProcessLookupError)
MOST_THREADS = 1 << 16
BUSY_PATIENCE = 10.0
"""Seconds for a thread that is able to run: on a host that is overloaded it may take that."""
_DOES_NOT_STOP = (State.UNINTERRUPTIBLE, State.ZOMBIE, State.DEAD)


class Session:
    """The threads of one process that we trace. To be used in one thread (see :func:`trace`).

    ``proven`` names the system calls that all filters of the process are known to allow.
    """

    def __init__(
        self,
        pid: int,
        proven: frozenset[str] = frozenset(),
        requests: Requests | None = None,
    ) -> None:
        self.pid = pid
        self.tracees: dict[int, Tracee] = {}
        self.late: list[int] = []
        """Threads that did not stop in time; they were asked to, and are let go unstopped."""
        self._seat = Seat()
        self._proven = proven
        self._architecture = architecture()
        self._requests = requests or Requests()
        try:
            self._pidfd = os.pidfd_open(pid)
            self._threads = Threads(pid)
        except OSError as error:
            raise refusal(pid, pid, error) from None
        self._own_child = self._threads.parent() == os.getpid()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.release()
        finally:
            os.close(self._pidfd)
            self._threads.close()

    @property
    def held(self) -> tuple[Tracee, ...]:
        """Those that stand still now."""
        return tuple(tracee for tracee in self.tracees.values() if tracee.held)

    def tids(self) -> list[int]:
        """The threads that it has now, the leader first."""
        return self._threads.tids()

    def hold(self, timeout: float = STOP_PATIENCE, launder: bool = True) -> None:
        """Seize and stop all threads, until a look at them finds no new one.

        A thread that dies meanwhile is none; one that does not stop is in ``late``.
        Their calls are laundered at once, so that it is done should we die; without
        ``launder`` that is left to ``release``. NotPermitted if they may not be traced.
        """
        deadline = time.monotonic() + timeout
        seen = set(self.tracees)
        while len(seen) < MOST_THREADS:
            new = [tid for tid in self.tids() if tid not in seen]
            if not new:
                return
            seen.update(new)
            asked = [self._ask(tracee) for tracee in self._seized(new)]
            for tracee in asked:
                if tracee is not None:
                    self._await(tracee, max(0.05, deadline - time.monotonic()), launder)
            if time.monotonic() > deadline and len(self.late) < len(self.tracees):
                raise NotSupported(
                    f"process {self.pid} makes threads faster than they can be stopped",
                    f"name one of them: {self.pid}/TID",
                )

    def _seized(self, tids: Iterable[int]) -> list[Tracee]:
        prepared = [(tid, self._restart_allowed(tid)) for tid in tids]
        found = []
        for tid, allowed in prepared:
            with contextlib.suppress(*GONE):
                found.append(self._seize(tid, allowed))
        return found

    def seize(self, tid: int) -> Tracee:
        """Trace one thread, which runs on; ProcessLookupError if there is none."""
        return self._seize(tid, self._restart_allowed(tid))

    def _seize(self, tid: int, restart_allowed: bool) -> Tracee:
        child = self._own_child and tid == self.pid
        tracee = Tracee(self._requests, self._architecture, tid, restart_allowed, child)
        try:
            tracee.seize()
        except OSError as error:
            if not self._alive(tid):
                raise ProcessLookupError(error.errno, os.strerror(error.errno or 0)) from None
            raise refusal(self.pid, tid, error) from None
        self.tracees[tid] = tracee
        return tracee

    def _ask(self, tracee: Tracee) -> Tracee | None:
        try:
            tracee.interrupt()
        except ProcessLookupError:
            return None
        return tracee

    def _stopped(self, tracee: Tracee, timeout: float, eager: float = 0.0) -> Stop:
        """Its stop. A thread that could run, but gets no CPU for long, is given more time.

        It is not harmed by that: until it runs, it does not stand because of us.
        """
        deadline = time.monotonic() + max(timeout, BUSY_PATIENCE)
        while True:
            try:
                return tracee.await_stop(timeout, eager)
            except TimeoutError:
                if time.monotonic() > deadline or self._threads.state(tracee.tid) in _DOES_NOT_STOP:
                    raise

    def _await(self, tracee: Tracee, timeout: float, launder: bool) -> None:
        try:
            self._stopped(tracee, timeout)
            if launder and tracee.held:
                tracee.launder()
        except ProcessLookupError:
            tracee.look()
        except TimeoutError:
            if self._alive(tracee.tid):
                self.late.append(tracee.tid)

    @contextlib.contextmanager
    def visit(
        self, tid: int, timeout: float = STOP_PATIENCE, close: bool = False
    ) -> Iterator[Tracee]:
        """One thread, stopped inside ``with`` and let go after it.

        ``close``: it is made to go on and stop many times meanwhile (``seat``).
        TimeoutError if it does not stop, ProcessLookupError if it is not there any more.
        """
        tracee = self.seize(tid)
        eager = self._seat.take(self._threads.place(tid), close)
        tracee.interrupt()
        try:
            if self._stopped(tracee, timeout, eager).ended:
                raise ProcessLookupError(f"thread {tid} has ended")
            tracee.launder()  # at once: should we die, this has been done
        except TimeoutError:
            self.late.append(tid)
            raise
        try:
            yield tracee
        finally:
            tracee.detach()
            if close:
                self._seat.leave()
            if not tracee.ended:
                del self.tracees[tid]

    def wait(self, timeout: float) -> Tracee | None:
        """The next of the running tracees that stops or ends; None if none does in time."""
        deadline = time.monotonic() + timeout
        while True:
            for tracee in self.tracees.values():
                if tracee.attached and tracee.stop is None and tracee.look() is not None:
                    return tracee
            if not await_change(deadline):
                return None

    def signal(self, number: int) -> None:
        """Send a signal to the process: to this very one, whoever got its pid since."""
        signals.pidfd_send_signal(self._pidfd, number)

    def release(self, patience: float = STOP_PATIENCE) -> None:
        """Let all of them go. A tracee that runs is stopped first: DETACH wants it so."""
        for tracee in self.tracees.values():
            if tracee.attached and tracee.stop is None and tracee.tid not in self.late:
                with contextlib.suppress(OSError):
                    tracee.interrupt()
        deadline = time.monotonic() + patience
        for tracee in self.tracees.values():
            if tracee.attached:
                with contextlib.suppress(OSError):
                    if tracee.tid not in self.late:
                        self._stopped(tracee, max(0.05, deadline - time.monotonic()))
                        self._let_in(tracee)
                    tracee.detach()

    def _let_in(self, tracee: Tracee) -> None:
        """A thread that is about to enter a call is in it before it is let go.

        DETACH wakes as a signal does (ptrace_detach() of kernel/ptrace.c): from there the call
        would be interrupted, with nobody left to launder what it gives.
        """
        stop = tracee.stop
        in_syscall = stop is not None and stop.kind is StopKind.SYSCALL
        if in_syscall and tracee.call().phase is Phase.ENTRY:
            tracee.resume()
            tracee.interrupt()
            self._stopped(tracee, STOP_PATIENCE)

    def _alive(self, tid: int) -> bool:
        return not self._threads.state(tid).gone

    def reap(self) -> None:
        """Take note of deaths, from another thread.

        An execve of one thread waits until its siblings are dead *and* their tracer knows, and
        holds a lock on which our next SEIZE waits: only somebody else can end that.
        """
        for tracee in list(self.tracees.values()):
            if tracee.attached and not (self._own_child and tracee.tid == self.pid):
                reap(tracee.tid)

    def _restart_allowed(self, tid: int) -> bool:
        """No filter, or one that is known to let restart_syscall(2) pass."""
        return RESTART_SYSCALL in self._proven or not self._threads.filtered(tid)


def trace(
    pid: int,
    work: Callable[[Session], T],
    proven: frozenset[str] = frozenset(),
    requests: Requests | None = None,
) -> T:
    """Do this work on the threads of a process, in a tracer's own thread.

    Whatever happens, all of them are laundered and let go. NoSuchTarget, NotPermitted (which
    says who refused), NotSupported, and what ``work`` raises.
    """
    session = Session(pid, proven, requests)

    def run() -> T:
        with session:
            return work(session)

    return in_own_thread(run, session.reap)
