"""Which thread of a process can be made to tell its sigactions, and may it be?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from sigscope.decode.status import decode_status
from sigscope.decode.syscall import decode_syscall
from sigscope.errors import DecodeError
from sigscope.kernel.directory import LiveDirectory
from sigscope.kernel.freezer import read_freezer
from sigscope.kernel.ptrace.ground import Ground, find_ground
from sigscope.kernel.ptrace.injection import ABI as MACHINE
from sigscope.kernel.ptrace.injection import NEEDS, CannotInject, read_actions
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.session import Session
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter
from sigscope.model.sigaction import SigAction
from sigscope.model.state import State

TRIES = 3
MOST_ASKED = 12
"""Threads that are tried, one after another."""


@dataclass(frozen=True)
class Permission:
    """What the caller has found out, and what the user has asked for.

    ``proven``: names of the system calls that all filters of the process are known to allow.
    ``judge`` tells the same of the filters of a thread, where it takes a stop to read them.
    ``force``: threads whose call would notice the stop are looked at all the same.
    """

    proven: frozenset[str] = frozenset()
    force: bool = False
    judge: Callable[[tuple[Filter, ...]], frozenset[str]] | None = None


@dataclass(frozen=True)
class Plan:
    """Who is asked for which signals, in which order; ``permission`` where filters matter."""

    ground: Ground
    signals: tuple[int, ...]
    order: tuple[int, ...]
    permission: Permission | None


def plan_for(process: Process, permission: Permission) -> Plan | str:
    """The plan, or why it had better not be done."""
    why = _forbidden(process, permission)
    if why is not None:
        return why
    try:
        ground = find_ground(process.pid, Requests())
    except (OSError, DecodeError) as error:
        return f"its memory map cannot be read: {error}"
    if ground is None:
        return "its code has none of the few instructions that are needed"
    order = _order(process, ground)
    return Plan(ground, tuple(process.caught or ()), order, permission if process.seccomp else None)


def _forbidden(process: Process, permission: Permission) -> str | None:
    if os.uname().machine != MACHINE:
        return f"a call is run inside of a target on {MACHINE} only"
    if process.state is State.STOPPED:
        return "it is stopped, and its parent would be told of another stop"
    if process.seccomp and not permission.proven >= NEEDS and permission.judge is None:
        return "a seccomp filter is not known to let rt_sigaction and rt_sigreturn pass"
    try:
        with LiveDirectory(f"/proc/{process.pid}") as directory:
            status = directory.record("status")
            frozen = read_freezer(directory, directory.read("cgroup"))
    except OSError as error:
        return error.strerror or "it is gone"
    if frozen is not None:
        return "it is frozen by its cgroup, and runs nothing"
    for line in status.splitlines():
        if line.startswith(b"x86_Thread_features:") and b"shstk" in line:
            return "it runs on shadow stacks, which a return that we made would break"
    if decode_status(status).state.gone:
        return "its main thread has ended"
    return None


def _order(process: Process, ground: Ground) -> tuple[int, ...]:
    """Threads that sleep in a call on their own stack first: nothing can be half done there."""
    found: list[tuple[int, int]] = []
    for thread in process.living:
        path = f"/proc/{process.pid}/task/{thread.tid}"
        try:
            with LiveDirectory(path) as directory:
                call = decode_syscall(directory.record("syscall"), "x86_64")
        except (OSError, DecodeError):
            continue
        stands = ground.is_stack(call.stack_pointer)
        if call.running or stands:
            found.append((0 if stands and (call.number or 0) >= 0 else 1, thread.tid))
    return tuple(tid for _, tid in sorted(found))


def ask(
    session: Session, plan: Plan, alone: frozenset[int]
) -> MappingProxyType[int, SigAction] | str:
    """The actions of all signals that are caught, by number; or why there are none."""
    if not plan.signals:
        return MappingProxyType({})
    why = "no thread stands on a stack of its own"
    for tid in [tid for tid in plan.order if tid not in alone][:MOST_ASKED]:
        for _ in range(TRIES):
            try:
                if plan.permission is not None:
                    _check_filters(session, tid, plan.permission)
                with session.visit(tid) as tracee:
                    return read_actions(tracee, plan.ground, plan.signals)
            except CannotInject as error:
                why = f"thread {tid}: {error}"
            except (ProcessLookupError, TimeoutError) as error:
                why = f"thread {tid}: {error}"
                break
    return why


def _check_filters(session: Session, tid: int, permission: Permission) -> None:
    """The thread that is to make the call has to be allowed to, by its own filters."""
    if permission.proven >= NEEDS:
        return
    if permission.judge is None:
        raise CannotInject("its seccomp filter is not known to let rt_sigaction pass")
    with session.visit(tid) as tracee:
        try:
            filters = tracee.filters()
        except OSError as error:
            raise CannotInject(f"its seccomp filter cannot be read: {error.strerror}") from None
    if not permission.judge(filters) >= NEEDS:
        raise CannotInject("its seccomp filter does not let rt_sigaction or rt_sigreturn pass")
