"""The two ways to simulate agree: with arguments unknown, and step by step with known ones."""

from __future__ import annotations

import pytest

from sigscope.analysis.seccomp import simulate, survey
from sigscope.model.abi import X86_64
from sigscope.model.seccomp import Answer, FilterAction
from tests.seccomp.dice import Dice

RETURNS = (
    0x80000000,
    0x00000000,
    0x00030007,
    0x00050000,
    0x00050001,
    0x0005FFFF,
    0x7FC00000,
    0x7FF00001,
    0x7FFC0000,
    0x7FFF0000,
    0x7FFF0001,
    0x12340000,
    0x90000000,
)
NUMBERS = (0, 1, 5, 35, 39, 219, 231, 0x40000027)


def possible(answer: Answer) -> set[tuple[FilterAction | None, int]]:
    if answer.outcomes:
        return {(outcome.action, outcome.data) for outcome in answer.outcomes}
    return {(answer.action, answer.data)}


@pytest.mark.parametrize("seed", range(12))
def test_what_comes_is_among_what_was_said(seed: int) -> None:
    dice = Dice(seed, RETURNS)
    for _ in range(25):
        stack = dice.stack()
        said = survey(stack, NUMBERS, X86_64.arch)
        for number in NUMBERS:
            alone = simulate(stack, number, X86_64.arch)
            for _ in range(4):
                args, pointer = dice.arguments(), dice.choose(0, 5, 0x7F0000001234)
                came = simulate(stack, number, X86_64.arch, args, pointer)
                for answer in (said[number], alone):
                    if answer.whole:
                        assert (came.action, came.data) in possible(answer), (stack, number, args)


def test_an_example_leads_where_it_was_said_to_lead() -> None:
    dice = Dice(1000, RETURNS)
    seen = without = 0
    for _ in range(300):
        stack = dice.stack()
        for number, answer in survey(stack, NUMBERS, X86_64.arch).items():
            for outcome in answer.outcomes:
                if outcome.example is None:
                    without += 1
                    continue
                seen += 1
                came = simulate(stack, number, X86_64.arch, outcome.example, outcome.pointer)
                assert (came.action, came.data) == (outcome.action, outcome.data), stack
    assert seen > max(100, 5 * without)
