"""With which capabilities the engine works, and what is said where one is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import command, environment

BOTH = "+bpf,+perfmon"


@pytest.fixture(autouse=True)
def setpriv() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can choose capabilities, with setpriv of util-linux")


def run(*asked: str, words: tuple[object, ...]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["setpriv", *asked, *command(*words)],
        env=environment(),
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("missing", ["bpf", "perfmon"])
def test_a_capability_that_is_missing_is_named(missing: str, target: TARGET_FIXTURE) -> None:
    stuck = target("blocked_pending")
    without = f"--bounding-set=-sys_admin,-{missing}"
    done = run(without, words=("pid", stuck.pid))
    assert done.returncode == 1, done.stderr
    assert f"CAP_{missing.upper()} missing".encode() in done.stderr
    refused = run(without, words=("pid", stuck.pid, "--engine", "bpf"))
    assert refused.returncode == 4
    assert f"CAP_{missing.upper()}".encode() in refused.stderr


def test_the_two_capabilities_are_enough_for_anybody(target: TARGET_FIXTURE) -> None:
    need_engine()
    python = Path("/usr/bin/python3")
    stuck = target("blocked_pending")
    asked = ("--reuid=65534", "--clear-groups", f"--inh-caps={BOTH}", f"--ambient-caps={BOTH}")
    for interpreter in (sys.executable, str(python)):
        words = command("pid", stuck.pid, "--json", "--engine", "bpf", python=interpreter)
        done = subprocess.run(
            ["setpriv", *asked, *words],
            env=environment(XDG_CACHE_HOME="/nonexistent"),
            capture_output=True,
            timeout=120,
            check=False,
            cwd="/",
        )
        if done.returncode < 2 and done.stdout:
            break
    else:
        pytest.skip("user 65534 may not run this Python, or read this checkout")
    document = json.loads(done.stdout)
    assert document["engine"] == ["proc", "bpf"]
    (process,) = document["processes"]
    assert process["depth"]["queue"]


def test_every_command_works_without_any(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    stuck = target("blocked_pending")
    none = "--bounding-set=-all"
    file = str(tmp_path / "one.gz")
    for words in (
        ("pid", stuck.pid),
        ("tree", stuck.pid),
        ("explain", "TERM", stuck.pid),
        ("audit", stuck.pid),
        ("snapshot", stuck.pid, "-o", file),
        ("pid", stuck.pid, "--from", file),
    ):
        done = run(none, words=words)
        assert done.returncode < 2, (words, done.stderr)
        assert b"Traceback" not in done.stderr
