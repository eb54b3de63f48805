"""Kinship on a host, where pids are reused and parents vanish."""

from __future__ import annotations

import pytest

from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Finding, Severity
from sigscope.model.lineage import Kind
from sigscope.model.naming import listed, summed_up
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from tests.analysis.makers import host, process


def test_ancestors_go_from_the_parent_up_to_the_topmost_that_was_read() -> None:
    shown = host(process(9, ppid=8), process(8, ppid=4), process(4, ppid=1))
    assert [one.pid for one in shown.ancestors(shown.processes[9])] == [8, 4]


def test_a_pid_that_was_given_away_again_is_no_parent() -> None:
    child = process(9, ppid=8, start_time=100)
    assert host(child, process(8, start_time=101)).parent(child) is None
    assert host(child, process(8, start_time=100)).parent(child) is not None


def test_a_circle_of_parents_ends() -> None:
    shown = host(process(8, ppid=9), process(9, ppid=8))
    assert [one.pid for one in shown.ancestors(shown.processes[9])] == [8]


def test_the_age_of_a_process_counts_from_its_start_and_is_never_negative() -> None:
    shown = host(process(9, start_time=250), uptime=10.0)
    assert shown.age(shown.processes[9]) == 7.5
    assert host(process(9, start_time=10**6), uptime=10.0).age(process(9, start_time=10**6)) == 0


def test_a_user_without_a_name_is_a_number() -> None:
    assert host(users={0: "root"}).user(0) == "root"
    assert host().user(1000) == "1000"


@pytest.mark.parametrize(
    ("least", "reached"), [(Severity.ERROR, False), (Severity.WARNING, True), (Severity.NOTE, True)]
)
def test_a_diagnosis_reaches_what_its_worst_finding_is(least: Severity, reached: bool) -> None:
    found = Finding("stopped", Severity.WARNING, 7, (), "stopped", "")
    assert Diagnosis(host(), (), (found,), (), ()).reaches(least) is reached
    assert not Diagnosis(host(), (), (), (), ()).reaches(least)


def test_findings_and_lineage_are_asked_for_by_pid() -> None:
    found = Finding("stopped", Severity.WARNING, 7, (), "stopped", "")
    answer = Diagnosis(host(), (), (found,), (), ())
    assert answer.findings_of(7) == (found,)
    assert answer.findings_of(8) == ()
    assert answer.lineage_of(7, 15, Kind.BLOCKED) is None


def test_few_signals_are_listed_and_many_are_counted() -> None:
    five = SignalSet.of("SIGTERM", "SIGHUP", "SIGILL", "SIGIO", "SIGUSR1")
    assert listed(five) == "SIGTERM, SIGHUP, SIGUSR1, SIGILL and SIGIO"
    assert listed(five | SignalSet.of("SIGPWR")) == "SIGTERM, SIGHUP, SIGUSR1, SIGILL and 2 more"
    assert listed([Signal(15)]) == "SIGTERM"
    assert listed([]) == "none"


def test_a_nearly_full_set_is_told_by_what_it_lacks() -> None:
    assert summed_up(~SignalSet()) == "all 64"
    assert summed_up(SignalSet()) == "none"
    assert summed_up(~SignalSet.of("SIGKILL")) == "all but SIGKILL"
    two_thirds = SignalSet((1 << 43) - 1)
    assert summed_up(two_thirds).startswith("all but SIGRTMIN+10")
    assert summed_up(two_thirds - SignalSet(1)).startswith("SIGINT SIGQUIT")


@pytest.mark.parametrize(
    ("name", "args", "timeout"),
    [
        ("poll", (0, 0, 0xFFFFFFFF), -1),
        ("poll", (0, 0, 0xDEAD_FFFFFFFF), -1),
        ("poll", (0, 0, 5000), 5000),
        ("epoll_wait", (0, 0, 0, 7), 7),
        ("epoll_pwait", (0, 0, 0, 0x80000000), -(1 << 31)),
        ("read", (0, 0, 5), None),
        ("poll", (0, 0), None),
        (None, (0, 0, 5), None),
    ],
)
def test_the_timeout_is_the_signed_argument_of_the_calls_that_have_one(
    name: str | None, args: tuple[int, ...], timeout: int | None
) -> None:
    assert SystemCall(1, name, args).timeout == timeout


def test_what_a_call_does_to_the_mask_goes_by_its_name() -> None:
    assert SystemCall(128, "rt_sigtimedwait").waits_for_signals
    assert not SystemCall(128, "rt_sigtimedwait").opens_mask
    assert SystemCall(271, "ppoll").opens_mask
    assert not SystemCall(7, "poll").opens_mask
    assert SystemCall(None).running
    assert not SystemCall(-1).running


def test_only_the_dead_are_gone_and_unknown_letters_are_unknown() -> None:
    assert {state for state in State if state.gone} == {State.ZOMBIE, State.DEAD}
    assert State.of("K") is State.UNKNOWN
    assert all(State.of(state.value) is state and state.word for state in State)
