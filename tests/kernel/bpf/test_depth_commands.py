"""Depth in the commands: on the screen, in JSON, in a snapshot, and said where it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from signal import SIGTERM, SIGUSR1

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness.targets import Target
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import as_nobody, sigscope


@pytest.fixture
def stuck(target: TARGET_FIXTURE) -> Target:
    """TERM, sent by us, waits in it."""
    found = target("all_threads_block", {SIGTERM, SIGUSR1}, 2)
    found.send(SIGTERM)
    return found


def test_the_screen_names_the_sender(stuck: Target) -> None:
    need_engine()
    said = sigscope("pid", stuck.pid).stdout.decode()
    with open("/proc/self/comm") as file:
        us = file.read().strip()
    assert f"SIGTERM  from {us} {os.getpid()} (" in said


def test_the_senders_name_is_none_once_it_has_ended(target: TARGET_FIXTURE) -> None:
    need_engine()
    stuck = target("all_threads_block", {SIGUSR1}, 1)
    code = f"import os, signal; print(os.getpid()); os.kill({stuck.pid}, signal.SIGUSR1)"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = sigscope("pid", stuck.pid).stdout.decode()
    assert f"from pid {gone.stdout.strip()}, which has ended" in said


def test_json_tells_which_engine_gave_what(stuck: Target) -> None:
    need_engine()
    document = json.loads(sigscope("pid", stuck.pid, "--json").stdout)
    assert document["engine"] == ["proc", "bpf"]
    (process,) = document["processes"]
    depth = process["depth"]
    assert depth["engine"] == "bpf"
    assert [(one["signal"], one["code"], one["pid"]) for one in depth["queue"]] == [
        ("SIGTERM", "SI_USER", os.getpid())
    ]
    assert {thread["depth"]["engine"] for thread in process["threads"]} == {"bpf"}


def test_a_snapshot_gives_the_same_answer_elsewhere(stuck: Target, tmp_path: Path) -> None:
    need_engine()
    file = tmp_path / "one.gz"
    sigscope("snapshot", "-o", file, stuck.pid)
    here, there = (
        json.loads(sigscope("pid", stuck.pid, "--json", *more).stdout)["processes"][0]
        for more in ((), ("--from", file))
    )
    assert here["depth"] is not None
    assert there["depth"] == here["depth"]
    assert [one["depth"] for one in there["threads"]] == [one["depth"] for one in here["threads"]]
    assert sigscope("pid", stuck.pid, "--from", file, "--engine", "bpf").returncode == 2


def test_without_the_capabilities_the_answer_is_given_and_says_what_it_lacks(
    stuck: Target,
) -> None:
    unprivileged = as_nobody()
    done = sigscope("pid", stuck.pid, **unprivileged)
    assert done.returncode < 2
    assert b"SIGTERM" in done.stdout
    assert b"senders of" in done.stderr
    assert b"CAP_BPF and CAP_PERFMON missing" in done.stderr
    refused = sigscope("pid", stuck.pid, "--engine", "bpf", **unprivileged)
    assert refused.returncode == 4
    assert b"CAP_BPF" in refused.stderr


def test_the_proc_engine_alone_is_asked_for(stuck: Target) -> None:
    document = json.loads(sigscope("pid", stuck.pid, "--json", "--engine", "proc").stdout)
    assert document["engine"] == ["proc"]
    assert document["processes"][0]["depth"] is None
    assert [gap["why"] for gap in document["gaps"]] == ["--engine proc was asked for"]


def test_what_only_reads_does_not_stop_anybody(stuck: Target) -> None:
    assert sigscope("tree", stuck.pid, "--engine", "ptrace").returncode == 2
    assert sigscope("pid", stuck.pid, "--engine", "magic").returncode == 2
