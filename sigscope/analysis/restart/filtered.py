"""restart_syscall under a seccomp filter: it is a call as any other, and may be refused."""

from __future__ import annotations

import errno
from typing import NamedTuple

from sigscope.analysis.seccomp import restart_answer, simulate
from sigscope.model.abi import OF_MACHINE
from sigscope.model.process import Process
from sigscope.model.restart import Becomes, Fate, Ground
from sigscope.model.seccomp import Filter, FilterAction
from sigscope.model.signals import EMPTY, Signal
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread

NO_FILTER, STRICT, FILTER = 0, 1, 2
"""Seccomp of the status file (proc_pid_status(5))."""
SYS = Signal.named("SIGSYS")
RESUMES = Fate(Becomes.RESUMES)


class Filtered(NamedTuple):
    """What becomes of the call, in one or several ways; the filters' answer; and a sentence."""

    fates: tuple[Fate, ...]
    answer: str | None
    says: str


def proven(process: Process, machine: str) -> frozenset[str]:
    """restart_syscall, if every filter of the process is known to let it pass; else nothing."""
    for thread in process.living:
        filters = thread.depth.filters if thread.depth is not None else None
        narrow = thread.syscall is not None and thread.syscall.narrow
        if filters is None or not restart_answer(filters, machine, narrow).surely_passes:
            return frozenset()
    return frozenset(("restart_syscall",))


def filtered(process: Process, thread: Thread, call: SystemCall, ground: Ground) -> Filtered:
    """What restart_syscall comes to in this thread."""
    mode = ground.modes.get(thread.tid, process.seccomp)
    filters = thread.depth.filters if thread.depth is not None else None
    if mode == NO_FILTER or (mode is None and filters == ()):
        return Filtered((RESUMES,), "none", "no seccomp filter")
    if mode == STRICT:
        says = "strict seccomp allows read, write and exit only"
        return Filtered((Fate(Becomes.KILLED),), "kill_thread", says)
    if filters is None or mode is None:
        says = "a seccomp filter, which could not be read"
        if mode is None:
            says = "whether there is a seccomp filter could not be read"
        return Filtered((Fate(Becomes.UNKNOWN), RESUMES), None, says)
    return _answered(process, thread, call, ground, filters)


def _answered(
    process: Process,
    thread: Thread,
    call: SystemCall,
    ground: Ground,
    filters: tuple[Filter, ...],
) -> Filtered:
    answer = restart_answer(filters, ground.machine, call.narrow)
    if answer.surely_passes:
        return Filtered((RESUMES,), "allow", "the seccomp filter allows it")
    if not answer.whole:
        says = "a seccomp filter that could not be read, or not be followed"
        return Filtered((Fate(Becomes.UNKNOWN), RESUMES), None, says)
    if answer.depends:  # on the registers, which are those of the interrupted call
        abi = OF_MACHINE[ground.machine][call.narrow]
        args, pointer = call.args, call.program_counter
        answer = simulate(filters, abi.restart, abi.arch, args, pointer)
    if answer.action is None:
        return Filtered((Fate(Becomes.UNKNOWN), RESUMES), None, "the filter could not be followed")
    which = _which(filters, ground.machine, call.narrow)
    fates, says = _effect(process, thread, answer.action, answer.data)
    return Filtered(fates, answer.action.name.lower(), f"{which} {says}")


def _which(filters: tuple[Filter, ...], machine: str, narrow: bool) -> str:
    """The filter that does not let it pass, counted in the order of their installation."""
    if len(filters) == 1:
        return "the seccomp filter"
    refusing = [
        len(filters) - position
        for position, one in enumerate(filters)
        if not restart_answer((one,), machine, narrow).surely_passes
    ]
    return f"seccomp filter {refusing[-1] if refusing else '?'} of {len(filters)}"


def _effect(
    process: Process, thread: Thread, action: FilterAction, data: int
) -> tuple[tuple[Fate, ...], str]:
    """seccomp_run_filters() has answered; __seccomp_filter() of kernel/seccomp.c acts."""
    match action:
        case FilterAction.ALLOW | FilterAction.LOG:
            return (RESUMES,), "allows it"
        case FilterAction.ERRNO if data == 0:
            return (
                Fate(Becomes.FAILS, 0),
            ), "answers 0: the call returns at once, as if it were over"
        case FilterAction.ERRNO:
            return (Fate(Becomes.FAILS, data),), f"answers {_name(data)}"
        case FilterAction.KILL_THREAD | FilterAction.KILL_PROCESS:
            whom = "the process"
            if action is FilterAction.KILL_THREAD and len(process.living) > 1:
                whom = "the thread"
            return (Fate(Becomes.KILLED),), f"kills {whom} by SIGSYS"
        case FilterAction.TRAP:
            caught = process.caught is not None and SYS in process.caught
            if caught and SYS not in (thread.blocked or EMPTY):
                return (Fate(Becomes.FAILS),), "raises SIGSYS, which has a handler: it decides"
            return (Fate(Becomes.KILLED),), "raises SIGSYS, which has no handler that could run"
        case FilterAction.TRACE:
            if process.tracer:
                return (Fate(Becomes.UNKNOWN), RESUMES), "asks the tracer"
            return (Fate(Becomes.FAILS, errno.ENOSYS),), "asks a tracer, and there is none: ENOSYS"
    fates = (Fate(Becomes.UNKNOWN), RESUMES, Fate(Becomes.FAILS, errno.ENOSYS))
    return fates, "asks a supervisor (SECCOMP_RET_USER_NOTIF)"


def _name(number: int) -> str:
    return errno.errorcode.get(number, f"errno {number}")
