"""What strangers chose never reaches a line raw, and never spoils a JSON document."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sigscope.cli.output import _painted as painted
from sigscope.model.container import Container
from sigscope.model.gap import Gap
from sigscope.render.document import diagnosis_document, document
from sigscope.render.gaps import gap_lines
from sigscope.render.line import Line, Role, Span
from sigscope.render.pid import process_screen
from tests.analysis.makers import host, process, thread
from tests.model.strategies import hostile_text
from tests.render.scenes import every_line, incident

surrogates = st.text(st.characters(categories=["Cs", "L", "Cc"]), max_size=15)
strange = st.one_of(hostile_text, surrogates)
slow = settings(max_examples=60, deadline=None)


@slow
@given(strange, st.lists(strange, max_size=4), st.sampled_from((40, 80, 200)))
def test_any_name_and_arguments_are_shown_on_one_line_each_and_printable(
    comm: str, words: list[str], width: int
) -> None:
    """The printer escapes what the makers of lines did not: together they must leave nothing."""
    for line in every_line(incident(comm, tuple(words), server=comm), width):
        shown = painted(line, coloured=False)
        assert shown.isprintable()
        coloured = painted(line, coloured=True)
        for code in ("1", "2", "1;31", "1;33", "36", "32", "0"):
            coloured = coloured.replace(f"\x1b[{code}m", "")
        assert coloured == shown


@given(strange, st.sampled_from(Role))
def test_the_printer_escapes_what_a_maker_of_lines_forgot(text: str, role: Role) -> None:
    assert painted(Line.of(text, Span(text, role)), coloured=False).isprintable()


@slow
@given(strange, strange, strange)
def test_any_name_adds_no_line(comm: str, unit: str, container: str) -> None:
    def lines(name: str, unit: str, inside: str) -> int:
        one = process(9, comm=name, unit=unit, threads=[thread(9, comm=name)], nspid=(9, 1))
        boxed = replace(one, container=Container("docker", inside))
        return len(list(process_screen(incident(), boxed, 10_000, threads=True)))

    assert lines(comm, unit, container) == lines("plain", "a.service", "4e5f")


@given(strange, strange, strange)
def test_any_gap_is_shown_printable(what: str, why: str, hint: str) -> None:
    for line in gap_lines([Gap(what, why, hint), Gap(f"{what} of 5", why, hint)], 80):
        assert painted(line, coloured=False).isprintable()


@slow
@given(strange, st.lists(strange, max_size=4))
def test_json_always_loads_and_gives_back_what_went_in(comm: str, words: list[str]) -> None:
    answer = incident(comm, tuple(words))
    content = diagnosis_document("pid", answer, answer.processes)
    text = json.dumps(content)
    assert text.isascii()
    read = json.loads(text)
    assert read == content
    told = {one["pid"]: one for one in read["processes"]}
    assert (told[20]["comm"], told[20]["cmdline"]) == (comm, words)
    assert told[1]["blocked_by_all"] == {"hex": "0" * 16, "signals": []}
    assert told[23]["blocked_by_all"] is None
    assert told[23]["cmdline"] is None


@given(strange)
def test_any_host_name_is_a_json_string(name: str) -> None:
    envelope = document("pid", replace(host(), name=name))
    assert json.loads(json.dumps(envelope))["host"] == name
    assert envelope["time"] == "2023-11-14T22:13:20+00:00"
