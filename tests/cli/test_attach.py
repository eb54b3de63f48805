"""``--attach``: what only a stopped thread tells, and what is said where it cannot be had."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.targets import Target
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import NOBODY, as_nobody, environment, sigscope

x86_64_only = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="sigactions are asked on x86-64 only"
)


def depth(process: Target, *words: object) -> dict[str, Any]:
    done = sigscope("pid", "--json", *words, process.pid)
    assert done.returncode in (0, 1)
    (one,) = json.loads(done.stdout)["processes"]
    return {**one, "engines": json.loads(done.stdout)["engine"]}


@pytest.mark.parametrize("words", [("--attach",), ("--engine", "ptrace")])
def test_pid_tells_who_sent_what(target: TARGET_FIXTURE, words: tuple[str, ...]) -> None:
    process = target("all_threads_block", {15}, 2)
    process.send(signal.SIGTERM)
    told = depth(process, *words)
    assert "ptrace" in told["engines"]
    assert told["depth"]["engine"] == "ptrace"
    (sent,) = told["depth"]["queue"]
    assert (sent["signal"], sent["pid"], sent["uid"]) == ("SIGTERM", os.getpid(), os.getuid())
    masks = [thread["depth"]["blocked"]["signals"] for thread in told["threads"]]
    assert masks == [["SIGTERM"]] * 2
    for tid in proc.tids(process.pid):
        assert proc.status(process.pid, tid)["TracerPid"] == "0"
    assert proc.masks(process.pid).shared_pending == {15}


def test_the_lasting_mask_of_sigsuspend(target: TARGET_FIXTURE) -> None:
    process = target("sigsuspend")
    told = depth(process, "--attach")
    shown = proc.masks(process.pid).blocked
    (thread,) = told["threads"]
    assert thread["blocked"]["signals"] == [signal.Signals(n).name for n in sorted(shown)]
    assert thread["depth"]["blocked"] != thread["blocked"]


def test_a_stop_takes_nothing_away_that_the_bpf_engine_has_told(target: TARGET_FIXTURE) -> None:
    """Handlers and timers are its, lasting masks and queues are those of the stop."""
    need_engine()
    process = target("handler_places")
    said = sigscope("pid", "--attach", process.pid)
    assert b"own_handler" in said.stdout
    told = depth(process, "--attach")
    assert told["engines"] == ["proc", "bpf", "ptrace"]
    assert told["depth"]["engine"] == "ptrace"
    assert told["depth"]["itimers"] == []
    (thread,) = told["threads"]
    assert thread["depth"]["filters"] == []


@x86_64_only
def test_handlers_asks_the_process_itself(target: TARGET_FIXTURE) -> None:
    process = target("handler_places")
    told = sigscope("handlers", "--attach", "--engine", "proc", "--json", process.pid)
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    assert "bpf" not in document["engine"]
    (one,) = document["handlers"]
    found = {action["signal"]: action for action in one["actions"]}
    assert found["SIGUSR1"]["function"] == "own_handler"
    assert int(found["SIGUSR1"]["handler"], 16) == process.truth["own"]
    assert proc.status(process.pid)["TracerPid"] == "0"


@x86_64_only
def test_an_ordinary_user_asks_its_own_process() -> None:
    options = as_nobody()
    sleeper = subprocess.Popen(
        ["/bin/sh", "-c", "trap : USR1; echo; read x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        env=environment(),
    )
    with sleeper:
        assert sleeper.stdout is not None
        try:
            assert sleeper.stdout.readline() == b"\n"
            proc.wait_syscall(sleeper.pid, sleeper.pid, "read")
            without = sigscope("handlers", sleeper.pid, **options)
            assert without.returncode == 4
            assert f"sigscope handlers --attach {sleeper.pid}".encode() in b" ".join(
                without.stderr.split()
            )
            told = sigscope("handlers", "--attach", "--json", sleeper.pid, **options)
            assert told.returncode == 0, told.stderr
            (one,) = json.loads(told.stdout)["handlers"]
            assert "SIGUSR1" in [action["signal"] for action in one["actions"]]
        finally:
            sleeper.kill()


def test_the_process_of_another_user_may_not_be_stopped(target: TARGET_FIXTURE) -> None:
    """It is told as what it is: --force would not help."""
    process = target("all_threads_block", {15}, 1)
    options = as_nobody()
    for words in (("handlers", "--attach"), ("unblock", "--dry-run", "TERM")):
        done = sigscope(*words, process.pid, **options)
        assert done.returncode == 4
        said = b" ".join(done.stderr.split()).decode()
        assert f"may not be stopped: it belongs to uid {os.getuid()}" in said
        assert "--force" not in said


def test_several_targets_of_which_one_refuses(target: TARGET_FIXTURE) -> None:
    tracer, other = target("tracer"), target("all_threads_block", {15}, 1)
    child = tracer.children["child"]
    done = sigscope("pid", "--attach", "--json", child, other.pid)
    assert done.returncode == 4
    said = b" ".join(done.stderr.split()).decode()
    assert f"process {tracer.pid} (tracer) traces it already" in said
    told = {one["pid"]: one for one in json.loads(done.stdout)["processes"]}
    assert told[other.pid]["depth"]["engine"] == "ptrace"
    assert set(told) == {child, other.pid}, "what /proc tells of it is shown all the same"


def test_what_would_do_harm_is_refused_unless_forced(target: TARGET_FIXTURE) -> None:
    process = target("blocking_call", "write_pipe_in_part", 60000)
    done = sigscope("pid", "--attach", process.pid)
    assert done.returncode == 4
    said = b" ".join(done.stderr.split()).decode()
    assert "write of 1048576 bytes may return early" in said
    assert "--force" in said
    proc.wait_syscall(process.pid, process.pid, 1)
    forced = sigscope("pid", "--attach", "--force", process.pid)
    assert forced.returncode == 0
    told = process.hear()
    assert told is not None
    assert told["ret"] < 1048576, "as it was told"


@pytest.mark.parametrize(
    "words",
    [
        ("pid", "--force", "1"),
        ("pid", "--attach", "--procfs", "/", "1"),
        ("handlers", "--attach", "--from", "file", "1"),
        ("tree", "--engine", "ptrace"),
        ("explain", "--engine", "ptrace", "TERM", "1"),
    ],
    ids=" ".join,
)
def test_words_that_do_not_fit_are_usage(words: tuple[str, ...]) -> None:
    done = sigscope(*words)
    assert done.returncode == 2
    assert b"attach" in done.stderr


def test_the_first_line_of_help_says_it() -> None:
    for name in ("pid", "handlers"):
        text = sigscope(name, "--help").stdout.decode().split("\n\n")[1]
        assert "(--attach pauses TARGET)" in " ".join(text.split())
