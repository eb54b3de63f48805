"""Programs that the kernel takes for filters, thrown with dice of a known seed."""

from __future__ import annotations

import random

from sigscope.analysis.seccomp.opcodes import ARITHMETIC, is_filter
from sigscope.model.seccomp import Filter, Instruction

CONSTANTS = (0, 1, 2, 5, 16, 31, 35, 39, 219, 0x40000000, 0x80000000, 0x7FFF0000, 0xFFFFFFFF)
WORDS = (0, 0, 0, 1, 2, 4, 4, 4, 5, 6, 8, 14, 15)
"""Words of seccomp_data that are loaded: the number and the first argument often."""


class Dice:
    """``returns`` are the values that its programs may return."""

    def __init__(self, seed: int, returns: tuple[int, ...]) -> None:
        self._random = random.Random(seed)
        self._returns = returns

    def choose(self, *options: int) -> int:
        return self._random.choice(options)

    def stack(self, most: int = 3) -> tuple[Filter, ...]:
        """One or several filters, newest first."""
        return tuple(self.filter() for _ in range(self._random.randint(1, most)))

    def filter(self) -> Filter:
        """One that the kernel takes: what it would refuse is thrown again."""
        while True:
            length = self.choose(1, 2, 5, 10, 20, 40)
            program = [self._instruction(length - at - 1) for at in range(length)]
            if is_filter(program):
                return Filter(tuple(program))

    def program(self) -> Filter:
        """Anything: jumps out of it, loads of what was never stored, opcodes of other sockets."""
        program = list(self.filter().instructions)
        for _ in range(self.choose(0, 1, 1, 2)):
            at = self._random.randrange(len(program))
            spoiled = program[at]
            match self.choose(0, 1, 2, 3, 4):
                case 0:
                    spoiled = spoiled._replace(code=self.choose(*range(256), 0x1FF))
                case 1:
                    spoiled = spoiled._replace(k=self.choose(*CONSTANTS, 3, 32, 60, 63, 64))
                case 2:
                    spoiled = spoiled._replace(jump_true=self._random.getrandbits(8))
                case 3:
                    spoiled = spoiled._replace(jump_false=self._random.getrandbits(8))
                case 4:
                    spoiled = self._instruction(8)
            program[at] = spoiled
        return Filter(tuple(program))

    def _instruction(self, left: int) -> Instruction:
        k = self.choose(*CONSTANTS, self._random.getrandbits(32))
        kind = self._random.random()
        if left == 0 or kind < 0.08:
            return Instruction(self.choose(6, 6, 6, 0x16), 0, 0, self.choose(*self._returns))
        if kind < 0.33:
            return Instruction(0x20, 0, 0, 4 * self.choose(*WORDS))
        if kind < 0.65:
            code = self.choose(0x15, 0x25, 0x35, 0x45) | self.choose(0, 0, 0, 8)
            reach = range(min(left, 8))
            return Instruction(code, self.choose(*reach), self.choose(*reach), k)
        if kind < 0.85:
            code = self.choose(*ARITHMETIC) | self.choose(0, 8)
            return Instruction(code, 0, 0, k % 32 if code in (0x64, 0x74) else k)
        if kind < 0.9:
            return Instruction(self.choose(0x07, 0x87, 0x84, 0x80, 0x81, 0, 1), 0, 0, k)
        if kind < 0.92:
            return Instruction(0x05, 0, 0, self._random.randrange(min(left, 8)))
        if kind < 0.96:
            return Instruction(self.choose(2, 3), 0, 0, self._random.randrange(3))
        return Instruction(self.choose(0x60, 0x61), 0, 0, self._random.randrange(3))

    def arguments(self) -> tuple[int, ...]:
        return tuple(self.choose(*CONSTANTS, self._random.getrandbits(64)) for _ in range(6))
