"""A timer whose signal is blocked where it could arrive, on made-up processes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.analysis.case import Case
from sigscope.analysis.checks.timer_blocked import candidates, check
from sigscope.model.depth import ProcessDepth
from sigscope.model.finding import Finding
from sigscope.model.gap import Gap
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.process import Process
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.timer import Notify, Timer
from tests.analysis.makers import host, process, signals, thread

ALRM = signals("ALRM")
HOUR = 3600 * 10**9


def timer(number: int, tid: int | None = None) -> Timer:
    return Timer(0, Signal(number), Notify.SIGNAL, 1, tid)


def real(one: Process) -> Process:
    """With an alarm in an hour, as the engine tells it."""
    return replace(one, depth=ProcessDepth("bpf", itimers=(IntervalTimer(Which.REAL, HOUR, 0),)))


def said(*processes: Process) -> list[str]:
    """Of the first of them."""
    found = check(Case(host(*processes), processes[0]))
    return [one.evidence[0] if isinstance(one, Finding) else f"gap {one.what}" for one in found]


def test_a_timer_for_one_thread_counts_where_that_thread_blocks_it() -> None:
    threads = [thread(9), thread(10, blocked=ALRM)]
    owner = process(9, threads=threads, caught=ALRM)
    assert said(replace(owner, timers=(timer(14, 9),))) == []
    assert said(replace(owner, timers=(timer(14, 10),))) == [
        "timer 0 on CLOCK_MONOTONIC sends SIGALRM to thread 10"
    ]


def test_timers_that_arrive_or_do_nothing_are_nothing() -> None:
    assert said(process(9, signals("CANCEL"), timers=(timer(32, 9),))) == []
    assert said(process(9, ALRM, ignored=ALRM, timers=(timer(14),))) == []
    assert said(process(9, signals("HUP"), timers=(timer(14),))) == []
    assert said(process(9, ALRM)) == []


def test_without_signalfds_it_is_not_assessed() -> None:
    (one,) = check(Case(host(process(9)), process(9, ALRM, timers=(timer(14),), signalfds=None)))
    assert isinstance(one, Gap)
    assert one.unjudged == 9


def test_what_a_thread_awaits_is_taken() -> None:
    waiter = [thread(9, blocked=ALRM)._replace(awaited=ALRM)]
    assert said(process(9, threads=waiter, timers=(timer(14),))) == []


def test_an_alarm_counts_as_long_as_it_has_not_fired() -> None:
    armed = real(process(9, ALRM))
    assert said(armed) == ["ITIMER_REAL sends SIGALRM to the process"]
    assert said(replace(armed, pending=ALRM)) == []
    assert said(real(process(9))) == []


def test_a_posix_timer_that_has_fired_is_told_with_that() -> None:
    (one,) = check(Case(host(process(9)), process(9, ALRM, timers=(timer(14),), pending=ALRM)))
    assert isinstance(one, Finding)
    assert one.detail.endswith("the timer has fired, and its signal is pending")


@pytest.mark.parametrize(("blocked", "asked"), [(ALRM, {9}), (signals("CANCEL"), set())])
def test_whose_timers_are_read(blocked: SignalSet, asked: set[int]) -> None:
    assert candidates([process(9, blocked)]) == asked
