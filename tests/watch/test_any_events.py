"""Whatever happens in whatever order: each signal has one first fate, and nothing falls over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sigscope.analysis.watch.stories import Stories
from sigscope.analysis.watch.summing import Summary
from sigscope.decode.watch_record import decode_entry, entry_line
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.story import Look, LookedThread, Story
from sigscope.model.watch import (
    Consumer,
    Delivered,
    Event,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Taken,
    Task,
)
from sigscope.render.watch import Columns
from sigscope.render.watch_document import story_json
from sigscope.render.watch_trace import Trace

FEW = st.integers(1, 6)
TIMES = st.integers(0, 10**10)
TASKS = st.builds(
    Task,
    FEW,
    st.none() | FEW,
    st.none() | st.text(max_size=15),
    st.none() | st.integers(0, 2**32 - 1),
    st.none() | FEW,
    st.none() | st.text(max_size=15),
)
SIGNALS = st.sampled_from([1, 2, 9, 10, 15, 17, 18, 19, 11, 34]).map(Signal)
CODES = st.sampled_from([0, 128, -1, -2, -6, 1, 2, 5, 6, -60])
MANY = st.sampled_from([1, 1, 1, 7, 1000])
MAYBE = st.none() | st.booleans()
SENT = st.builds(
    Sent,
    TIMES,
    TASKS,
    TASKS,
    st.builds(SigInfo, SIGNALS, CODES, *[st.none() | FEW] * 4),
    st.booleans(),
    st.sampled_from(Result),
    MAYBE,
    MAYBE,
    MANY,
)
EVENTS = st.one_of(
    SENT,
    SENT,
    st.builds(
        Delivered, TIMES, TASKS, SIGNALS, CODES, st.sampled_from([0, 1, 4096]), st.just(0), MANY
    ),
    st.builds(Taken, TIMES, TASKS, SIGNALS, st.none() | st.sampled_from(Consumer), MANY),
    st.builds(Forked, TIMES, TASKS, TASKS),
    st.builds(
        Executed,
        TIMES,
        TASKS,
        st.none() | st.text(max_size=20),
        st.none() | st.lists(st.text(max_size=8), max_size=3).map(tuple),
    ),
    st.builds(Exited, TIMES, TASKS, st.none() | st.sampled_from([0, 9, 15, 139, 256]), MAYBE),
    st.builds(Missed, TIMES, st.none() | FEW),
)
SETS = st.none() | st.integers(0, 2**64 - 1).map(SignalSet)
LOOKS = st.builds(
    Look,
    TIMES,
    FEW,
    st.lists(st.builds(LookedThread, FEW, st.sampled_from("STtDR"), SETS, SETS), max_size=3).map(
        tuple
    ),
    SETS,
    SETS,
    SETS,
    st.none() | FEW,
    st.booleans(),
)


def told_of(happenings: list[Event | Look]) -> tuple[Stories, list[Story]]:
    engine = Stories()
    told: list[Story] = []
    for one in happenings:
        told += engine.tick(one.time)
        if isinstance(one, Look):
            for pid in engine.unsettled():
                told += engine.settle(one._replace(pid=pid))
        else:
            engine.meet(one)
            told += engine.take(one)
    told += engine.finish(10**11)
    return engine, told


@given(st.lists(EVENTS | LOOKS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_every_signal_has_one_first_fate(happenings: list[Event | Look]) -> None:
    engine, told = told_of(happenings)
    sent = sum(one.times for one in happenings if isinstance(one, Sent))
    first = [story for story in told if not story.again]
    assert sum(story.times for story in first) == sent == sum(engine.counts.values())
    assert {story.number for story in first} == set(range(1, len({s.number for s in told}) + 1))
    for story in told:
        assert story.root <= story.number
        assert (story.cause is None) == (story.step == 0) == (story.root == story.number)


@given(st.lists(EVENTS | LOOKS, max_size=20))
@settings(max_examples=50, deadline=None)
def test_every_story_can_be_shown(happenings: list[Event | Look]) -> None:
    _, told = told_of(happenings)
    summary, trace = Summary(), Trace(0)
    for story in told:
        summary.add(story)
        assert story_json(story, 0, 0)["outcome"] == story.fate.value
        assert all(event["ph"] for event in trace.events(story))
    for line in Columns(80, 0).lines(told):
        assert str(line).isprintable()
        assert len(str(line)) <= 100


@given(EVENTS | LOOKS)
@settings(max_examples=150, deadline=None)
def test_what_is_recorded_is_read_again(event: Event | Look) -> None:
    assert decode_entry(entry_line(event)) == event
