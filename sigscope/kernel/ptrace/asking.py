"""Which thread of a process can be made to tell something, and may it be?"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sigscope.decode.status import decode_status
from sigscope.decode.syscall import decode_syscall
from sigscope.errors import DecodeError
from sigscope.kernel.directory import LiveDirectory
from sigscope.kernel.freezer import read_freezer
from sigscope.kernel.ptrace.ground import Ground, find_ground
from sigscope.kernel.ptrace.injection import ABI as MACHINE
from sigscope.kernel.ptrace.injection import RETURN, CannotInject, ask_inside
from sigscope.kernel.ptrace.laundering import RESTART_SYSCALL
from sigscope.kernel.ptrace.questions import Answer, Topic
from sigscope.kernel.ptrace.requests import Requests
from sigscope.kernel.ptrace.session import Session
from sigscope.model.process import Process
from sigscope.model.registers import Registers
from sigscope.model.seccomp import Filter
from sigscope.model.state import State
from sigscope.model.subject import Subject

TRIES = 3
MOST_ASKED = 12
"""Threads that are tried, one after another."""
AT_ONCE = 64
"""Calls that a thread is made to do in one stop: one for each signal, at most."""


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
    """Who is asked what, in which order; ``permission`` where filters matter."""

    ground: Ground
    topics: tuple[Topic, ...]
    order: tuple[int, ...]
    permission: Permission | None


def plan_for(process: Process, permission: Permission, topics: Sequence[Topic]) -> Plan | str:
    """The plan, or why it had better not be done."""
    why = _forbidden(process)
    if why is not None:
        return why
    try:
        ground = find_ground(process.pid, Requests())
    except (OSError, DecodeError) as error:
        return f"its memory map cannot be read: {error}"
    if ground is None:
        return "its code has none of the few instructions that are needed"
    order = _order(process, ground)
    return Plan(ground, tuple(topics), order, permission if process.seccomp else None)


def _forbidden(process: Process) -> str | None:
    if os.uname().machine != MACHINE:
        return f"a call is run inside of a target on {MACHINE} only"
    if process.state is State.STOPPED:
        return "it is stopped, and its parent would be told of another stop"
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
    """Threads that sleep in a call on their own stack first: nothing can be half done there.

    After them those in restart_syscall(2): rt_sigreturn(2), should it have to heal them, makes
    that one fail with EINTR.
    """
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
            sleeps = stands and (call.number or 0) >= 0
            rank = 2 if not sleeps else 1 if call.name == RESTART_SYSCALL else 0
            found.append((rank, thread.tid))
    return tuple(tid for _, tid in sorted(found))


Answers = Mapping[Subject, tuple[Answer, ...] | str]
"""Of each subject one answer for each of its questions, or why there are none."""


def ask(
    session: Session, plan: Plan, alone: frozenset[int], before: Mapping[int, Registers]
) -> Answers:
    """Ask one thread after another, until all is told; those in ``alone`` are left alone.

    ``before`` are the registers of threads at an earlier stop of this session.
    """
    told: dict[Subject, tuple[Answer, ...]] = {
        topic.subject: () for topic in plan.topics if not topic.questions
    }
    why = {topic.subject: "no thread stands on a stack of its own" for topic in plan.topics}
    for tid in [tid for tid in plan.order if tid not in alone][:MOST_ASKED]:
        untold = [topic for topic in plan.topics if topic.subject not in told]
        if not untold:
            break
        refused = _refused(session, tid, plan.permission, untold)
        for topic in untold:
            try:
                if topic.subject in refused:
                    raise CannotInject(refused[topic.subject])
                told[topic.subject] = _answers(session, tid, plan.ground, topic, before.get(tid))
            except (CannotInject, ProcessLookupError, TimeoutError) as error:
                why[topic.subject] = f"thread {tid}: {error}"
    return {**why, **told}


def _answers(
    session: Session, tid: int, ground: Ground, topic: Topic, before: Registers | None
) -> tuple[Answer, ...]:
    """A few at a time: no stop is long, however many there are."""
    answers: list[Answer] = []
    failed = 0
    while len(answers) < len(topic.questions):
        try:
            with session.visit(tid, close=True) as tracee:
                some = topic.questions[len(answers) : len(answers) + AT_ONCE]
                answers += ask_inside(tracee, ground, some, before)
        except CannotInject:
            failed += 1
            if failed == TRIES:
                raise
    return tuple(answers)


def _refused(
    session: Session, tid: int, permission: Permission | None, topics: Sequence[Topic]
) -> dict[Subject, str]:
    """What this thread is not asked, as its own filters have to allow the calls."""
    needed = {topic.subject: topic.calls | {RETURN} for topic in topics}
    if permission is None:
        return {}
    allowed, how = permission.proven, "is not known to let"
    if permission.judge is not None and not allowed >= frozenset().union(*needed.values()):
        try:
            with session.visit(tid) as tracee:
                allowed = permission.judge(tracee.filters())
            how = "does not let"
        except (OSError, TimeoutError) as error:
            said = getattr(error, "strerror", None) or str(error)
            return dict.fromkeys(needed, f"its seccomp filter cannot be read: {said}")
    return {
        subject: f"its seccomp filter {how} {' and '.join(sorted(calls - allowed))} pass"
        for subject, calls in needed.items()
        if calls - allowed
    }
