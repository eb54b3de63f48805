"""The instructions that a seccomp filter may hold, and whether a program is one at all.

The kernel takes no other: seccomp_check_filter of kernel/seccomp.c, bpf_check_classic of
net/core/filter.c. So a program that was read from a kernel keeps to this; one that a file
brought may not, and answers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.model.seccomp import Instruction

LOAD_WORD = 0x20
LOAD_LENGTH, LOAD_LENGTH_X = 0x80, 0x81
LOAD_CONSTANT, LOAD_CONSTANT_X = 0x00, 0x01
LOAD_MEMORY, LOAD_MEMORY_X = 0x60, 0x61
STORE, STORE_X = 0x02, 0x03
JUMP = 0x05
RETURN, RETURN_A = 0x06, 0x16
A_TO_X, X_TO_A = 0x07, 0x87
NEGATE = 0x84

FROM_X = 0x08
"""This bit of an arithmetic instruction or a comparison: with X, else with the constant."""

ARITHMETIC = {
    0x04: "+",
    0x14: "-",
    0x24: "*",
    0x34: "/",
    0x44: "|",
    0x54: "&",
    0x64: "<<",
    0x74: ">>",
    0xA4: "^",
}
"""A op= k or X, in 32 bits without a sign. There is no remainder: seccomp refuses BPF_MOD."""

COMPARISONS = {0x15: "==", 0x25: ">", 0x35: ">=", 0x45: "&"}

DATA_SIZE = 64
"""Bytes of struct seccomp_data: nr, arch, instruction_pointer (8), args (6 of 8 bytes)."""
MEMORY_WORDS = 16
LONGEST = 4096
"""BPF_MAXINSNS of include/uapi/linux/bpf_common.h."""

_PLAIN = frozenset(
    (LOAD_LENGTH, LOAD_LENGTH_X, LOAD_CONSTANT, LOAD_CONSTANT_X, RETURN, RETURN_A, A_TO_X, X_TO_A)
) | {NEGATE}
_MEMORY = frozenset((LOAD_MEMORY, LOAD_MEMORY_X, STORE, STORE_X))
_ALL = (1 << MEMORY_WORDS) - 1


def is_filter(program: Sequence[Instruction]) -> bool:
    """Would the kernel take this program for a filter?

    >>> is_filter([Instruction(RETURN, 0, 0, 0x7fff0000)])
    True
    >>> is_filter([Instruction(LOAD_WORD, 0, 0, 64), Instruction(RETURN, 0, 0, 0)])
    False
    """
    length = len(program)
    if not 0 < length <= LONGEST or program[-1].code not in (RETURN, RETURN_A):
        return False
    return all(
        0 <= one.k < 1 << 32 and _fits(one, length - at - 1) for at, one in enumerate(program)
    ) and _memory_is_written_first(program)


def _fits(one: Instruction, left: int) -> bool:
    """Is it allowed, with this many instructions behind it?"""
    code, k = one.code, one.k
    if code in _PLAIN:
        return True
    if code == LOAD_WORD:
        return k < DATA_SIZE and k % 4 == 0
    if code in _MEMORY:
        return k < MEMORY_WORDS
    if code == JUMP:
        return k < left
    if code & ~FROM_X in COMPARISONS:
        return 0 <= one.jump_true < left and 0 <= one.jump_false < left
    sign = ARITHMETIC.get(code & ~FROM_X)
    if code & FROM_X or sign is None:
        return sign is not None
    return not (sign == "/" and k == 0) and not (sign in ("<<", ">>") and k > 31)


def _memory_is_written_first(program: Sequence[Instruction]) -> bool:
    """check_load_and_stores: on every way to a load, something was stored there."""
    written = 0
    at_jump: dict[int, int] = {}
    for at, (code, yes, no, k) in enumerate(program):
        written &= at_jump.get(at, _ALL)
        if code in (STORE, STORE_X):
            written |= 1 << k
        elif code in (LOAD_MEMORY, LOAD_MEMORY_X) and not written >> k & 1:
            return False
        elif code == JUMP or code & ~FROM_X in COMPARISONS:
            for jump in (k,) if code == JUMP else (yes, no):
                to = at + 1 + jump
                at_jump[to] = at_jump.get(to, _ALL) & written
            written = _ALL
    return True
