"""A tracer that stays: processes and all their descendants, seen at the signals they take.

Nothing is ever stopped by us, not even to let go: when the tracer's thread ends, the kernel lets
all of them run on. What stops them is a signal, and then as short as can be; the results of calls
are laundered there, for under a tracer even a signal that is ignored interrupts (ptrace(2)).
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable

from sigscope.decode.status import decode_seccomp
from sigscope.errors import NoSuchTarget, NotSupported
from sigscope.kernel.ptrace import requests as request
from sigscope.kernel.ptrace.architecture import architecture
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.ptrace.refusing import refusal
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.ptrace.waiting import WALL, Stop, StopKind
from sigscope.model.signals import Signal

FORK, VFORK, CLONE, EXEC, EXIT, STOP = 1, 2, 3, 4, 6, 128
"""PTRACE_EVENT_ of include/uapi/linux/ptrace.h."""
OPTIONS = request.O_TRACESYSGOOD | sum(1 << event for event in (FORK, VFORK, CLONE, EXEC, EXIT))
_WAIT = os.WEXITED | os.WSTOPPED | os.WNOWAIT | WALL | 0x20000000
"""The last is __WNOTHREAD: the children of other threads of ours are not for us."""
_ENDS = (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED)
_GROUP_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_ROUNDS = 100
"""Looks at the threads of a process, until one finds no new one."""
BELL = "/bin/cat"
"""A child whose end wakes the tracer: it waits for a pipe of ours to be closed."""

Look = Callable[[Tracee, int, bytes], None]
"""Called while a thread stands: the thread, the event, and its status file.

