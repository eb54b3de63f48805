"""``sigscope timers``: what will signal real programs, and whether it advances and arrives."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import Said, sigscope
from tests.harness.targets import PATIENCE, Target
from tests.kernel.bpf.engine import need_engine

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
LONG = 120.0
"""Seconds of patience, for what needs CPU time on a machine that is busy."""


@pytest.fixture
def engine() -> None:
    need_engine()


def timers(said: Said) -> dict[str, dict[str, Any]]:
    """Those of the only process, by their names."""
    (process,) = said.document["processes"]
    return {one["name"]: one for one in process["timers"]}


def looked(child: Target, *options: str) -> dict[str, dict[str, Any]]:
    said = sigscope("timers", child.pid, "--json", *options)
    assert said.status in (0, 1), said.err
    return timers(said)


def asleep_for_long(child: Target) -> dict[str, dict[str, Any]]:
    """What is said once it has slept for so long that one look is enough."""

    def look() -> dict[str, dict[str, Any]]:
        found = looked(child)
        return found if found["ITIMER_PROF"]["advancing"] is not None else {}

    return proc.eventually(look, PATIENCE)


@pytest.mark.usefixtures("engine")
def test_what_counts_cpu_time_stands_still_while_a_program_waits(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:3", "virtual:5", "real:3600", "limit")
    found = asleep_for_long(child)
    again = looked(child)
    for name in ("ITIMER_PROF", "ITIMER_VIRTUAL", "RLIMIT_CPU (soft)", "RLIMIT_CPU (hard)"):
        assert found[name]["advancing"] is False
        assert "its only thread is asleep: in recvfrom for " in found[name]["because"]
        assert found[name]["measured"] is False
    assert again["ITIMER_PROF"]["remaining"] == found["ITIMER_PROF"]["remaining"]
    assert 2.9 * SECOND < found["ITIMER_PROF"]["remaining"] < 3.1 * SECOND
    assert found["ITIMER_REAL"]["advancing"] is True
    assert again["ITIMER_REAL"]["remaining"] < found["ITIMER_REAL"]["remaining"] <= HOUR
    soft, hard = found["RLIMIT_CPU (soft)"], found["RLIMIT_CPU (hard)"]
    assert (soft["signal"], hard["signal"]) == ("SIGXCPU", "SIGKILL")
    assert 990 * SECOND < soft["remaining"] <= 1000 * SECOND
    assert hard["remaining"] - soft["remaining"] == 1000 * SECOND


@pytest.mark.usefixtures("engine")
def test_two_looks_measure_that_it_stands_still(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:3", "virtual:5")
    found = looked(child, "--interval", "500ms")
    for one in (found["ITIMER_PROF"], found["ITIMER_VIRTUAL"]):
        assert (one["advancing"], one["measured"]) == (False, True)
        assert "the process used no CPU time in " in one["because"]


@pytest.mark.usefixtures("engine")
def test_two_looks_measure_that_it_advances(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:3600", "virtual:3600", "busy")
    found = looked(child, "--interval", "2s")
    for one in (found["ITIMER_PROF"], found["ITIMER_VIRTUAL"]):
        assert (one["advancing"], one["measured"]) == (True, True)
        assert "at this rate it fires in " in one["because"]


@pytest.mark.usefixtures("engine")
def test_it_says_that_the_signal_arrives_and_so_it_does(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:2", "busy")
    (said,) = looked(child).values()
    assert said["advancing"] is True
    assert said["because"] == f"it counts CPU time, and thread {child.pid} is running"
    assert said["arrives"]["outcome"] == "handled"
    heard = child.hear(LONG)
    assert heard is not None
    assert heard["handled"] == signal.SIGPROF


@pytest.mark.usefixtures("engine")
def test_a_timer_whose_signal_is_blocked_does_not_arrive(target: TARGET_FIXTURE) -> None:
    child = target("alarms", [signal.SIGALRM], "alrm")
    said = sigscope("timers", child.pid, "--json")
    assert said.status == 1
    (timer,) = timers(said).values()
    assert timer["arrives"]["outcome"] == "pending"
    assert timer["arrives"]["acts"] is False
    assert timer["clock"] == "CLOCK_MONOTONIC"
    assert 0 < HOUR - timer["remaining"] < LONG * SECOND
    screen = sigscope("timers", child.pid)
    assert "arrives     no: does not arrive: it stays pending" in screen.out


@pytest.mark.usefixtures("engine")
def test_the_helper_thread_of_glibc_is_known(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "helper")
    (helper,) = proc.eventually(lambda: set(proc.tids(child.pid)) - {child.pid}, PATIENCE)
    proc.wait_syscall(child.pid, helper, "rt_sigtimedwait", PATIENCE)
    (timer,) = looked(child).values()
    assert timer["tid"] == helper
    assert timer["arrives"]["outcome"] == "consumed"
    assert timer["remarks"] == [
        f"SIGEV_THREAD: thread {helper} is glibc's helper, takes signal 32, and runs the function"
        " in a new thread"
    ]


@pytest.mark.usefixtures("engine")
def test_overruns_are_told(target: TARGET_FIXTURE) -> None:
    child = target("alarms", [signal.SIGRTMIN], "overrun")
    (timer,) = proc.eventually(
        lambda: [one for one in looked(child).values() if one["overruns"]], PATIENCE
    )
    assert timer["signal"] == "SIGRTMIN"
    assert timer["interval"] == SECOND // 1000
    assert timer["remarks"][0].startswith("it overran: ")


def test_timerfds_need_no_engine(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "timerfd")
    said = sigscope("timers", child.pid, "--json", "--engine", "proc")
    assert said.status == (5 if os.geteuid() == 0 else 4)
    assert [gap["what"] for gap in said.document["gaps"]] == [f"interval timers of {child.pid}"]
    late, ready = (
        timers(said)[f"timerfd {child.truth['late']}"],
        timers(said)[f"timerfd {child.truth['ready']}"],
    )
    assert (late["clock"], late["signal"], late["arrives"]) == ("CLOCK_BOOTTIME", None, None)
    assert 0 < HOUR - late["remaining"] < LONG * SECOND
    assert ready["interval"] == SECOND // 1000
    assert ready["overruns"] > 0
    assert "expirations that nobody has read yet" in ready["remarks"][0]


def test_what_remains_of_a_posix_timer_is_not_made_up(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "alrm")
    said = sigscope("timers", child.pid, "--json", "--engine", "proc")
    (timer,) = timers(said).values()
    assert (timer["armed"], timer["remaining"], timer["overruns"]) == (None, None, None)
    assert f"remaining time of {child.pid}" in [gap["what"] for gap in said.document["gaps"]]


@pytest.mark.usefixtures("engine")
def test_a_snapshot_tells_the_same(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    child = target("alarms", "", "prof:3", "limit", "timerfd", "helper")
    file = tmp_path / "one.gz"
    assert sigscope("snapshot", child.pid, "-o", file).status == 0
    live, recorded = looked(child), timers(sigscope("timers", child.pid, "--json", "--from", file))
    assert live.keys() == recorded.keys()
    assert recorded["ITIMER_PROF"]["remaining"] == live["ITIMER_PROF"]["remaining"]
    assert recorded["POSIX timer 0"]["remarks"] == live["POSIX timer 0"]["remarks"]
    refused = sigscope("timers", child.pid, "--from", file, "--interval", "1s")
    assert refused.status == 2
    assert "a snapshot is one look" in refused.err


@pytest.mark.usefixtures("engine")
def test_a_process_without_timers_has_none(target: TARGET_FIXTURE) -> None:
    said = sigscope("timers", target("alarms", "").pid)
    assert said.status == 0
    assert "no timer is set, and its CPU time is not limited" in said.out


@pytest.mark.usefixtures("engine")
def test_a_limit_that_stands_still_is_told_by_pid_and_one_that_runs_is_not(
    target: TARGET_FIXTURE,
) -> None:
    limit, busy = target("alarms", "", "prof:1"), target("alarms", "", "prof:3600", "busy")

    def said() -> list[str]:
        found = sigscope("pid", limit.pid, busy.pid, "--json").document["findings"]
        return [f"{one['id']} {one['pid']}" for one in found]

    assert proc.eventually(said, PATIENCE) == [f"timer-not-advancing {limit.pid}"]


@pytest.mark.parametrize("interval", ["0", "2h", "x", "", "-1s", "1e3s"])
def test_what_is_no_time_is_said_to_be_none(interval: str) -> None:
    said = sigscope("timers", os.getpid(), f"--interval={interval}")
    assert said.status == 2
    assert "is no time" in said.err
    assert "--interval 2s" in said.err


def test_who_is_not_there_is_said_to_be_missing() -> None:
    assert sigscope("timers", 1 << 22).status == 3
