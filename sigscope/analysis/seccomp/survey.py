"""A stack of filters, run for a whole set of system call numbers at once, arguments unknown.

Programs jump forward only (seccomp(2), classic BPF). So each instruction is looked at once,
with all states in which it can be reached; a state carries the set of the numbers with which it
is, and a comparison of the number divides the set. A filter that tests hundreds of numbers
in a row costs little more than one run through it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
    MEMORY_WORDS,
    NEGATE,
    RETURN,
    RETURN_A,
    STORE,
    STORE_X,
    X_TO_A,
)
from sigscope.analysis.seccomp.paths import Path
from sigscope.analysis.seccomp.values import (
    FULL,
    NUMBER,
    WORD,
    Term,
    Value,
    has_number,
    term,
    with_number,
)
from sigscope.model.seccomp import Filter, Instruction

MOST_STEPS = 60_000
"""After so many steps the rest is given up: the numbers in it are answered as not whole."""
LONG = 16
"""A step on a way of so many decisions costs as much as two."""

Numbers = int
"""A set of system call numbers: bit N stands for the N-th of those that are asked for."""

Returned = Value
ALLOW = 0x7FFF0000


class State(NamedTuple):
    """The registers, what was decided so far, and what the filters before this one returned."""

    a: Value
    x: Value
    memory: tuple[Value, ...]
    path: Path
    best: Returned


class Surveyed(NamedTuple):
    """Each (path, what the stack returns) with the numbers for which it is so.

    ``lost`` are those of which not every way was followed.
    """

    ends: dict[tuple[Path, Returned], Numbers]
    lost: Numbers


_MEMORY: tuple[Value, ...] = (0,) * MEMORY_WORDS


def surveyed(filters: Sequence[Filter], numbers: Sequence[int], arch: int) -> Surveyed:
    """All filters, newest first, for these numbers (each once) on one architecture."""
    return _Survey(numbers, arch).all_of(filters)


def signed(value: int) -> int:
    """The action of a return value, as the kernel compares it: lower wins (seccomp_run_filters)."""
    action = value & 0xFFFF0000
    return action - (1 << 32) if action >> 31 else action


class _Survey:
    def __init__(self, numbers: Sequence[int], arch: int) -> None:
        self.numbers = [number & FULL for number in numbers]
        self.place = {number: place for place, number in enumerate(self.numbers)}
        self.all = (1 << len(numbers)) - 1
        # One number alone is a constant like any other.
        self.number: Value = self.numbers[0] if len(numbers) == 1 else NUMBER
        self.arch = arch
        self.left = MOST_STEPS
        self.lost = 0

    def all_of(self, filters: Sequence[Filter]) -> Surveyed:
        ends: dict[tuple[Path, Returned], Numbers] = {(Path(), ALLOW): self.all}
        for one in filters:
            after: dict[tuple[Path, Returned], Numbers] = defaultdict(int)
            for path, best, returned, numbers in self._through(one.instructions, ends):
                for least, some in self._least(best, returned, numbers):
                    after[path, least] |= some
            ends = after
        return Surveyed(dict(ends), self.lost)

    def _through(
        self, program: Sequence[Instruction], begin: dict[tuple[Path, Returned], Numbers]
    ) -> Iterator[tuple[Path, Returned, Value, Numbers]]:
        """(path, what was the least before, what this one returns, for which numbers)."""
        waiting: list[dict[State, Numbers]] = [{} for _ in program]
        for (path, best), numbers in begin.items():
            waiting[0][State(0, 0, _MEMORY, path, best)] = numbers
        for at, instruction in enumerate(program):
            states, waiting[at] = waiting[at], {}
            for state, numbers in states.items():
                self.left -= 1 + state.path.length // LONG
                if self.left < 0:
                    self.lost |= numbers
                    continue
                code = instruction.code
                if code in (RETURN, RETURN_A):
                    returned = instruction.k if code == RETURN else state.a
                    yield state.path, state.best, returned, numbers
                    continue
                for jump, then, some in self._step(instruction, state, numbers):
                    if jump is None:
                        yield then.path, then.best, 0, some
                        continue
                    there = waiting[at + 1 + jump]
                    there[then] = there.get(then, 0) | some

    def _step(
        self, one: Instruction, state: State, numbers: Numbers
    ) -> Iterable[tuple[int | None, State, Numbers]]:
        """(how many to jump over, the state then, for which numbers); None: it ends with 0."""
        code, k = one.code, one.k
        a, x, memory, path, best = state
        if code & ~FROM_X in COMPARISONS and one.jump_true == one.jump_false:
            return ((one.jump_true, state, numbers),)
        if code & ~FROM_X in COMPARISONS:
            sign = COMPARISONS[code & ~FROM_X]
            return (
                (one.jump_true if true else one.jump_false, State(a, x, memory, then, best), some)
                for true, then, some in self._decide(
                    a, sign, x if code & FROM_X else k, path, numbers
                )
            )
        if code == JUMP:
            return ((k, state, numbers),)
        if code == LOAD_WORD:
            a = self._loaded(k >> 2)
        elif code in (LOAD_CONSTANT, LOAD_LENGTH, LOAD_MEMORY):
            a = k if code == LOAD_CONSTANT else DATA_SIZE if code == LOAD_LENGTH else memory[k]
        elif code in (LOAD_CONSTANT_X, LOAD_LENGTH_X, LOAD_MEMORY_X):
            x = k if code == LOAD_CONSTANT_X else DATA_SIZE if code == LOAD_LENGTH_X else memory[k]
        elif code in (STORE, STORE_X):
            memory = (*memory[:k], a if code == STORE else x, *memory[k + 1 :])
        elif code == A_TO_X:
            x = a
        elif code == X_TO_A:
            a = x
        elif code == NEGATE:
            a = term("-", 0, a)
        else:
            sign, operand = ARITHMETIC[code & ~FROM_X], x if code & FROM_X else k
            if sign == "/" and not isinstance(operand, int):
                return self._divided(state, operand, numbers)
            if sign == "/" and operand == 0:
                return ((None, state, numbers),)
            a = term(sign, a, operand)
        return ((0, State(a, x, memory, path, best), numbers),)

    def _loaded(self, word: int) -> Value:
        return self.number if word == 0 else self.arch if word == 1 else Term(WORD, word)

    def _divided(
        self, state: State, by: Value, numbers: Numbers
    ) -> Iterator[tuple[int | None, State, Numbers]]:
        for zero, path, some in self._decide(by, "==", 0, state.path, numbers):
            then = state._replace(path=path, a=state.a if zero else term("/", state.a, by))
            yield None if zero else 0, then, some

    def _decide(
        self, left: Value, sign: str, right: Value, path: Path, numbers: Numbers
    ) -> Iterator[tuple[bool, Path, Numbers]]:
        if left is NUMBER and isinstance(right, int):
            true = self._having(sign, right) & numbers
            if true:
                yield True, path, true
            if true != numbers:
                yield False, path, numbers & ~true
        elif has_number(left) or has_number(right):
            for number, one in self._each(numbers):
                mine, other = with_number(left, number), with_number(right, number)
                for so, then in path.decide(mine, sign, other):
                    yield so, then, one
        else:
            for so, then in path.decide(left, sign, right):
                yield so, then, numbers

    def _having(self, sign: str, right: int) -> Numbers:
        """The numbers of which a comparison with a constant is true."""
        if sign == "==":
            place = self.place.get(right)
            return 0 if place is None else 1 << place
        found = 0
        for place, number in enumerate(self.numbers):
            if (
                number & right
                if sign == "&"
                else number > right or (sign == ">=" and number == right)
            ):
                found |= 1 << place
        return found

    def _each(self, numbers: Numbers) -> Iterator[tuple[int, Numbers]]:
        while numbers:
            one = numbers & -numbers
            yield self.numbers[one.bit_length() - 1], one
            numbers ^= one

    def _least(
        self, best: Returned, returned: Value, numbers: Numbers
    ) -> Iterator[tuple[Returned, Numbers]]:
        """Which of two wins; of equal actions the newer filter's, which came first."""
        if isinstance(best, int) and isinstance(returned, int):
            yield (returned if signed(returned) < signed(best) else best), numbers
        elif has_number(returned) or has_number(best):
            for number, one in self._each(numbers):
                mine, other = with_number(best, number), with_number(returned, number)
                yield from self._least(mine, other, one)
        else:  # what an argument says is returned: there is no telling
            self.lost |= numbers
            yield (returned if isinstance(best, int) else best), numbers
