"""A filter as a text that can be read: what each instruction does, with names for numbers.

Which word of seccomp_data is in A, and which architecture is certain, is followed along the
jumps, so that ``A == 219`` can be told as the name of a call.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sigscope.analysis.seccomp.opcodes import (
    A_TO_X,
    ARITHMETIC,
    COMPARISONS,
    DATA_SIZE,
    FROM_X,
    JUMP,
    LOAD_CONSTANT,
    LOAD_CONSTANT_X,
    LOAD_LENGTH,
    LOAD_LENGTH_X,
    LOAD_MEMORY,
    LOAD_MEMORY_X,
    LOAD_WORD,
    NEGATE,
    RETURN,
    RETURN_A,
    STORE,
    STORE_X,
    X_TO_A,
)
from sigscope.analysis.seccomp.simulate import canonical
from sigscope.analysis.seccomp.words import field
from sigscope.model.abi import ABIS
from sigscope.model.seccomp import FilterAction, Instruction

NUMBER, ARCH = 0, 1
Names = Mapping[int, Mapping[int, str]]
"""AUDIT_ARCH_* -> number -> name of the call."""

_OPPOSITE = {"==": "!=", ">": "<=", ">=": "<"}
_ARCHES = {abi.arch: abi.name for abi in reversed(ABIS)}


class Listed(NamedTuple):
    """One instruction: where it stands in its program, and what it does."""

    at: int
    instruction: Instruction
    text: str


class _Known(NamedTuple):
    """``word`` is that of seccomp_data in A, ``arch`` the one that must be, None where unknown."""

    word: int | None
    arch: int | None


def listing(program: Sequence[Instruction], names: Names, arch: int) -> Iterator[Listed]:
    """Every instruction in turn. ``arch``: whose calls are meant where the filter does not say.

    >>> [one.text for one in listing([Instruction(0x20, 0, 0, 0), Instruction(6, 0, 0, 0x50001)],
    ...                              {}, 0xc000003e)]
    ['A = nr', 'return ERRNO(EPERM)']
    """
    before: list[_Known | None] = [None] * (len(program) + 1)
    before[0] = _Known(None, None)
    for at, one in enumerate(program):
        known = before[at] or _Known(None, None)
        yield Listed(at, one, _text(at, one, known, names, arch))
        for to, then in _after(at, one, known):
            if to <= len(program):
                before[to] = then if before[to] is None else _both(before[to], then)


def _both(one: _Known | None, other: _Known) -> _Known:
    if one is None:
        return other
    return _Known(*(mine if mine == its else None for mine, its in zip(one, other, strict=True)))


def _after(at: int, one: Instruction, known: _Known) -> Iterator[tuple[int, _Known]]:
    code, yes, no, k = one
    if code in (RETURN, RETURN_A):
        return
    if code == JUMP:
        yield at + 1 + k, known
    elif code & ~FROM_X in COMPARISONS:
        certain = known.word == ARCH and code == 0x15
        yield at + 1 + yes, known._replace(arch=k) if certain else known
        yield at + 1 + no, known
    elif code == LOAD_WORD:
        yield at + 1, known._replace(word=k >> 2)
    elif code in (LOAD_CONSTANT_X, LOAD_LENGTH_X, LOAD_MEMORY_X, STORE, STORE_X, A_TO_X):
        yield at + 1, known
    else:
        yield at + 1, known._replace(word=None)


def _text(at: int, one: Instruction, known: _Known, names: Names, arch: int) -> str:
    code, yes, no, k = one
    operand = "X" if code & FROM_X else _number(k)
    if code == LOAD_WORD:
        return f"A = {field(k >> 2)}"
    if code == JUMP:
        return f"goto {at + 1 + k:04d}"
    if code in (RETURN, RETURN_A):
        return "return A" if code == RETURN_A else f"return {returned(k)}"
    if code in (LOAD_CONSTANT, LOAD_CONSTANT_X, LOAD_LENGTH, LOAD_LENGTH_X):
        size = code in (LOAD_LENGTH, LOAD_LENGTH_X)
        return f"{'AX'[code & 1]} = {DATA_SIZE if size else _number(k)}"
    if code in (LOAD_MEMORY, LOAD_MEMORY_X):
        return f"{'AX'[code & 1]} = mem[{k}]"
    if code in (STORE, STORE_X):
        return f"mem[{k}] = {'A' if code == STORE else 'X'}"
    plain = {A_TO_X: "X = A", X_TO_A: "A = X", NEGATE: "A = -A"}
    if code in plain:
        return plain[code]
    sign = COMPARISONS.get(code & ~FROM_X)
    if sign is None:
        sign = ARITHMETIC.get(code & ~FROM_X, "")
        return f"A {sign}= {operand}" if sign else "no instruction that the kernel takes"
    if not code & FROM_X:
        operand = _named(k, known, names, arch, bits=sign == "&")
    return _branch(at, sign, operand, yes, no)


def _branch(at: int, sign: str, operand: str, yes: int, no: int) -> str:
    """``if`` as one would write it: what falls through is not told."""
    where, other = at + 1 + yes, at + 1 + no
    if yes == no:
        return f"goto {where:04d}"
    if yes == 0:
        test = f"!(A & {operand})" if sign == "&" else f"A {_OPPOSITE[sign]} {operand}"
        return f"if ({test}) goto {other:04d}"
    said = f"if (A {sign} {operand}) goto {where:04d}"
    return said if no == 0 else f"{said} else goto {other:04d}"


def _named(k: int, known: _Known, names: Names, arch: int, bits: bool) -> str:
    if known.word == ARCH and k in _ARCHES:
        return _ARCHES[k]
    if known.word == NUMBER and not bits:
        table = names.get(arch if known.arch is None else known.arch, {})
        return table.get(k, _number(k))
    return _number(k)


def _number(k: int) -> str:
    return str(k) if k < 1024 else f"{k:#x}"


def returned(value: int) -> str:
    """A return value in words.

    >>> returned(0x7fff0000), returned(0x50026), returned(0x12340000)
    ('ALLOW', 'ERRNO(ENOSYS)', 'KILL_PROCESS (no action of this kernel: 0x12340000)')
    """
    action, data = canonical(value)
    if action is FilterAction.ERRNO:
        return f"ERRNO({errno.errorcode.get(data, data)})"
    if action is FilterAction.KILL_PROCESS and value & 0xFFFF0000 != action.value:
        return f"KILL_PROCESS (no action of this kernel: {value:#x})"
    return f"{action.name}({data})" if data else action.name
