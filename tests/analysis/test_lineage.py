"""Whose mask is it? One step: a parent, its threads, and its child."""

from __future__ import annotations

from sigscope.model.lineage import Confidence
from sigscope.model.signals import EMPTY, LIBC_OWN
from sigscope.model.state import State
from tests.analysis.families import ALRM, HUP, MOST, TERM, child, server, traced
from tests.analysis.makers import process, thread


def test_the_thread_that_the_kernel_names_is_exact() -> None:
    line = traced(child(forked_by=12), server())
    assert line.confidence is Confidence.EXACT
    assert line.origin is not None
    assert (line.origin.pid, line.origin.tid, line.origin.comm) == (10, 12, "uwsgi")
    assert (line.origin.holders, line.origin.threads) == (3, 4)
    assert line.foreign
    assert line.inherited


def test_without_the_kernels_word_a_thread_with_the_mask_is_likely() -> None:
    line = traced(child(), server())
    assert line.confidence is Confidence.LIKELY
    assert line.origin is not None
    assert line.origin.tid in (11, 12, 13)
    assert "not shown" in line.because


def test_a_child_of_an_open_thread_blocked_it_itself_or_lost_its_forker() -> None:
    line = traced(child(forked_by=10), server())
    assert (line.chain, line.confidence) == ((), Confidence.UNKNOWN)
    assert not line.foreign
    assert "thread 10" in line.because


def test_the_only_thread_of_a_parent_is_exact_even_if_the_kernel_does_not_say() -> None:
    line = traced(child(), process(10, MOST, comm="server"))
    assert line.confidence is Confidence.EXACT
    assert line.origin is not None
    assert line.origin.tid == 10


def test_a_parent_that_is_open_passed_nothing_on() -> None:
    line = traced(child(), process(10, TERM, comm="server"))
    assert line.chain == ()
    assert "no thread of server 10 blocks SIGALRM now" in line.because


def test_a_child_that_made_its_mask_anew_has_it_from_nobody() -> None:
    """The parent blocks ALRM and TERM, the child ALRM alone: it was not started with that."""
    line = traced(child(threads=[thread(20, ALRM)]), process(10, ALRM | TERM, comm="server"))
    assert line.chain == ()
    assert "not the one it was started with" in line.because


def test_a_child_may_have_blocked_more_since() -> None:
    line = traced(child(threads=[thread(20, ALRM | HUP)]), process(10, ALRM, comm="server"))
    assert line.origin is not None
    more = traced(child(threads=[thread(20, ALRM | HUP)]), process(10, ALRM), signal=1)
    assert more.chain == ()


def test_glibcs_own_two_do_not_spoil_the_comparison() -> None:
    line = traced(child(threads=[thread(20, ALRM)]), process(10, ALRM | LIBC_OWN))
    assert line.inherited


def test_one_thread_of_the_child_with_the_whole_mask_is_enough() -> None:
    own = [thread(20, ALRM | TERM), thread(21, ALRM)]
    assert traced(child(threads=own), process(10, ALRM | TERM)).inherited
    assert not traced(child(threads=[own[1]]), process(10, ALRM | TERM)).inherited


def test_a_dead_thread_holds_and_forks_nothing() -> None:
    parent = process(
        10, threads=[thread(10, EMPTY), thread(11, MOST, state=State.ZOMBIE)], comm="server"
    )
    assert not traced(child(), parent).inherited


def test_a_sigwait_in_the_forker_does_not_hide_its_mask() -> None:
    """The awaited set shows as not blocked for as long as the call lasts."""
    parent = process(10, threads=[thread(10, ALRM, awaited=TERM)], comm="server")
    line = traced(child(threads=[thread(20, ALRM | TERM)], forked_by=10), parent, signal=15)
    assert line.confidence is Confidence.EXACT
    assert line.origin is not None
