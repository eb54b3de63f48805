"""Where an ignored signal comes from: likely at best, for an ancestor may have changed its mind."""

from __future__ import annotations

import pytest

from sigscope.analysis.lineage import trace
from sigscope.model.lineage import Confidence, Kind, Lineage
from sigscope.model.process import Process
from tests.analysis.makers import host, process, signals

HUP, INT, QUIT, PIPE = (signals(name) for name in ("HUP", "INT", "QUIT", "PIPE"))


def traced(suspect: Process, *others: Process, signal: int = 1) -> Lineage:
    return trace(host(suspect, *others), suspect, signal, Kind.IGNORED)


def test_a_parent_that_ignores_it_too_is_likely() -> None:
    line = traced(process(9, ppid=8, ignored=HUP), process(8, ignored=HUP, comm="nohup"))
    assert line.confidence is Confidence.LIKELY
    assert line.origin is not None
    assert (line.origin.pid, line.origin.tid, line.origin.comm) == (8, None, "nohup")
    assert line.foreign


def test_the_way_goes_up_as_long_as_it_is_ignored() -> None:
    line = traced(
        process(9, ppid=8, ignored=HUP),
        process(8, ppid=7, ignored=HUP, comm="b"),
        process(7, ppid=6, ignored=HUP, comm="c"),
        process(6, comm="d"),
    )
    assert [link.pid for link in line.chain] == [8, 7]


def test_a_parent_that_does_not_ignore_it_now_is_not_blamed() -> None:
    line = traced(process(9, ppid=8, ignored=HUP), process(8, ignored=INT, comm="bash"))
    assert (line.chain, line.confidence) == ((), Confidence.UNKNOWN)
    assert "does not ignore it now" in line.because


def test_dispositions_that_were_not_read_blame_nobody() -> None:
    line = traced(process(9, ppid=8, ignored=HUP), process(8, ignored=None, comm="bash"))
    assert line.chain == ()
    assert "could not be read" in line.because


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh", "busybox"])
def test_a_shell_ignores_int_and_quit_in_what_it_starts_in_the_background(shell: str) -> None:
    job = process(9, ppid=8, ignored=INT | QUIT)
    line = traced(job, process(8, comm=shell), signal=2)
    assert line.confidence is Confidence.LIKELY
    assert line.origin is not None
    assert line.origin.pid == 8
    assert "&" in line.because


def test_int_alone_is_no_background_job_and_a_daemon_is_no_shell() -> None:
    assert not traced(process(9, ppid=8, ignored=INT), process(8, comm="bash"), signal=2).chain
    job = process(9, ppid=8, ignored=INT | QUIT)
    assert not traced(job, process(8, comm="nginx"), signal=2).chain


def test_of_a_background_job_only_int_and_quit_are_the_shells() -> None:
    job = process(9, ppid=8, ignored=INT | QUIT | PIPE)
    assert not traced(job, process(8, comm="bash"), signal=13).chain


def test_who_ignores_more_than_a_shell_would_has_set_it_all_itself() -> None:
    strace = signals("HUP", "INT", "QUIT", "PIPE", "TERM", "TTIN", "TTOU")
    job = process(9, ppid=8, ignored=strace, comm="strace")
    assert not traced(job, process(8, comm="bash"), signal=2).chain
    trapping = process(8, comm="bash", ignored=signals("TERM", "TTIN", "TTOU"))
    assert traced(job, trapping, signal=2).chain


def test_what_a_fork_of_the_same_program_ignores_is_not_foreign() -> None:
    master = process(8, ignored=PIPE, comm="nginx")
    line = traced(process(9, ppid=8, ignored=PIPE, comm="nginx"), master, signal=13)
    assert line.chain
    assert not line.foreign
