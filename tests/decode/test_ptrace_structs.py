"""What a tracer reads: siginfo by the rules of the kernel, registers, the call at a stop."""

from __future__ import annotations

import struct

import pytest

from sigscope.decode.siginfo import SIZE, decode_siginfo
from sigscope.decode.user_regs import (
    X86_64,
    decode_aarch64,
    decode_syscall_info,
    decode_x86_64,
)
from sigscope.model.registers import Phase
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal


def siginfo(number: int, code: int, first: int, second: int, value: int = 0) -> SigInfo:
    packed = struct.pack("=iiixxxxiIQ", number, 0, code, first, second, value)
    return decode_siginfo(packed.ljust(SIZE, b"\0"))


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [
        pytest.param(15, 0, (812, 170000, None, None), id="kill"),
        pytest.param(15, -6, (812, 170000, None, None), id="tgkill"),
        pytest.param(40, -1, (812, 170000, 99, None), id="sigqueue"),
        pytest.param(40, -3, (812, 170000, 99, None), id="message queue"),
        pytest.param(14, -2, (None, None, 99, 812), id="POSIX timer"),
        pytest.param(14, 128, (812, 170000, None, None), id="kernel"),
        pytest.param(17, 1, (812, 170000, None, None), id="child"),
        pytest.param(11, 1, (None, None, None, None), id="fault"),
        pytest.param(29, 1, (None, None, None, None), id="descriptor"),
        pytest.param(29, -5, (None, None, None, None), id="SI_SIGIO"),
    ],
)
def test_what_a_signal_carries(
    number: int, code: int, expected: tuple[int | None, int | None, int | None, int | None]
) -> None:
    assert siginfo(number, code, 812, 170000, 99) == SigInfo(Signal(number), code, *expected)


def registers(**values: int) -> bytes:
    return b"".join(struct.pack("=Q", values.get(name, 0) & (1 << 64) - 1) for name in X86_64)


def test_an_interrupted_call_shows_its_number_and_the_kernels_wish() -> None:
    found = decode_x86_64(registers(rax=-516, orig_rax=35, rip=7, rsp=9, cs=0x33))
    assert (found.abi, found.number, found.result) == ("x86_64", 35, -516)
    assert (found.instruction_pointer, found.stack_pointer) == (7, 9)
    assert found.restart_code == "ERESTART_RESTARTBLOCK"


def test_a_32_bit_target_has_numbers_of_its_own() -> None:
    found = decode_x86_64(registers(rax=0xFFFFFDFE, orig_rax=0xFFFFFFFF, cs=0x23))
    assert (found.abi, found.number, found.result) == ("i386", -1, -514)
    assert found.restart_code is None, "it is in no call"


def test_aarch64_by_its_layout() -> None:
    raw = struct.pack("=31Q3Q", *([-4 & (1 << 64) - 1] + [0] * 7 + [22] + [0] * 22), 9, 7, 0)
    found = decode_aarch64(raw)
    assert (found.number, found.result) == (22, -4)
    assert (found.stack_pointer, found.instruction_pointer) == (9, 7)


def info(op: int, *body: int, form: str = "") -> bytes:
    return struct.pack("=BxxxIQQ", op, 0xC000003E, 7, 9) + struct.pack(form, *body)


def test_the_entry_of_a_call_by_name() -> None:
    found = decode_syscall_info(info(1, 219, 0, 0, 0, 0, 0, 0, form="=7Q"))
    assert (found.phase, found.abi) == (Phase.ENTRY, "x86_64")
    assert found.call is not None
    assert (found.call.name, found.call.number) == ("restart_syscall", 219)


def test_an_unknown_number_has_no_name() -> None:
    found = decode_syscall_info(info(3, 99999, 0, 0, 0, 0, 0, 0, form="=7Q"))
    assert found.call is not None
    assert (found.phase, found.call.name) == (Phase.SECCOMP, None)


def test_the_exit_of_a_call_with_its_result() -> None:
    found = decode_syscall_info(info(2, -4, 1, form="=qB"))
    assert (found.phase, found.result, found.failed) == (Phase.EXIT, -4, True)


def test_a_stop_outside_of_any_call() -> None:
    found = decode_syscall_info(info(0))
    assert (found.phase, found.call, found.result) == (Phase.NONE, None, None)
    assert decode_syscall_info(b"\x09" + info(0)[1:]).phase is Phase.NONE
