"""Masks and signals as people type them: what is written out is read back."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.mask import parse_hex, parse_mask, parse_pasted
from sigscope.decode.signal_name import parse_signal
from sigscope.errors import UsageError
from sigscope.model.signals import Signal, SignalSet
from tests.decode import samples
from tests.model.strategies import NUMBERS, masks, signal_sets, signals

LABELS = ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "sigmask")
cases = st.sampled_from((str.upper, str.lower, str.title, str.swapcase))


@given(masks, st.sampled_from(("{:016x}", "{:x}", "0x{:x}", "0X{:X}", " {:x}\n", "{:024x}")))
def test_a_mask_is_read_back_from_any_way_to_write_it_in_hex(mask: int, form: str) -> None:
    text = form.format(mask)
    assert parse_hex(text).mask == mask
    assert parse_mask(text).signals.mask == mask


@given(signal_sets, st.sampled_from((",", ", ", " ", ",,")), cases)
def test_a_mask_is_read_back_from_the_names_in_it(
    made: SignalSet, between: str, case: object
) -> None:
    if not made:
        return
    assert callable(case)
    text = between.join(case(signal.name) for signal in made)
    assert parse_mask(text).signals == made
    short = between.join(signal.short for signal in made)
    if len(made) > 1:
        assert parse_mask(short).signals == made


@given(signal_sets, st.sampled_from(LABELS))
def test_a_pasted_line_keeps_its_label(made: SignalSet, label: str) -> None:
    for text in (f"{label}:\t{made.hex}", f"  {label}: {made.hex}\r\n", f"{label} : 0x{made.hex}"):
        found = parse_mask(text)
        assert (found.label, found.signals) == (label, made)


@given(signals)
def test_every_name_and_number_of_a_signal_is_read_back(signal: Signal) -> None:
    for text in (signal.name, signal.short, signal.name.lower(), str(int(signal)), f" {signal:d} "):
        assert parse_signal(text) == signal


@pytest.mark.parametrize("number", range(34, 65))
def test_real_time_signals_are_counted_from_both_ends(number: int) -> None:
    assert parse_signal(f"RTMIN+{number - 34}") == parse_signal(f"sigrtmax-{64 - number}") == number


def test_the_shells_names_are_all_understood() -> None:
    numbers = [*range(1, 32), *range(34, 65)]
    asked = ["bash", "-c", 'kill -l "$@"', "bash", *map(str, numbers)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert [parse_signal(name) for name in told] == numbers
    assert [parse_signal(f"SIG{name}") for name in told] == numbers


@pytest.mark.parametrize("text", ["0", "65", "999", "1000", "-1", "RTMIN+31", "RTMAX-31", "²", "٣"])
def test_what_is_outside_1_to_64_is_no_signal(text: str) -> None:
    with pytest.raises(UsageError, match="not a signal"):
        parse_signal(text)


def test_a_slip_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        parse_signal("SIGTREM")
    assert caught.value.hint == "did you mean SIGTERM?"


@pytest.mark.parametrize("text", ["1" + "0" * 16, "0x", "x4000", "40 00 zz", "-4000", "4_000", ""])
def test_what_is_no_mask_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_mask(text)
    with pytest.raises(UsageError, match="not a signal mask"):
        parse_hex(text)


@given(st.tuples(masks, masks, masks, masks, masks))
def test_a_whole_status_file_gives_its_five_sets(sets: tuple[int, ...]) -> None:
    text = samples.status(sets=sets).decode()
    found = parse_pasted(text)
    assert [mask.label for mask in found] == list(LABELS[:5])
    assert tuple(mask.signals.mask for mask in found) == sets


def test_one_mask_a_line_is_read_and_a_bad_line_is_refused() -> None:
    assert [mask.signals.mask for mask in parse_pasted("4000\n\nSIGHUP\n")] == [0x4000, 1]
    with pytest.raises(UsageError, match="nonsense"):
        parse_pasted("4000\nnonsense\n")


def test_numbers_are_read_back_as_hex_alone_and_as_signals_in_a_list() -> None:
    assert set(parse_mask("15").signals) == {1, 3, 5}
    assert set(parse_mask("9,15").signals) == {9, 15}
    assert {number for number in NUMBERS if number in parse_mask("f").signals} == {1, 2, 3, 4}


@pytest.mark.parametrize("name", ["a\x0bb c", "a\rTERM", "a\u2028SigBlk: 1", "a\x1cb c", "\x85x y"])
def test_a_name_with_an_odd_line_end_in_it_does_not_spoil_a_status_file(name: str) -> None:
    text = samples.status(name.encode(), sets=(1, 2, 4, 8, 16)).decode()
    assert [mask.signals.mask for mask in parse_pasted(text)] == [1, 2, 4, 8, 16]
