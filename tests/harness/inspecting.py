"""sigscope's tracer at work in a process of its own, which may be killed at any point."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.asking import Permission
from sigscope.kernel.ptrace.inspection import inspect
from sigscope.kernel.ptrace.requests import Requests
from sigscope.model.process import Process
from sigscope.model.subject import Subject


class Dying(Requests):
    """Requests of a tracer that kills itself at the N-th step.

    A step is the moment before a request or an access to the target's memory, and the moment
    after it: 0 is before the first, 1 after it, 2 before the second.
    """

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def _step(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def __call__(self, request: int, tid: int, address: int = 0, data: int = 0) -> int:
        self._step()
        try:
            return super().__call__(request, tid, address, data)
        finally:
            self._step()

    def read(self, tid: int, address: int, size: int) -> bytes:
        self._step()
        try:
            return super().read(tid, address, size)
        finally:
            self._step()

    def write(self, tid: int, address: int, value: bytes) -> None:
        self._step()
        try:
            super().write(tid, address, value)
        finally:
            self._step()


def steps(pid: int) -> int:
    """How many steps one look at this process has."""
    many = 1 << 30
    tracer = Dying(many)
    look(pid, requests=tracer)
    return many - tracer.left


def look(
    pid: int,
    actions: bool = True,
    permission: Permission | None = None,
    requests: Requests | None = None,
) -> Process:
    """One inspection, as ``--attach`` does it, with all that a process can be asked."""
    process = read_status(ProcFS(), pid)
    subjects = tuple(Subject) if actions else ()
    return inspect(process, permission or Permission(), subjects, requests)


def in_a_child(work: Callable[[], object]) -> int:
    """Start it in a process of its own, which is not the target's parent; its pid."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def done(child: int) -> int:
    """Wait for it; 0 if all went well, negative if it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
