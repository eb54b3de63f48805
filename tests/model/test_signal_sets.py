"""Sets of signals behave as Python's own sets of the same numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.model.signals import (
    DEFAULT_HARMLESS,
    DEFAULT_TERMINATES,
    EMPTY,
    EVERYTHING,
    FAULTS,
    LIBC_OWN,
    UNBLOCKABLE,
    Signal,
    SignalSet,
)
from tests.model.strategies import NUMBERS, masks, signal_sets, subsets


@given(subsets)
def test_a_set_holds_what_it_was_made_of(numbers: frozenset[int]) -> None:
    made = SignalSet.containing(numbers)
    assert list(made) == sorted(numbers)
    assert len(made) == len(numbers)
    assert bool(made) == bool(numbers)
    assert {number for number in NUMBERS if number in made} == numbers
    assert all(isinstance(signal, Signal) for signal in made)


@pytest.mark.parametrize("combine", [operator.and_, operator.or_, operator.sub])
@given(subsets, subsets)
def test_sets_combine_as_pythons_own(
    combine: Callable[[Any, Any], Any], one: frozenset[int], other: frozenset[int]
) -> None:
    ours = combine(SignalSet.containing(one), SignalSet.containing(other))
    assert frozenset(map(int, ours)) == combine(one, other)


@given(subsets)
def test_the_complement_has_just_the_others_of_the_64(numbers: frozenset[int]) -> None:
    assert set(~SignalSet.containing(numbers)) == set(NUMBERS) - numbers


@given(subsets, subsets)
def test_a_part_is_recognised_as_one(one: frozenset[int], other: frozenset[int]) -> None:
    assert (SignalSet.containing(one) <= SignalSet.containing(other)) == (one <= other)
    assert SignalSet.containing(one) & SignalSet.containing(other) <= SignalSet.containing(other)


@given(masks)
def test_the_hex_form_is_the_kernels_sixteen_digits(mask: int) -> None:
    text = SignalSet(mask).hex
    assert len(text) == 16
    assert int(text, 16) == mask
    assert text == text.lower()


@given(signal_sets, signal_sets)
def test_sets_are_equal_and_hash_alike_if_their_bits_are(one: SignalSet, other: SignalSet) -> None:
    assert (one == other) == (one.mask == other.mask)
    assert hash(one) == hash(SignalSet(one.mask))


@given(st.integers())
def test_a_signal_is_numbered_1_to_64(number: int) -> None:
    if number in NUMBERS:
        assert Signal(number) == number
    else:
        with pytest.raises(ValueError, match="1 to 64"):
            Signal(number)


def test_the_named_sets_hold_what_their_names_say() -> None:
    assert [signal.short for signal in UNBLOCKABLE] == ["KILL", "STOP"]
    assert list(LIBC_OWN) == [32, 33]
    assert [signal.short for signal in DEFAULT_HARMLESS] == ["CHLD", "CONT", "URG", "WINCH"]
    assert not DEFAULT_HARMLESS & DEFAULT_TERMINATES
    assert FAULTS <= DEFAULT_TERMINATES
    rest = EVERYTHING - DEFAULT_HARMLESS - DEFAULT_TERMINATES
    assert [signal.short for signal in rest] == ["STOP", "TSTP", "TTIN", "TTOU"]
    assert not EMPTY
    assert len(EVERYTHING) == 64
