"""The facade: who is suspect, what is judged, in which order, and what a second look confirms."""

from __future__ import annotations

from dataclasses import replace

from sigscope.analysis.blame import start_clean
from sigscope.analysis.diagnose import diagnose, lasting, suspects
from sigscope.model.finding import Severity
from sigscope.model.gap import Gap
from sigscope.model.lineage import Kind
from sigscope.model.signals import EMPTY, LIBC_OWN
from sigscope.model.state import State
from tests.analysis.makers import case, host, process, signals, thread

ALRM, TERM, CHLD = signals("ALRM"), signals("TERM"), signals("CHLD")
USR1 = signals("USR1")
STUCK = process(9, ALRM, ppid=8, pending=ALRM, caught=ALRM, comm="ping")


def test_suspects_are_those_with_something_blocked_everywhere_or_waiting_or_stopped() -> None:
    one_open = [thread(30, ALRM), thread(31, EMPTY)]
    held = [thread(40, ALRM, pending=ALRM), thread(41, EMPTY)]
    everyone = host(
        process(10),
        process(20, ALRM),
        process(30, threads=one_open),
        process(40, threads=held),
        process(50, state=State.STOPPED),
        process(60, LIBC_OWN),
        process(70, None),
        process(80, ALRM, kernel_thread=True),
        process(90, ALRM, state=State.ZOMBIE),
    )
    assert suspects(everyone) == {20, 40, 50}


def test_findings_come_worst_first_and_then_by_pid() -> None:
    note = process(7, ALRM, caught=ALRM)
    warning = process(8, state=State.STOPPED)
    errors = [replace(STUCK, pid=pid, threads=(thread(pid, ALRM),)) for pid in (20, 9)]
    answer = diagnose(host(note, warning, *errors))
    assert [(finding.severity.value, finding.pid) for finding in answer.findings] == [
        ("error", 9),
        ("error", 20),
        ("warning", 8),
        ("note", 7),
    ]


def test_only_those_asked_for_are_judged_and_in_that_order() -> None:
    everyone = host(STUCK, process(8, ALRM, comm="server", start_time=1), process(7))
    answer = diagnose(everyone, [9, 7, 5])
    assert [one.pid for one in answer.processes] == [9, 7]
    assert {finding.pid for finding in answer.findings} == {9}
    assert {line.pid for line in answer.lineage} == {9}


def test_zombies_and_kernel_threads_are_not_judged() -> None:
    dead = process(9, ALRM, pending=ALRM, state=State.ZOMBIE)
    kernel = process(2, ALRM, pending=ALRM, kernel_thread=True)
    answer = diagnose(host(dead, kernel))
    assert answer.findings == ()
    assert answer.lineage == ()


def test_who_ignores_what_its_parent_does_is_looked_at_for_its_program() -> None:
    parent = process(9, ignored=CHLD | TERM | LIBC_OWN, comm="cache")
    assert suspects(host(parent, process(10, ppid=9, ignored=TERM, comm="cache-main"))) == {9, 10}
    assert suspects(host(parent, process(10, ppid=9, ignored=TERM, comm="cache"))) == {9}
    assert suspects(host(parent, process(10, ppid=9, ignored=LIBC_OWN))) == {9}


def test_gaps_of_host_process_and_check_are_all_told_and_each_once() -> None:
    gap = Gap("fd of 9", "permission denied")
    blind = replace(STUCK, signalfds=None, gaps=(gap, gap))
    whole = replace(host(blind), gaps=(Gap("processes of other users", "hidepid"),))
    told = [gap.what for gap in diagnose(whole).gaps]
    assert told == ["processes of other users", "fd of 9", "blocked-pending of 9"]


def test_every_bit_that_matters_has_a_lineage() -> None:
    mixed = process(9, ALRM | TERM | LIBC_OWN, ignored=CHLD | LIBC_OWN)
    answer = diagnose(host(mixed))
    assert [(line.signal, line.kind) for line in answer.lineage] == [
        (14, Kind.BLOCKED),
        (15, Kind.BLOCKED),
        (17, Kind.IGNORED),
    ]
    assert answer.lineage_of(9, 14, Kind.BLOCKED) is answer.lineage[0]


def test_an_error_that_a_second_look_does_not_confirm_was_none() -> None:
    first = diagnose(host(STUCK))
    assert first.reaches(Severity.ERROR)
    assert lasting(first, diagnose(host(STUCK))).findings == first.findings
    opened = replace(STUCK, pending=EMPTY)
    assert not lasting(first, diagnose(host(opened))).reaches(Severity.ERROR)
    assert not lasting(first, diagnose(host())).findings


def test_another_process_with_the_same_pid_confirms_nothing() -> None:
    first = diagnose(host(STUCK))
    other = replace(STUCK, start_time=STUCK.start_time + 1)
    assert not lasting(first, diagnose(host(other))).findings


def test_another_signal_or_thread_confirms_nothing() -> None:
    first = diagnose(host(STUCK))
    other = replace(STUCK, pending=TERM, threads=(thread(9, TERM),), caught=TERM)
    assert not [
        finding
        for finding in lasting(first, diagnose(host(other))).findings
        if finding.severity is Severity.ERROR
    ]


def test_a_warning_needs_a_second_look_and_a_note_does_not() -> None:
    stopped = diagnose(host(process(9, state=State.STOPPED)))
    assert lasting(stopped, stopped).findings == stopped.findings != ()
    assert lasting(stopped, diagnose(host(process(9)))).findings == ()
    noted = diagnose(host(process(9, USR1, caught=USR1)))
    assert lasting(noted, diagnose(host(process(9)))).findings == noted.findings != ()


def test_the_command_for_good_is_quoted_for_a_shell() -> None:
    hostile = process(9, comm="a b", cmdline=("/opt/my app;rm -rf $HOME", "x"))
    assert start_clean(case(hostile)).command == ("sigscope run -- '/opt/my app;rm -rf $HOME' ...")
    assert start_clean(case(process(9, comm="a b"))).command == "sigscope run -- 'a b'"
