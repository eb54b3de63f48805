"""System calls run inside another process, from which that recovers by itself (x86-64).

/proc tells that a signal is caught, not by which function, and of an interval timer it tells
nothing: only the process itself can ask (rt_sigaction(2) with no new action, getitimer(2): they
change nothing). So one of its threads is made to ask.
If we were killed in the middle of that, the thread would go on with our registers. So they are
such that it heals: its stack pointer stands on a signal frame with its true state, the call
returns into the end of a handler, and rt_sigreturn(2) puts everything back. At every instant the
thread, left alone, is what it was, and does the interrupted call again.

The order is what makes it so: frame, registers, mask; and back: mask, registers, memory.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from sigscope.decode.syscall_names import NAMES
from sigscope.kernel.ptrace.frame import Frame, build, changed
from sigscope.kernel.ptrace.ground import Ground
from sigscope.kernel.ptrace.laundering import RESTART_SYSCALL
from sigscope.kernel.ptrace.questions import Answer, Question
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.ptrace.waiting import StopKind
from sigscope.model.registers import Registers
from sigscope.model.signals import EVERYTHING

ABI = "x86_64"
RETURN = "rt_sigreturn"
"""What the filters of the process have to allow, whatever is asked."""
_RESTART = NAMES[ABI].index(RESTART_SYSCALL)
_NT_X86_XSTATE, _MOST_STATE = 0x202, 1 << 14
_GET_RSEQ_CONFIGURATION, _GET_SYSCALL_USER_DISPATCH = 0x420F, 0x4211
_ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")


class CannotInject(Exception):
    """This thread cannot be used now; another one, or a later try, may do."""


def ask_inside(
    tracee: Tracee, ground: Ground, questions: Sequence[Question], earlier: Registers | None = None
) -> tuple[Answer, ...]:
    """What these calls give, one answer for each, by a thread that stands still.

    It stands as before afterwards, and is yet to be let go. CannotInject where it stands
    in a way that does not allow it, or something came between. ``earlier`` are its registers at
    an earlier stop: they tell what it does in restart_syscall(2).
    """
    registers = tracee.registers()
    _check(tracee, ground, registers)
    mask = tracee.mask()
    state = tracee.requests.get_set(tracee.tid, _NT_X86_XSTATE, _MOST_STATE)
    call = _call_before(registers, earlier)
    frame = build(registers, state, mask.mask, ground.restorer, call)
    room = sum(one.size for one in questions)
    results = (frame.below - room) & ~63
    before = tracee.read(results, registers.stack_pointer - results)
    if len(before) != registers.stack_pointer - results:
        raise CannotInject("its stack has no room")
    tracee.write(frame.state_address, frame.state)
    tracee.write(frame.address, frame.data)
    calls: list[bytes] = []
    at = results
    for one in questions:
        calls.append(_asking(registers, ground, frame, one, at))
        at += one.size
    tracee.set_registers(registers._replace(raw=calls[0]))
    try:
        tracee.set_mask(EVERYTHING)
        given = []
        for raw in calls:
            if raw is not calls[0]:
                tracee.set_registers(registers._replace(raw=raw))
            given.append(_run(tracee))
        data = tracee.read(results, room) if room else b""
    finally:
        if tracee.held:
            tracee.set_mask(mask)
            tracee.set_registers(registers)
            tracee.write(results, before)
    answers = []
    at = 0
    for one, result in zip(questions, given, strict=True):
        answers.append(Answer(one, result, data[at : at + one.size]))
        at += one.size
    return tuple(answers)


def _call_before(registers: Registers, before: Registers | None) -> int | None:
    """The call that became the restart_syscall in which it stands, if that is known.

    After rt_sigreturn that one would fail with EINTR; the call itself can be done again.
    """
    if registers.number != _RESTART or before is None or before.number in (-1, _RESTART):
        return None
    same = (
        before.instruction_pointer == registers.instruction_pointer
        and before.stack_pointer == registers.stack_pointer
    )
    return before.number if same else None


def _check(tracee: Tracee, ground: Ground, registers: Registers) -> None:
    if tracee.stop is None or tracee.stop.kind is not StopKind.INTERRUPTED:
        raise CannotInject("a signal came first")
    if tracee.call().abi != ABI or registers.abi != ABI:
        raise CannotInject("it runs 32-bit code")
    if not ground.is_stack(registers.stack_pointer):
        raise CannotInject("it does not stand on a stack of its own")
    if _dispatched(tracee):
        raise CannotInject("its system calls are dispatched to itself (Wine)")
    if registers.number < 0 and _in_critical_section(tracee):
        raise CannotInject("it is in a restartable sequence")


def _dispatched(tracee: Tracee) -> bool:
    """Syscall User Dispatch (admin-guide/syscall-user-dispatch): the call would be a SIGSYS."""
    try:
        return any(tracee.requests.get(_GET_SYSCALL_USER_DISPATCH, tracee.tid, 32, 32)[:8])
    except OSError:  # a kernel without it
        return False


def _in_critical_section(tracee: Tracee) -> bool:
    """rseq(2): with another instruction pointer the kernel would forget to abort it."""
    try:
        found = tracee.requests.get(_GET_RSEQ_CONFIGURATION, tracee.tid, 24, 24)
        address, size = struct.unpack_from("=QI", found)
    except OSError:
        return False
    if not address or size < 16:
        return False
    try:
        return any(tracee.read(address + 8, 8))
    except OSError:
        return True


def _asking(
    registers: Registers, ground: Ground, frame: Frame, question: Question, result: int
) -> bytes:
    given = zip(_ARGUMENTS, question.arguments, strict=False)
    return changed(
        registers.raw,
        rax=NAMES[ABI].index(question.call),
        orig_rax=-1,
        rip=ground.call,
        rsp=frame.address,
        **{name: result if value is None else value for name, value in given},
    )


def _run(tracee: Tracee) -> int:
    """Into the call and out of it; what it gives, or -errno."""
    for _ in range(2):
        tracee.to_syscall(0)
        if tracee.await_stop().kind is not StopKind.SYSCALL:
            raise CannotInject("something came between")
    return tracee.registers().result
