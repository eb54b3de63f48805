"""``timers --attach``: a process asked for its own timers, by whoever may trace it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.targets import PATIENCE, Target
from tests.kernel.command import as_nobody, sigscope

pytestmark = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="calls are run inside of a target on x86-64 only"
)
SECOND = 1_000_000_000
HOUR = 3600 * SECOND


def document(done: subprocess.CompletedProcess[bytes], *statuses: int) -> dict[str, Any]:
    assert done.returncode in (statuses or (0,)), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def asked(process: Target, *words: object, **options: Any) -> dict[str, dict[str, Any]]:
    """Its timers by name, from /proc and its own calls alone."""
    words = ("timers", "--attach", "--engine", "proc", "--json", *words, process.pid)
    told = document(sigscope(*words, **options), 0, 1)
    assert told["engine"] == ["proc", "ptrace"]
    assert told["gaps"] == []
    assert proc.status(process.pid)["TracerPid"] == "0"
    return {one["name"]: one for one in told["processes"][0]["timers"]}


def test_a_process_tells_its_own_timers(target: TARGET_FIXTURE) -> None:
    process = target("alarms", "", "prof:3", "virtual:5", "real:3600", "alrm", "timerfd", "limit")
    found = asked(process)
    assert 2 * SECOND < found["ITIMER_PROF"]["remaining"] <= 3.1 * SECOND
    assert 4 * SECOND < found["ITIMER_VIRTUAL"]["remaining"] <= 5.1 * SECOND
    assert 0 < HOUR - found["ITIMER_REAL"]["remaining"] < 10 * PATIENCE * SECOND
    posix = found["POSIX timer 0"]
    assert (posix["armed"], posix["interval"], posix["overruns"]) == (True, 0, 0)
    assert 0 < HOUR - posix["remaining"] < 10 * PATIENCE * SECOND
    assert found["ITIMER_REAL"]["arrives"]["outcome"] == "handled"
    assert {"RLIMIT_CPU (soft)", f"timerfd {process.truth['late']}"} <= found.keys()


def test_what_is_not_armed_is_not_told(target: TARGET_FIXTURE) -> None:
    assert asked(target("alarms", "")) == {}
    said = sigscope("timers", "--attach", target("alarms", "").pid)
    assert b"no timer is set" in said.stdout
    assert b"that costs it some microseconds of CPU time" in b" ".join(said.stdout.split())


def test_overruns_are_those_of_the_signal_that_was_taken(target: TARGET_FIXTURE) -> None:
    process = target("alarms", "", "cpu")
    (timer,) = asked(process).values()
    assert timer["overruns"] == process.truth["overruns"] > 0
    assert timer["clock"] == "a clock of CPU time"


def test_overruns_of_a_signal_that_waits_are_not_made_up(target: TARGET_FIXTURE) -> None:
    process = target("alarms", [signal.SIGRTMIN], "overrun")
    proc.eventually(lambda: signal.SIGRTMIN in proc.masks(process.pid).shared_pending)
    (timer,) = asked(process).values()
    assert (timer["armed"], timer["overruns"]) == (True, None)
    assert 0 < timer["remaining"] <= timer["interval"] == SECOND // 1000
    assert timer["arrives"]["outcome"] == "pending"
    assert "is not known before it is taken" in timer["remarks"][0]


def test_many_timers_are_asked_for_a_few_at_a_time(target: TARGET_FIXTURE) -> None:
    process = target("many_timers", os.getuid(), 1000, 200)
    found = asked(process)
    assert len(found) == 200
    assert all(one["armed"] is not None for one in found.values())


def test_timers_go_on_undisturbed(target: TARGET_FIXTURE) -> None:
    """Looked at again and again, they fire when they would have, and once."""
    process = target("alarms", "", "prof:3", "real:2", "cpu")
    for _ in range(5):
        before = asked(process)
    heard = process.hear()
    assert heard is not None
    assert heard["handled"] == signal.SIGALRM
    after = asked(process)
    assert "ITIMER_REAL" not in after
    assert before["ITIMER_PROF"]["remaining"] - after["ITIMER_PROF"]["remaining"] < SECOND
    assert after["POSIX timer 0"]["overruns"] == process.truth["overruns"]
    with pytest.raises(TimeoutError):
        process.hear(0.05)


def test_what_counts_cpu_time_fires_in_a_busy_process(target: TARGET_FIXTURE) -> None:
    process = target("alarms", "", "prof:1", "busy")
    for _ in range(3):
        asked(process)
    heard = process.hear(10 * PATIENCE)
    assert heard is not None
    assert heard["handled"] == signal.SIGPROF


def test_an_ordinary_user_asks_its_own_process(target: TARGET_FIXTURE) -> None:
    options = as_nobody()
    process = target("alarms", "", "prof:3", "alrm", "user")
    without = document(sigscope("timers", "--json", process.pid, **options), 4)
    assert f"interval timers of {process.pid}" in [gap["what"] for gap in without["gaps"]]
    found = asked(process, **options)
    assert 2 * SECOND < found["ITIMER_PROF"]["remaining"] <= 3.1 * SECOND
    assert found["POSIX timer 0"]["armed"] is True


def test_a_filter_that_kills_for_the_call_is_obeyed(target: TARGET_FIXTURE) -> None:
    """What it allows is asked all the same. An ordinary user may not read it, and asks nothing."""
    process = target("alarms", "", "prof:3", "alrm", "filter")
    words = ("timers", "--attach", "--json", "--engine", "proc", process.pid)
    told = document(sigscope(*words), 5 if os.geteuid() == 0 else 4)
    whys = {gap["what"]: gap["why"] for gap in told["gaps"]}
    why = whys[f"interval timers of {process.pid}"]
    assert "its seccomp filter" in why
    (timer,) = told["processes"][0]["timers"]
    if os.geteuid() == 0:
        assert "does not let getitimer pass" in why
        assert timer["armed"] is True
    proc.wait_syscall(process.pid, process.pid, "recvfrom")
    assert proc.state(process.pid) == "S"


def test_an_ordinary_user_does_not_know_what_a_filter_allows(target: TARGET_FIXTURE) -> None:
    options = as_nobody()
    process = target("alarms", "", "prof:3", "user", "filter")
    told = document(sigscope("timers", "--attach", "--json", process.pid, **options), 4)
    assert "its seccomp filter" in told["gaps"][0]["why"]
    assert proc.state(process.pid) == "S"


def test_with_an_interval_it_is_paused_twice_and_measured(target: TARGET_FIXTURE) -> None:
    process = target("alarms", "", "prof:3")
    found = asked(process, "--interval", "1s")
    assert found["ITIMER_PROF"]["measured"] is True


@pytest.mark.parametrize("words", [("--watch",), ("--force", "--engine", "proc"), ("--from", "x")])
def test_words_that_do_not_fit_are_usage(words: tuple[str, ...]) -> None:
    attach = () if "--force" in words else ("--attach",)
    done = sigscope("timers", *attach, *words, os.getpid())
    assert done.returncode == 2
    assert b"--attach" in done.stderr
