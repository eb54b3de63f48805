"""The small parts: escapes, wrapping, durations, gaps, tables."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.model.gap import Gap
from sigscope.render.duration import duration
from sigscope.render.gaps import gap_lines
from sigscope.render.line import Line, Role, Span, escape, wrapped
from sigscope.render.table import table
from tests.model.strategies import hostile_text


@given(hostile_text)
def test_an_escaped_text_is_printable_and_nothing_is_lost(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert escape(shown) == shown
    if "\\" not in text and '"' not in text:
        assert ast.literal_eval(f'"{shown}"') == text


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_an_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize("width", [1, 10, 40, 80, 200])
@given(st.lists(st.text("abc.,()é-", min_size=1, max_size=12), min_size=1), st.integers(0, 12))
def test_wrapped_prose_keeps_every_word_and_the_width(
    width: int, words: list[str], margin: int
) -> None:
    indent = " " * margin
    lines = [str(line) for line in wrapped(" ".join(words), width, indent)]
    assert " ".join(lines).split() == words
    assert all(line.startswith(indent) for line in lines)
    if width >= 40:
        assert max(map(len, lines)) <= width


@given(hostile_text, st.sampled_from((40, 80)))
def test_wrapped_prose_is_escaped_whatever_it_is(text: str, width: int) -> None:
    for line in wrapped(text, width, "  ", Role.FAINT):
        assert str(line).isprintable()
        assert {span.role for span in line.spans} <= {Role.PLAIN, Role.FAINT}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0s"),
        (9.94, "9.9s"),
        (10, "10s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (3600, "1h"),
        (3661, "1h1m"),
        (86400, "1d"),
        (90061, "1d1h"),
        (86400 + 59, "1d"),
        (4e9, "46296d7h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_a_duration_is_one_short_word(one: float, other: float) -> None:
    for seconds in (one, other):
        assert 2 <= len(duration(seconds)) < 20
        assert " " not in duration(seconds)


def test_gaps_of_one_kind_and_cause_share_a_line() -> None:
    why, hint = "permission denied", "run sigscope as root"
    gaps = [
        Gap("task/5/syscall of 4", why, hint),
        Gap("task/6/syscall of 4", why, hint),
        *(Gap(f"syscall of {pid}", why, hint) for pid in range(10, 18)),
        Gap("fd of 4", why, hint),
        Gap("processes of other users", "hidden"),
    ]
    assert [str(line) for line in gap_lines(gaps, 80)] == [
        "not seen",
        "  syscall of 4 10 11 12 13 14 and 3 more: permission denied",
        "    run sigscope as root",
        "  fd of 4: permission denied",
        "    run sigscope as root",
        "  processes of other users: hidden",
    ]


def test_another_cause_is_another_line_and_no_gap_is_no_line() -> None:
    gaps = [Gap("fd of 4", "permission denied"), Gap("fd of 5", "left out")]
    assert len(list(gap_lines(gaps, 80))) == 3
    assert list(gap_lines([], 80)) == []


def test_a_table_is_aligned_its_cells_escaped_and_numbers_left_alone() -> None:
    lines = list(table(("a", "signal"), [("1e5", "x\ny"), ("007", "\x1b[1m")]))
    assert [str(line) for line in lines] == ["a    signal", "1e5  x\\ny", "007  \\x1b[1m"]
    assert lines[0].spans[0].role is Role.FAINT


def test_a_line_reads_as_its_spans_one_after_the_other() -> None:
    line = Line.of("a ", Span("b", Role.ERROR), " c")
    assert str(line) == "a b c"
    assert [span.role for span in line.spans] == [Role.PLAIN, Role.ERROR, Role.PLAIN]
