"""Waiting for a traced thread to stop: bounded, and so that no signal of it can be lost.

A plain waitpid(2) takes the exit code of a stop away. If the tracer then dies while the
thread is about to take a real signal, the thread goes on without that signal. With WNOWAIT the code
stays (wait_task_stopped() of kernel/exit.c), and the signal arrives all the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from enum import Enum
from typing import NamedTuple

from sigscope.model.signals import Signal

WALL = 0x40000000
_STOPS = os.WEXITED | os.WSTOPPED | os.WNOWAIT | WALL
_SYSGOOD = signal.SIGTRAP | 0x80
_EVENT_STOP = 128
_GROUP_STOPS = frozenset((signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU))
SLICE = 0.02
"""Seconds. SIGCHLD wakes us; where it does not come (somebody ignores it), this does."""


class StopKind(Enum):
    """Why a traced thread stands still, or is no more (ptrace(2), "Stopped states")."""

    INTERRUPTED = "interrupted"
    GROUP = "group stop"
    SIGNAL = "signal"
    SYSCALL = "system call"
    EVENT = "event"
    EXITED = "exited"
    KILLED = "killed"


class Stop(NamedTuple):
    """``signal`` is the one that is about to be delivered, has stopped the group, or killed.

    INTERRUPTED is our own request, and also the end of a group stop. For EXITED ``signal``
    is 0, and so it is for SYSCALL; then ``status`` is that with which it exited, where known.
    """

    tid: int
    kind: StopKind
    signal: int = 0
    status: int = 0

    @property
    def ended(self) -> bool:
        return self.kind in (StopKind.EXITED, StopKind.KILLED)


def poll(tid: int) -> Stop | None:
    """The stop of a thread, without waiting; None while it runs.

    A thread that is not there any more (an execve of another one took its place) has EXITED.
    """
    try:
        found = os.waitid(os.P_PID, tid, _STOPS | os.WNOHANG)
    except ChildProcessError:
        return Stop(tid, StopKind.EXITED)
    if found is None:
        return None
    return _stop(tid, found.si_code, found.si_status)


def _stop(tid: int, code: int, status: int) -> Stop:
    if code == os.CLD_EXITED:
        return Stop(tid, StopKind.EXITED, status=status)
    if code in (os.CLD_KILLED, os.CLD_DUMPED):
        return Stop(tid, StopKind.KILLED, status & 0x7F)
    number, event = status & 0xFF, status >> 8
    if number == _SYSGOOD:
        return Stop(tid, StopKind.SYSCALL)
    if event == _EVENT_STOP:
        kind = StopKind.GROUP if number in _GROUP_STOPS else StopKind.INTERRUPTED
        return Stop(tid, kind, number if kind is StopKind.GROUP else 0)
    if event:
        return Stop(tid, StopKind.EVENT)
    return Stop(tid, StopKind.SIGNAL, Signal(number))


def await_change(deadline: float) -> bool:
    """Sleep until some child or tracee changes, or a moment has passed; False at the deadline.

    SIGCHLD has to be blocked in all threads, or it would be taken elsewhere (``holding``).
    """
    left = deadline - time.monotonic()
    if left <= 0:
        return False
    signal.sigtimedwait((signal.SIGCHLD,), min(left, SLICE))
    return True


def reap(tid: int) -> None:
    """Take note of a death, so that the real parent is told of it; never of a stop.

    A wait sees the stops of tracees whatever its options are (wait_task_stopped() of
    kernel/exit.c), and would take their exit code: so it looks first. The dead stay dead.
    """
    flags = os.WEXITED | os.WNOHANG | WALL
    with contextlib.suppress(ChildProcessError):
        found = os.waitid(os.P_PID, tid, flags | os.WNOWAIT)
        if found is not None and found.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED):
            os.waitid(os.P_PID, tid, flags)
