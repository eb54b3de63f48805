"""The two ways to simulate agree: with arguments unknown, and step by step with known ones."""

from __future__ import annotations

import pytest

from sigscope.analysis.seccomp import simulate, survey
from sigscope.model.abi import X86_64
from sigscope.model.seccomp import (
    INSTRUCTION_POINTER,
    Answer,
    Filter,
    FilterAction,
    Instruction,
)
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


LOAD, EQUAL, BITS, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, DENY = 0x7FFF0000, 0x50001


def asked(*program: Instruction, number: int = 219) -> Answer:
    return simulate((Filter(program),), number, X86_64.arch)


def returning(value: int) -> Instruction:
    return Instruction(RETURN, 0, 0, value)


def argument(place: int) -> Instruction:
    return Instruction(LOAD, 0, 0, 16 + 8 * place)


def test_a_jump_that_leads_to_one_place_depends_on_nothing() -> None:
    tests = [Instruction(EQUAL, 0, 0, one) for one in range(4000)]
    assert asked(argument(0), *tests, returning(ALLOW)) == Answer(FilterAction.ALLOW)


def test_a_long_list_of_values_is_followed() -> None:
    tests = [
        part
        for value in range(0, 1000, 5)
        for part in (Instruction(EQUAL, 0, 1, value), returning(ALLOW))
    ]
    answer = asked(argument(0), *tests, returning(DENY))
    assert (answer.whole, answer.depends, answer.surely_passes) == (True, frozenset((0,)), False)
    allowed, denied = sorted(answer.outcomes, key=lambda outcome: outcome.action.name)
    assert (allowed.ways, denied.ways) == (200, 1)
    assert denied.example == (1, 0, 0, 0, 0, 0)
    assert denied.when[-1] == "184 more comparisons come out so"


@pytest.mark.parametrize("sign", [EQUAL, BITS, 0x25])
def test_more_ways_than_can_be_followed_are_not_claimed_to_be_all(sign: int) -> None:
    """Two ways at each of a thousand tests, which meet again: and what was found stays right."""
    program = [
        part
        for one in range(1, 1000)
        for part in (
            argument(one % 6),
            Instruction(sign, 0, 1, one),
            Instruction(0x02, 0, 0, one % 16),
        )
    ]
    answer = asked(*program, returning(ALLOW))
    assert not answer.whole
    assert not answer.surely_passes
    assert {outcome.action for outcome in answer.outcomes} <= {FilterAction.ALLOW}


def test_terms_that_double_are_given_up_and_the_answer_still_holds() -> None:
    doubling = [Instruction(0x07, 0, 0, 0), Instruction(0x0C, 0, 0, 0)] * 100
    answer = asked(
        argument(0), *doubling, Instruction(EQUAL, 0, 1, 5), returning(ALLOW), returning(DENY)
    )
    assert answer.depends == {0}
    assert {outcome.example for outcome in answer.outcomes} == {None}
    assert possible(answer) == {(FilterAction.ALLOW, 0), (FilterAction.ERRNO, 1)}


def test_what_contradicts_itself_is_no_outcome() -> None:
    program = (
        argument(0),
        Instruction(EQUAL, 0, 5, 7),
        Instruction(0x54, 0, 0, 0xF0),
        Instruction(EQUAL, 0, 1, 0x10),
        returning(0x80000000),
        argument(1),
        Instruction(0x35, 0, 0, 3),
        returning(ALLOW),
    )
    assert asked(*program) == Answer(FilterAction.ALLOW)


def test_the_upper_half_of_an_argument_is_its_own() -> None:
    upper = Instruction(LOAD, 0, 0, 20)
    answer = asked(upper, Instruction(EQUAL, 0, 1, 1), returning(DENY), returning(ALLOW))
    denied = next(one for one in answer.outcomes if one.action is FilterAction.ERRNO)
    assert (denied.example, denied.when) == ((1 << 32, 0, 0, 0, 0, 0), ("(args[0] >> 32) == 1",))


def test_the_place_of_the_call_is_told_as_what_it_depends_on() -> None:
    answer = asked(
        Instruction(LOAD, 0, 0, 8),
        Instruction(EQUAL, 0, 1, 0x1000),
        returning(DENY),
        returning(ALLOW),
    )
    assert answer.depends == {INSTRUCTION_POINTER}
    denied = next(one for one in answer.outcomes if one.action is FilterAction.ERRNO)
    assert denied.pointer == 0x1000


def test_what_an_argument_says_is_returned_is_not_known() -> None:
    answer = asked(argument(2), Instruction(0x16, 0, 0, 0))
    assert (answer.action, answer.whole, answer.depends) == (None, False, frozenset((2,)))


def test_of_equal_actions_the_newer_filter_speaks() -> None:
    newer, older = Filter((returning(0x50003),)), Filter((returning(0x50004),))
    assert simulate((newer, older), 1, X86_64.arch) == Answer(FilterAction.ERRNO, 3)
    log = Filter((returning(0x7FFC0000),))
    assert simulate((older, log, newer), 1, X86_64.arch).data == 4
