"""Ask the kernel: load filters in a thread, make the call, see what became of it."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from sigscope.analysis.seccomp.simulate import answered, canonical, words_for
from sigscope.model.abi import I386, Abi
from sigscope.model.seccomp import Answer, Filter, FilterAction, Instruction
from tests.harness.build import build

PATIENCE = 600
ENOSYS = 38
CALL = struct.Struct("=Ii6QI4x")
INSTRUCTION = struct.Struct("=HBBI")
RESULT = struct.Struct("=4Iq")
POINTERS = struct.Struct("=2Q")


class What(IntEnum):
    """As tests/targets/seccomp_oracle.c numbers it."""

    RETURNED = 1
    TRAPPED = 2
    THREAD_KILLED = 3
    PROCESS_KILLED = 4
    NOT_LOADED = 5


class Case(NamedTuple):
    """``filters`` newest first, ``number`` as the program puts it into the register."""

    filters: tuple[Filter, ...]
    abi: Abi
    number: int
    args: tuple[int, ...] = (0,) * 6


class Result(NamedTuple):
    """What happened; ``data`` is what came with the signal.

    ``value`` is what the call returned: -errno, 0, or 1 for anything more (a pid, say).
    """

    what: What
    value: int = 0
    data: int = 0


class Kernel(NamedTuple):
    """Its results, and the instruction pointer that each call showed to the filters."""

    results: list[Result]
    pointers: list[int]


def ask(cases: Sequence[Case]) -> Kernel:
    """What the kernel does with each of these."""
    given = struct.pack("=I", len(cases)) + b"".join(map(_packed, cases))
    ran = subprocess.run(
        [build("seccomp_oracle")], input=given, capture_output=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr.decode()
    pointers = POINTERS.unpack_from(ran.stdout)
    results = []
    for case, found in zip(cases, RESULT.iter_unpack(ran.stdout[POINTERS.size :]), strict=True):
        what, data, number, arch, value = found
        if what == What.TRAPPED:  # si_syscall and si_arch of the signal
            assert (number, arch) == (case.number & 0xFFFFFFFF, case.abi.arch)
        results.append(Result(What(what), min(value, 1), data))
    return Kernel(results, [pointers[case.abi is I386] for case in cases])


def _packed(case: Case) -> bytes:
    signed = (case.number & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)
    call = CALL.pack(case.abi is I386, signed, *case.args, len(case.filters))
    return call + b"".join(_program(one) for one in reversed(case.filters))


def _program(one: Filter) -> bytes:
    code = b"".join(INSTRUCTION.pack(*each) for each in one.instructions)
    return struct.pack("=I", len(one.instructions)) + code


def expected(answer: Answer, allowed: Result) -> Result:
    """What the kernel must have done, if the answer is right; ``allowed`` without a filter."""
    action, data = answer.action, answer.data
    if action is FilterAction.ERRNO:
        return Result(What.RETURNED, -data)
    if action in (FilterAction.TRACE, FilterAction.NOTIFY):  # nobody traces, nobody listens
        return Result(What.RETURNED, -ENOSYS)
    if action is FilterAction.TRAP:
        return Result(What.TRAPPED, 0, data)
    if action is FilterAction.KILL_THREAD:
        return Result(What.THREAD_KILLED)
    if action is FilterAction.KILL_PROCESS:
        return Result(What.PROCESS_KILLED)
    assert action is not None
    return allowed


def disagreements(cases: Sequence[Case], allowed: Sequence[Result]) -> list[str]:
    """Where the simulator and the kernel differ, in words; empty if they agree."""
    found = ask(cases)
    wrong = []
    for case, without, result, pointer in zip(
        cases, allowed, found.results, found.pointers, strict=True
    ):
        words = words_for(case.number, case.abi.arch, case.args, pointer)
        answer = Answer(*canonical(answered(case.filters, words)))
        if expected(answer, without) != result:
            sizes = [len(one.instructions) for one in case.filters]
            wrong.append(
                f"{case.abi.name} {case.number} {case.args} under {sizes} instructions: "
                f"{answer.action} {answer.data}, but the kernel: {result}"
            )
    return wrong


def loadable(one: Filter) -> Filter:
    """The filter, which lets others be loaded after it, and its thread end (seccomp, exit)."""
    before = [
        Instruction(0x20, 0, 0, 4),
        Instruction(0x15, 0, 4, 0xC000003E),
        Instruction(0x20, 0, 0, 0),
        Instruction(0x15, 1, 0, 317),
        Instruction(0x15, 0, 1, 60),
        Instruction(0x06, 0, 0, 0x7FFF0000),
        Instruction(0x00, 0, 0, 0),
    ]
    return one._replace(instructions=(*before, *one.instructions))
