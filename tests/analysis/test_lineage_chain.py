"""Whose mask is it? The whole way: generations, launderers, init, and where it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.analysis.lineage import same_program
from sigscope.model.lineage import Confidence
from sigscope.model.signals import SignalSet
from tests.analysis.families import MOST, child, server, traced
from tests.analysis.makers import process


def test_a_program_that_opens_the_mask_of_what_it_starts_ends_the_way() -> None:
    maker = process(10, MOST, comm="make")
    line = traced(child(), maker, process(5, MOST, comm="server", start_time=1))
    assert line.chain == ()
    assert "make" in line.because
    assert not traced(child(), replace(maker, comm="ruby3.1")).inherited
    assert traced(child(), replace(maker, comm="maker")).inherited


def test_the_way_leads_over_several_generations_up_to_the_thread_where_it_began() -> None:
    shell = process(15, MOST, ppid=10, comm="bash", start_time=150, forked_by=11)
    line = traced(child(ppid=15, forked_by=15), shell, server())
    assert [(link.pid, link.tid) for link in line.chain] == [(15, 15), (10, 11)]
    assert line.confidence is Confidence.EXACT


def test_the_way_ends_where_only_some_threads_have_it() -> None:
    """It was set in there, whatever the server's own parent blocks."""
    above = process(5, MOST, comm="above", start_time=1)
    line = traced(child(forked_by=12), server(ppid=5), above)
    assert [link.pid for link in line.chain] == [10]


def test_the_way_ends_below_a_launderer_among_the_ancestors() -> None:
    top = process(5, MOST, comm="make", start_time=1)
    parent = process(10, MOST, ppid=5, comm="server", start_time=50)
    line = traced(child(), parent, top)
    assert [link.pid for link in line.chain] == [10]


def test_who_started_a_process_that_init_adopted_is_gone() -> None:
    init = process(1, ppid=0, comm="systemd", start_time=0)
    shim = process(1, ppid=0, comm="init", start_time=0)
    assert not traced(child(ppid=1), init).inherited
    line = traced(child(ppid=1), shim)
    assert line.chain == ()
    assert "adopted" in line.because


@pytest.mark.parametrize(
    ("ppid", "says"), [(0, "no parent in this pid namespace"), (10, "10 could not be read")]
)
def test_without_a_parent_nothing_is_claimed(ppid: int, says: str) -> None:
    line = traced(child(ppid=ppid))
    assert (line.chain, line.confidence, line.foreign) == ((), Confidence.UNKNOWN, False)
    assert says in line.because


def test_a_parent_whose_masks_are_missing_is_not_taken_for_an_open_one() -> None:
    line = traced(child(), process(10, None, comm="server"))
    assert line.chain == ()
    assert "could not be read" in line.because


def test_a_fork_of_the_same_program_is_not_foreign() -> None:
    parent = process(10, MOST, comm="worker", exe="/usr/bin/daemon")
    line = traced(child(comm="child", exe="/usr/bin/daemon"), parent)
    assert line.inherited
    assert not line.foreign


def test_one_foreign_ancestor_makes_it_foreign() -> None:
    parent = process(15, MOST, ppid=10, comm="hping3", exe="/usr/sbin/hping3", start_time=150)
    line = traced(child(ppid=15), parent, process(10, MOST, comm="server", exe="/bin/server"))
    assert len(line.chain) == 2
    assert line.foreign


def test_programs_are_compared_by_executable_and_only_then_by_name() -> None:
    one = process(1, comm="a", exe="/bin/x")
    assert same_program(one, process(2, comm="b", exe="/bin/x"))
    assert not same_program(one, process(2, comm="a", exe="/bin/y"))
    assert same_program(one, process(2, comm="a"))
    assert not same_program(process(1, comm="a"), process(2, comm="b", exe="/bin/x"))


def test_a_kernel_thread_passes_nothing_on() -> None:
    kernel = process(2, MOST, ppid=0, comm="kthreadd", kernel_thread=True, start_time=0)
    assert traced(child(ppid=2), kernel).chain == ()


def test_below_a_tini_without_a_parent_the_reason_is_not_that_it_was_not_read() -> None:
    tini = process(1, SignalSet(), ppid=0, comm="tini", start_time=0)
    line = traced(child(ppid=1), tini)
    assert line.chain == ()
    assert "could not be read" not in line.because
