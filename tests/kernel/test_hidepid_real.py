"""A /proc that hides the processes of others (proc(5), hidepid), mounted for this test alone."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.kernel.command import as_nobody, command, environment, no_traceback

SCRIPT = """
set -e
mount --make-rprivate /
mount -t proc -o hidepid=2 proc {place} || exit 77
{drop} {command}
"""
DROP = "setpriv --reuid 65534 --regid 65534 --clear-groups --"


def hidden(*words: object, place: str = "/proc", root: bool = False) -> Any:
    """Run the command in a mount namespace of its own, below a /proc that hides."""
    python = as_nobody()["python"]
    if not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("unshare and setpriv are of util-linux: apt-get install util-linux")
    asked = shlex.join(command(*words, python=python))
    script = SCRIPT.format(place=place, drop="" if root else DROP, command=asked)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env=environment(),
        capture_output=True,
        cwd="/",
        timeout=60,
    )
    if done.returncode == 77:
        pytest.skip(f"proc cannot be mounted here: {done.stderr.decode(errors='replace')}")
    no_traceback(done.returncode, done.stderr)
    return done


def test_what_is_hidden_is_a_gap_of_the_whole_host(target: TARGET_FIXTURE) -> None:
    stranger = target("ignores", "")
    told = json.loads(hidden("tree", "--all", "--json").stdout)
    assert stranger.pid not in [process["pid"] for process in told["processes"]]
    (gap,) = [gap for gap in told["gaps"] if gap["what"] == "processes of other users"]
    assert "hidepid" in gap["why"]
    assert "sudo" in gap["hint"] or "root" in gap["hint"]


def test_a_hidden_process_cannot_be_told(target: TARGET_FIXTURE) -> None:
    done = hidden("pid", target("ignores", "").pid)
    assert done.returncode in (3, 4)
    assert done.stdout == b""


def test_of_a_hidden_process_it_is_said_that_proc_hides(target: TARGET_FIXTURE) -> None:
    assert b"hidepid" in hidden("pid", target("ignores", "").pid).stderr


def test_root_sees_all_the_same(target: TARGET_FIXTURE) -> None:
    stranger = target("ignores", "")
    done = hidden("pid", stranger.pid, root=True)
    assert done.returncode == 0
    assert f"ignores {stranger.pid}".encode() in done.stdout


def test_root_is_not_told_of_a_gap_that_is_none(target: TARGET_FIXTURE) -> None:
    assert b"hidepid" not in hidden("pid", target("ignores", "").pid, root=True).stderr


def test_another_proc_that_hides_is_known_by_its_own_mount_point(tmp_path: Path) -> None:
    for path in (tmp_path, *tmp_path.parents):
        if os.stat(path).st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
        if path.name.startswith("pytest-of-"):
            break
    told = json.loads(hidden("tree", "--json", "--procfs", tmp_path, place=str(tmp_path)).stdout)
    assert [gap for gap in told["gaps"] if "hidepid" in gap["why"]]
