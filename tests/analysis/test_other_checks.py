"""The checks on what is ignored, stopped or half dead, and the registry of all checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sigscope.analysis import checks as rooms
from sigscope.analysis.checks import (
    CHECKS,
    ignored_inherited,
    leader_dead,
    sigchld_ignored,
    stopped,
)
from sigscope.model.finding import Severity
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, SignalSet
from sigscope.model.state import State
from tests.analysis.makers import findings, process, signals, thread

CHLD, HUP, TERM = (signals(name) for name in ("CHLD", "HUP", "TERM"))


def parent(ignored: SignalSet) -> Process:
    return process(8, ignored=ignored, comm="supervisor", start_time=1)


def child(ignored: SignalSet) -> Process:
    return process(9, ppid=8, ignored=ignored, comm="worker")


def test_sigchld_ignored_by_somebody_else_is_a_warning() -> None:
    (found,) = findings(sigchld_ignored, child(CHLD), parent(CHLD))
    assert found.severity is Severity.WARNING
    assert "did not choose that" in found.title
    assert [remedy.when for remedy in found.remedies] == ["for good"]


def test_sigchld_ignored_by_its_own_choice_is_nothing() -> None:
    assert findings(sigchld_ignored, child(CHLD), parent(EMPTY)) == []
    assert findings(sigchld_ignored, child(HUP), parent(HUP)) == []


def test_other_signals_ignored_by_somebody_else_are_one_note_without_sigchld() -> None:
    (found,) = findings(ignored_inherited, child(CHLD | HUP | TERM), parent(CHLD | HUP | TERM))
    assert found.severity is Severity.NOTE
    assert [int(signal) for signal in found.signals] == [1, 15]
    assert findings(ignored_inherited, child(CHLD), parent(CHLD)) == []
    assert findings(ignored_inherited, child(HUP), parent(EMPTY)) == []


def test_a_stopped_process_is_a_warning_with_the_way_out() -> None:
    waiting = process(9, state=State.STOPPED, pending=TERM)
    (found,) = findings(stopped, waiting)
    assert found.severity is Severity.WARNING
    assert [remedy.command for remedy in found.remedies] == ["kill -CONT 9"]
    assert found.evidence == ("pending until then: SIGTERM",)
    assert findings(stopped, process(9, state=State.STOPPED))[0].evidence == ()


def test_what_waits_in_a_thread_counts_too() -> None:
    held = process(9, threads=[thread(9, pending=HUP, state=State.STOPPED)], state=State.STOPPED)
    assert findings(stopped, held)[0].evidence == ("pending until then: SIGHUP",)


@pytest.mark.parametrize(
    ("tracer", "who"), [(77, "held by pid 77"), (None, "a tracer that is not visible here")]
)
def test_a_traced_process_is_a_note_that_names_the_tracer(tracer: int | None, who: str) -> None:
    (found,) = findings(stopped, process(9, state=State.TRACED, tracer=tracer))
    assert found.severity is Severity.NOTE
    assert who in found.title


def test_running_and_dead_processes_are_not_stopped() -> None:
    for state in (State.RUNNING, State.SLEEPING, State.UNINTERRUPTIBLE, State.ZOMBIE):
        assert findings(stopped, process(9, state=state)) == []


def test_a_dead_leader_with_living_threads_is_a_note() -> None:
    leader = thread(9, state=State.ZOMBIE)
    half = process(9, threads=[leader, thread(10), thread(11)], state=State.ZOMBIE)
    (found,) = findings(leader_dead, half)
    assert found.severity is Severity.NOTE
    assert "2 threads live on" in found.title
    assert found.evidence == ("living threads: 10, 11",)
    one = process(9, threads=[leader, thread(10)], state=State.ZOMBIE)
    assert "1 thread lives on" in findings(leader_dead, one)[0].title


def test_a_zombie_and_a_healthy_process_are_no_dead_leaders() -> None:
    assert findings(leader_dead, process(9, state=State.ZOMBIE)) == []
    assert findings(leader_dead, process(9)) == []


def test_every_module_with_a_check_is_in_the_registry() -> None:
    files = {path.stem for path in Path(rooms.__path__[0]).glob("*.py")} - {"__init__"}
    assert {str(check.__name__).rsplit(".", 1)[-1] for check in CHECKS} == files  # type: ignore[attr-defined]


def test_ids_are_unique_and_say_what_they_mean() -> None:
    ids = [check.ID for check in CHECKS]
    assert len(set(ids)) == len(ids)
    assert all(len(check.MEANS) > 20 and not check.MEANS.endswith(".") for check in CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.ID))
def test_a_healthy_process_has_nothing(check: object) -> None:
    healthy = process(9, ppid=8, caught=TERM | HUP, ignored=signals("PIPE"), comm="nginx")
    found = findings(check, healthy, process(8, comm="nginx", start_time=1))  # type: ignore[arg-type]
    assert found == []
