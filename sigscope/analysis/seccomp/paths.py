"""What was decided on one way through a filter, and whether that can all be true at once.

Comparisons of an argument, or of some bits of it, with a constant are understood: the next one
may be decided by them already. Others are remembered as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sigscope.analysis.seccomp.values import (
    COMPARE,
    FULL,
    WORD,
    Value,
    is_lost,
    term,
    words_of,
)

_TRIES = 2000
Test = tuple[Value, str, Value]


class Impossible(Exception):
    """What was decided on a way contradicts itself: no call takes it."""


class Decision(NamedTuple):
    """``left sign right`` was found to be true or not."""

    left: Value
    sign: str
    right: Value
    true: bool


class Limits(NamedTuple):
    """What is known of one word: some of its bits, its range, and what (mask, value) it is not."""

    known: int = 0
    bits: int = 0
    least: int = 0
    most: int = FULL
    but: frozenset[tuple[int, int]] = frozenset()

    def decides(self, mask: int, value: int) -> bool | None:
        """Is ``word & mask == value``, for all that we know?"""
        if value & ~mask or (self.bits ^ value) & self.known & mask:
            return False
        if not mask & ~self.known:
            return True
        if mask == FULL and not self.least <= value <= self.most:
            return False
        return False if (mask, value) in self.but else None

    def with_equal(self, mask: int, value: int, true: bool) -> Limits:
        if not true and mask & mask - 1 == 0:  # a single bit is the other one then
            true, value = True, value ^ mask
        if not true:
            return self._replace(but=self.but | {(mask, value)})
        known, bits = self.known | mask, self.bits & ~mask | value
        if mask == FULL:
            return Limits(known, bits, value, value, self.but)
        return self._replace(known=known, bits=bits)

    def fitting(self) -> int | None:
        """The least value that keeps to all of it, or None if none was found.

        Raises Impossible if there is none.
        """
        value = self.least
        masks = {mask for mask, _ in self.but}
        for _ in range(_TRIES):
            found = self._next_with_bits(value)
            if found is None or found > self.most:
                raise Impossible
            wrong = next((mask for mask in masks if (mask, found & mask) in self.but), None)
            if wrong is None:
                return found
            # Up to the lowest bit of the mask, all that follow are as wrong.
            value = (found | (wrong & -wrong) - 1) + 1
        return None

    def _next_with_bits(self, value: int) -> int | None:
        """The least number from ``value`` on that has the bits which are known."""
        free = FULL & ~self.known
        base = self.bits & self.known
        if value & self.known == base:
            return value
        # Somewhere it must be larger than value: at the lowest free 0 bit that serves.
        for place in range(32):
            bit = 1 << place
            above = FULL & ~(2 * bit - 1)
            if (value ^ base) & self.known & above:
                continue
            if value & bit or not (free & bit or base & bit):
                continue
            return value & above | bit | base & (bit - 1)
        return None


_ANY = Limits()


class Path:
    """The decisions of one way: those of the way to here, and the last one.

    It is hashed and compared at every step of a program, and may be long: so each has its hash.
    ``words`` are those of seccomp_data on which it rests, as bits.
    """

    __slots__ = ("_before", "_hash", "_last", "_others", "length", "limits", "words")

    def __init__(
        self,
        before: Path | None = None,
        last: Decision | None = None,
        limits: dict[int, Limits] | None = None,
        others: dict[Test, bool] | None = None,
    ) -> None:
        self._before = before
        self._last = last
        self._others = others or {}
        self.limits = limits or {}
        self.length: int = 0 if before is None else before.length + 1
        self.words: int = 0 if before is None else before.words
        if last is not None:
            for word in (*words_of(last.left), *words_of(last.right)):
                self.words |= 1 << word
        self._hash: int = hash((before, last))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Path) or self._hash != other._hash:
            return False
        return self.decisions == other.decisions

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All of them, in their order."""
        found: list[Decision] = []
        path: Path | None = self
        while path is not None and path._last is not None:
            found.append(path._last)
            path = path._before
        return tuple(reversed(found))

    def decide(self, left: Value, sign: str, right: Value) -> Iterator[tuple[bool, Path]]:
        """The ways on from a comparison: one, where it is decided already, or both."""
        if isinstance(left, int) and isinstance(right, int):
            yield COMPARE[sign](left, right), self
            return
        if isinstance(left, int) and sign == "==":
            left, right = right, left
        flipped = False
        if isinstance(right, int):
            if sign == "&":  # some of these bits are set: not (left & right == 0)
                left, sign, right, flipped = term("&", left, right), "==", 0, True
                if isinstance(left, int):
                    yield left != 0, self
                    return
            elif sign == ">":
                sign, right = ">=", right + 1
        known = self._known(left, sign, right)
        for true in (True, False) if known is None else (known,):
            yield true ^ flipped, self if known is not None else self._with(left, sign, right, true)

    def _known(self, left: Value, sign: str, right: Value) -> bool | None:
        place = _masked(left)
        if place is None or not isinstance(right, int):
            return self._others.get((left, sign, right))
        word, mask = place
        limits = self.limits.get(word, _ANY)
        if sign == "==":
            return limits.decides(mask, right)
        if right > mask:
            return False
        if right == 0:
            return True
        if mask != FULL:
            return self._others.get((left, sign, right))
        if limits.least >= right:
            return True
        return False if limits.most < right else None

    def _with(self, left: Value, sign: str, right: Value, true: bool) -> Path:
        last = Decision(left, sign, right, true)
        if is_lost(left) or is_lost(right):
            return Path(self, last, self.limits, self._others)
        place = _masked(left)
        if place is None or not isinstance(right, int) or (sign != "==" and place[1] != FULL):
            return Path(self, last, self.limits, {**self._others, (left, sign, right): true})
        word, mask = place
        now = self.limits.get(word, _ANY)
        if sign == "==":
            now = now.with_equal(mask, right, true)
        elif true:
            now = now._replace(least=max(now.least, right))
        else:
            now = now._replace(most=min(now.most, right - 1))
        return Path(self, last, {**self.limits, word: now}, self._others)


def _masked(value: Value) -> tuple[int, int] | None:
    """(word, mask) of a term that is a word, or a word and a constant mask."""
    if isinstance(value, int):
        return None
    if value.sign == WORD:
        assert isinstance(value.left, int)
        return value.left, FULL
    sign, inner, mask, _ = value
    if sign != "&" or not isinstance(mask, int) or isinstance(inner, int) or inner.sign != WORD:
        return None
    assert isinstance(inner.left, int)
    return inner.left, mask
