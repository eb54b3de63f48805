"""What a record adds to ``pid`` and ``explain``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.command import sigscope
from tests.harness.proc import eventually
from tests.harness.targets import clean

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")


def recorded(path: Path, signals: list[tuple[int, signal.Signals]], told: int) -> None:
    """A record in which these signals are sent by a shell, until so many stories were told."""
    pids = [str(pid) for pid, _ in signals]
    words = [word for pid in pids for word in ("--to", pid)]
    watch = subprocess.Popen(
        [
            *(sys.executable, "-m", "sigscope", "watch", *words, "--count", str(told)),
            *("--record", str(path), "--for", "60"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with watch:
        assert watch.stdout is not None
        watch.stdout.readline()  # it watches
        for pid, number in signals:
            subprocess.run(["sh", "-c", f"kill -{int(number)} {pid}; true"], check=True)
        watch.communicate(timeout=120)
    assert watch.returncode == 0


def test_who_sent_what_is_pending(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with subprocess.Popen(clean(["sleep", "600"], {signal.SIGTERM})) as sleeper:
        try:
            eventually(lambda: blocks(sleeper.pid, signal.SIGTERM), 60)
            recorded(record, [(sleeper.pid, signal.SIGTERM)], 1)
            pid = str(sleeper.pid)
            screen = sigscope("pid", pid, "--history", str(record)).out
            told = " ".join(screen[screen.index("waiting, as recorded") :].split())
            assert f"kill -15 {pid}" in told
            assert "its only thread blocks it" in told
            words = ("explain", "TERM", pid, "--history", str(record))
            assert "its only thread blocks it" in " ".join(sigscope(*words).out.split())
            (past,) = sigscope(*words, "--json").document["history"]
            assert past["stories"][0]["outcome"] == "queued"
        finally:
            sleeper.kill()


def blocks(pid: int, number: int) -> bool:
    """Does it block that signal, and run its program already?"""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.split("SigBlk:")[1].split()[0], 16)
    return status.startswith("Name:\tsleep") and bool(mask >> (number - 1) & 1)


def test_who_ended_a_process_that_is_gone(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        recorded(record, [(sleeper.pid, signal.SIGTERM)], 1)
        sleeper.wait(60)
    pid = str(sleeper.pid)
    run = sigscope("pid", pid, "--history", str(record))
    assert run.status == 3
    first, *rest = run.out.splitlines()
    assert first.startswith(f"sleep {pid} ended at ")
    assert first.endswith("killed by SIGTERM")
    assert "by SIGTERM from sh " in " ".join(" ".join(rest).split())
    told = json.loads(sigscope("pid", pid, "--history", str(record), "--json").out)
    (end,) = told["history"]["ends"]
    assert (end["pid"], end["status"], end["killer"]["signal"]) == (sleeper.pid, 15, "SIGTERM")


def test_a_process_that_got_the_pid_later_is_not_blamed_for_the_past(tmp_path: Path) -> None:
    """The record says that something waits for our pid since before we were there."""
    record = tmp_path / "record"
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        now = time.monotonic_ns()
        header = {
            "format": "sigscope-watch/1",
            "host": "here",
            "boot": "",
            "kernel": "",
            "engine": "bpf",
            "wall": time.time_ns() - now,
            "started": 1,
        }
        task = [sleeper.pid, sleeper.pid, "sleep", 0, 1, "init"]
        info = [15, 0, 1, 0, None, None, False]
        sent = ["S", 2, [1, 1, "init", 0, 0, None], task, info, True, 0, True, False, 1]
        record.write_text("".join(json.dumps(one) + "\n" for one in (header, sent)))
        out = sigscope("pid", str(sleeper.pid), "--history", str(record)).out
        assert "as recorded" not in out
        sleeper.kill()
