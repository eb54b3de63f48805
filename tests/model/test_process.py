"""The process view of a mask is derived from the threads that can still take a signal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from tests.analysis.makers import process, thread
from tests.model.strategies import NUMBERS, subsets

states = st.sampled_from(State)
threads = st.lists(st.tuples(states, st.one_of(st.none(), subsets)), min_size=1, max_size=5)

TERM, HUP = SignalSet.of("SIGTERM"), SignalSet.of("SIGHUP")


@given(threads)
def test_blocked_by_all_and_by_some_are_of_the_living_and_unknown_with_one_unknown(
    rows: list[tuple[State, frozenset[int] | None]],
) -> None:
    made = process(
        7,
        threads=[
            thread(7 + at, None if mask is None else SignalSet.containing(mask), state=state)
            for at, (state, mask) in enumerate(rows)
        ],
        state=rows[0][0],
    )
    living = [mask for state, mask in rows if state not in (State.ZOMBIE, State.DEAD)]
    known = [mask for mask in living if mask is not None]
    if not living or len(known) < len(living):
        assert made.blocked_by_all is None
        assert made.blocked_by_some is None
    else:
        assert made.blocked_by_all is not None
        assert made.blocked_by_some is not None
        assert set(made.blocked_by_all) == frozenset(NUMBERS).intersection(*known)
        assert set(made.blocked_by_some) == frozenset().union(*known)
    assert made.zombie == (not living)
    assert made.leader_dead == (bool(living) and rows[0][0] in (State.ZOMBIE, State.DEAD))


def test_the_mask_of_a_dead_leader_does_not_count() -> None:
    made = process(
        7,
        threads=[thread(7, SignalSet(), state=State.ZOMBIE), thread(8, TERM), thread(9, TERM)],
        state=State.ZOMBIE,
    )
    assert made.blocked_by_all == TERM
    assert made.leader_dead
    assert not made.zombie


def test_a_dead_leader_whose_mask_is_missing_leaves_the_others_known() -> None:
    made = process(7, threads=[thread(7, None, state=State.ZOMBIE), thread(8, TERM)])
    assert made.blocked_by_all == made.blocked_by_some == TERM


def test_one_open_thread_opens_the_process() -> None:
    made = process(7, threads=[thread(7, TERM | HUP), thread(8, HUP)])
    assert made.blocked_by_all == HUP
    assert made.blocked_by_some == TERM | HUP
    assert [one.tid for one in made.threads_blocking(15)] == [7]


def test_a_thread_that_awaits_a_signal_blocks_it_for_what_it_starts() -> None:
    made = process(7, threads=[thread(7, HUP, awaited=TERM)])
    assert made.threads[0].lasting_mask == TERM | HUP
    assert made.blocked_by_all == HUP
    assert [one.tid for one in made.threads_blocking(15)] == [7]


def test_a_mask_that_was_not_read_is_no_empty_mask() -> None:
    made = process(7, threads=[thread(7, None, awaited=TERM)])
    assert made.threads[0].lasting_mask is None
    assert made.threads_blocking(15) == ()


def test_dispositions_are_ignored_caught_default_or_not_known() -> None:
    made = process(7, ignored=HUP, caught=TERM)
    assert [made.disposition(number) for number in (1, 15, 17)] == ["ignored", "caught", "default"]
    assert process(7, ignored=None).disposition(15) is None
    assert process(7, caught=None).disposition(15) is None


def test_a_thread_is_found_by_its_tid() -> None:
    made = process(7, threads=[thread(7), thread(8, TERM)])
    found = made.thread(8)
    assert found is not None
    assert found.blocked == TERM
    assert made.thread(9) is None


def test_identity_survives_the_reuse_of_a_pid() -> None:
    assert process(7, start_time=1).identity != process(7, start_time=2).identity
