"""Programs that can be read, and jumps that lead where they say."""

from __future__ import annotations

import struct

import pytest

from sigscope.kernel.bpf.assembler import R0, R1, R2, R6, R10, Assembler


def instructions(code: Assembler) -> list[tuple[int, ...]]:
    return list(struct.Struct("<BBhi").iter_unpack(code.assemble()))


def test_a_program_reads_as_the_verifier_writes_it() -> None:
    code = Assembler()
    code.load(R1, R6, 8, 4)
    code.store(R10, -16, R1, 8)
    code.store(R10, -8, 7, 4)
    code.address(R2, R10, -16)
    code.jump_if(R1, "==", R2, "end")
    code.do(R1, "<<=", 3)
    code.label("end")
    code.leave()
    assert code.listing().splitlines() == [
        "   0: r1 = *(u32 *)(r6 + 8)",
        "   1: *(u64 *)(r10 - 16) = r1",
        "   2: *(u32 *)(r10 - 8) = 7",
        "   3: r2 = r10",
        "   4: r2 += -16",
        "   5: if r1 == r2 goto end",
        "   6: r1 <<= 3",
        "end:",
        "   7: r0 = 0",
        "   8: exit",
    ]


def test_the_codes_are_those_of_the_kernel() -> None:
    """Documentation/bpf/standardization/instruction-set.rst."""
    code = Assembler()
    code.load(R1, R6, 8, 8)
    code.store(R10, -16, R1, 4)
    code.store(R10, -8, 7, 8)
    code.do(R1, "=", 5)
    code.do(R1, "+=", R6)
    code.call(113, "probe_read_kernel")
    code.leave()
    assert instructions(code) == [
        (0x79, 0x61, 8, 0),
        (0x63, 0x1A, -16, 0),
        (0x7A, 0x0A, -8, 7),
        (0xB7, 0x01, 0, 5),
        (0x0F, 0x61, 0, 0),
        (0x85, 0x00, 0, 113),
        (0xB7, 0x00, 0, 0),
        (0x95, 0x00, 0, 0),
    ]


def test_jumps_lead_forwards_and_back() -> None:
    code = Assembler()
    code.label("again")
    code.do(R0, "-=", 1)
    code.jump_if(R0, "!=", 0, "again")
    code.jump("out")
    code.do(R0, "=", 9)
    code.label("out")
    code.leave()
    assert [one[2] for one in instructions(code)][1:3] == [-2, 1]


def test_a_wide_load_takes_two_places() -> None:
    code = Assembler()
    code.map_value(R1, 5, 8)
    code.jump("end")
    code.label("end")
    code.leave()
    assert instructions(code)[:2] == [(0x18, 0x21, 0, 5), (0, 0, 0, 8)]
    assert len(code) == 5


def test_a_label_that_stands_twice_is_a_mistake() -> None:
    code = Assembler()
    code.label("end")
    with pytest.raises(AssertionError):
        code.label("end")