The event is 0 for a signal (``tracee.stop.signal``), else one of those above, and the thread
may be asked for what the event tells (``eventmsg``).
"""


class Following(threading.Thread):
    """``begin`` it, and ``end`` it. ``look`` runs in the tracer's thread."""

    def __init__(self, targets: Iterable[int], look: Look) -> None:
        super().__init__(name="tracer", daemon=True)
        self.error: BaseException | None = None
        self._targets = tuple(targets)
        self._look = look
        self._tracees: dict[int, Tracee] = {}
        self._ends: dict[int, int] = {}
        self._requests = Requests()
        self._architecture = architecture()
        self._ready = threading.Event()
        self._bell = -1
        self._rope = -1

    def begin(self) -> None:
        """Traced are all threads of the targets, or the error says why not."""
        for pid in self._targets:
            refuse(pid, look_first(pid), force=True)  # what cannot be; nothing is stopped now
        self.start()
        self._ready.wait()
        if self.error is not None:
            self.join()
            raise self.error

    def end(self) -> None:
        """All run on, as if nobody had been there. May be called twice."""
        if self._rope >= 0:
            os.close(self._rope)
            self._rope = -1
        if self.ident is not None:
            self.join()
            while os.path.exists(f"/proc/self/task/{self.native_id}"):
                time.sleep(0.001)  # only when it is gone, all are let go

    # -- the tracer's thread -----------------------------------------------------------------

    def run(self) -> None:
        try:
            self._hang_bell()
            for pid in self._targets:
                self._seize(pid)
            self._ready.set()
            while self._next():
                pass
        except BaseException as error:  # raised again by whoever asks
            self.error = error
        finally:
            self._ready.set()

    def _hang_bell(self) -> None:
        theirs, self._rope = os.pipe()
        try:
            actions = [
                (os.POSIX_SPAWN_DUP2, theirs, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            ]
            self._bell = os.posix_spawn(BELL, [BELL], {}, file_actions=actions, setsigmask=())
        except OSError as error:
            raise NotSupported(f"{BELL} cannot be started: {error.strerror}") from None
        finally:
            os.close(theirs)

    def _seize(self, pid: int) -> None:
        """All of its threads, while some of them make new ones."""
        seen: set[int] = set()
        for _ in range(_ROUNDS):
            new = {int(name) for name in _names(f"/proc/{pid}/task")} - seen - set(self._tracees)
            if not new:
                break
            seen |= new
            for tid in sorted(new):
                self._seize_one(pid, tid)
        if not seen & set(self._tracees):
            raise NoSuchTarget(f"process {pid} has ended", "what runs: sigscope tree --all")

    def _seize_one(self, pid: int, tid: int) -> None:
        tracee = self._new(tid)
        try:
            self._requests(request.SEIZE, tid, 0, OPTIONS)
        except OSError as error:
            if error.errno == errno.ESRCH or not os.path.exists(f"/proc/{pid}/task/{tid}"):
                return
            if self._traced_by_us(tid):  # born of one that we had already
                self._tracees[tid] = tracee
                return
            raise refusal(pid, tid, error) from None
        self._tracees[tid] = tracee

    def _traced_by_us(self, tid: int) -> bool:
        return f"\nTracerPid:\t{threading.get_native_id()}\n".encode() in _status(tid)

    def _new(self, tid: int) -> Tracee:
        tracee = Tracee(self._requests, self._architecture, tid, restart_allowed=False)
        tracee.attached = True
        return tracee

    def _next(self) -> bool:
        """Wait for a stop, look, and let it go on; False when the bell has rung."""
        found = os.waitid(os.P_ALL, 0, _WAIT)
        if found is None:
            return True
        tid = found.si_pid
        if tid == self._bell:
            os.waitpid(tid, 0)
            return False
        if found.si_code in _ENDS:
            self._ended(tid, found.si_code, found.si_status)
            return True
        tracee = self._tracees.get(tid)
        if tracee is None:
            tracee = self._tracees[tid] = self._new(tid)
        with contextlib.suppress(ProcessLookupError):  # killed meanwhile
            self._stopped(tracee, found.si_status >> 8, found.si_status & 0xFF)
        return True

    def _ended(self, tid: int, code: int, number: int) -> None:
        """Killed so that it could not stop at its end. A child of ours is for who started it."""
        tracee, status = self._tracees.pop(tid, None), _status(tid)
        if tracee is not None:
            dumped = 0x80 if code == os.CLD_DUMPED else 0
            self._ends[tid] = number << 8 if code == os.CLD_EXITED else number | dumped
            self._look(tracee, EXIT, status)
        leader = f"\nTgid:\t{tid}\n".encode() in status
        if leader and f"\nPPid:\t{os.getpid()}\n".encode() in status:
            time.sleep(0.005)
        else:
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, tid, os.WEXITED | os.WNOHANG | WALL)

    def _stopped(self, tracee: Tracee, event: int, number: int) -> None:
        if event == STOP:
            if number in _GROUP_STOPS:
                tracee.listen()
            else:
                tracee.resume(0)
            return
        status = _status(tracee.tid)
        if event == 0:
            tracee.stop = Stop(tracee.tid, StopKind.SIGNAL, Signal(number))
        try:
            if event == EXEC:
                former = self.told(tracee)
                if former != tracee.tid:
                    self._tracees.pop(former, None)
            self._look(tracee, event, status)
        finally:
            self._go_on(tracee, event, number, status)

    def _go_on(self, tracee: Tracee, event: int, number: int, status: bytes) -> None:
        if event == EXIT:  # the end itself is then told to its parent, by the kernel
            self._tracees.pop(tracee.tid, None)
            self._requests(request.DETACH, tracee.tid, 0, 0)
            return
        if event == 0:
            tracee.restart_allowed = decode_seccomp(status) == 0
            with contextlib.suppress(OSError):
                tracee.launder()
        tracee.resume(number if event == 0 else 0)

    def told(self, tracee: Tracee) -> int:
        """PTRACE_GETEVENTMSG: the new thread, the former tid, or the exit status."""
        if tracee.tid in self._ends:
            return self._ends.pop(tracee.tid)
        data = self._requests.get(request.GETEVENTMSG, tracee.tid, 0, 8)
        return int.from_bytes(data, "little")


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _status(tid: int) -> bytes:
    try:
        with open(f"/proc/{tid}/status", "rb") as file:
            return file.read(1 << 13)
    except OSError:
        return b""
