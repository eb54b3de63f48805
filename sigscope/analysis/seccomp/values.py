"""What a register of a filter holds when the arguments of the call are not known: terms.

A value is a number of 32 bits, or a :class:`Term` over words of struct seccomp_data. Terms are
folded as they are made, so that equal ones look equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

FULL = 0xFFFFFFFF


LARGEST = 48
"""Operations in one term. Nothing real has more than a handful, and terms can double."""


class Term(NamedTuple):
    """``word`` (of seccomp_data, at ``left``), or an operation on two values.

    ``lost`` is one that became too large: ``left`` tells as bits on which words it rests.
    """

    sign: str
    left: Value
    right: Value = 0
    size: int = 1


Value = int | Term

WORD, LOST = "word", "lost"
NUMBER = Term(WORD, 0)
"""seccomp_data.nr: the only word of which a whole set is followed at a time."""

_COUNT: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b & FULL,
    "-": lambda a, b: a - b & FULL,
    "*": lambda a, b: a * b & FULL,
    "/": lambda a, b: a // b,
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "<<": lambda a, b: a << (b & 31) & FULL,
    ">>": lambda a, b: a >> (b & 31),
    "^": lambda a, b: a ^ b,
}
"""Shifts by X use its low five bits: the interpreter's and the compilers' way of today."""

COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "&": lambda a, b: a & b != 0,
}


def term(sign: str, left: Value, right: Value) -> Value:
    """The result of one operation. The caller has seen to it that nothing is divided by 0.

    >>> term("+", 0xffffffff, 2), term("&", term("&", Term(WORD, 4), 7), 3)
    (1, Term(sign='&', left=Term(sign='word', left=4, right=0, size=1), right=3, size=2))
    """
    if isinstance(left, int) and isinstance(right, int):
        return _COUNT[sign](left, right)
    if isinstance(right, int):
        if sign == "&":
            if isinstance(left, Term) and left.sign == "&" and isinstance(left.right, int):
                return term("&", left.left, left.right & right)
            if right == FULL:
                return left
            if right == 0:
                return 0
        elif right == 0 and sign in ("+", "-", "|", "^", "<<", ">>"):
            return left
    size = 1 + sum(value.size for value in (left, right) if isinstance(value, Term))
    if is_lost(left) or is_lost(right) or size > LARGEST:
        return Term(LOST, sum(1 << word for word in {*words_of(left), *words_of(right)}))
    return Term(sign, left, right, size)


def is_lost(value: Value) -> bool:
    """Is no more known of it than the words on which it rests?"""
    return isinstance(value, Term) and value.sign == LOST


def worked_out(value: Value, words: Sequence[int]) -> int:
    """The number that it is for these words of seccomp_data; nothing may be lost in it.

    >>> worked_out(term("+", Term(WORD, 1), 5), [0, 2])
    7
    """
    if isinstance(value, int):
        return value
    if value.sign == WORD:
        assert isinstance(value.left, int)
        return words[value.left]
    left, right = worked_out(value.left, words), worked_out(value.right, words)
    return _COUNT[value.sign](left, right) if value.sign != "/" or right else 0


def with_number(value: Value, number: int) -> Value:
    """The same for one system call number."""
    if isinstance(value, int) or value.sign == LOST or (value.sign == WORD and value != NUMBER):
        return value
    if value == NUMBER:
        return number
    left, right = with_number(value.left, number), with_number(value.right, number)
    return 0 if value.sign == "/" and right == 0 else term(value.sign, left, right)


def words_of(value: Value) -> Iterator[int]:
    """The places in seccomp_data, in words of 4 bytes, on which it rests."""
    if isinstance(value, Term):
        if value.sign == WORD:
            assert isinstance(value.left, int)
            yield value.left
        elif value.sign == LOST:
            assert isinstance(value.left, int)
            yield from (word for word in range(value.left.bit_length()) if value.left >> word & 1)
        else:
            yield from words_of(value.left)
            yield from words_of(value.right)


def has_number(value: Value) -> bool:
    """Does it rest on the number of the call, in a way that is still known?"""
    if isinstance(value, int) or value.sign == LOST:
        return False
    return value == NUMBER or 0 in words_of(value)
