"""``sigscope timers --watch``: real timers, followed until they fire."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness.command import sigscope
from tests.harness.targets import Target
from tests.kernel.bpf.engine import need_engine

PATIENCE = 60.0
OFTEN = ("--interval", "300ms")
COLUMNS = 50


@pytest.fixture(autouse=True)
def _engine() -> None:
    need_engine()


class Watching:
    """A running ``sigscope timers --watch``."""

    def __init__(self, *words: object) -> None:
        self.run = subprocess.Popen(
            [sys.executable, "-m", "sigscope", "timers", "--watch", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.patience = threading.Timer(PATIENCE, self.run.kill)
        self.patience.start()

    def until(self, text: str) -> str:
        """What it prints, as far as the first line with this text in it."""
        assert self.run.stdout is not None
        lines = []
        for line in self.run.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError("".join(lines))

    def interrupted(self) -> tuple[int, str]:
        """Its exit status, and the rest of what it says."""
        self.run.send_signal(signal.SIGINT)
        out, _ = self.run.communicate(timeout=PATIENCE)
        return self.run.returncode, out


@contextlib.contextmanager
def watching(*words: object) -> Iterator[Watching]:
    found = Watching(*words)
    try:
        yield found
    finally:
        found.patience.cancel()
        found.run.kill()
        found.run.communicate()


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_it_follows_a_limit_that_stands_still_and_one_that_fires(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:3", "every:2")
    with watching(child.pid, *OFTEN) as watch:
        first = watch.until("ITIMER_PROF")
        assert "ITIMER_REAL: SIGALRM to the process, in " in first
        assert "; advancing; when it fires: SIGALRM runs its handler" in first
        told = watch.until("ITIMER_REAL fired: SIGALRM runs its handler")
        assert "of CPU time; not advancing; when it fires: SIGPROF runs its handler" in told
        assert "ITIMER_PROF fired" not in told
        heard = child.hear()
        assert heard is not None
        assert heard["handled"] == signal.SIGALRM
        for _ in range(2):  # what was left of that look, which may have met the handler; one more
            watch.until("ITIMER_REAL: ")
        status, _ = watch.interrupted()
    assert status == 0


def test_each_look_and_each_change_is_an_object_on_a_line(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:3600", "every:2", "busy")
    with watching(child.pid, "--json", *OFTEN) as watch:
        told = objects(watch.until('"event": "fired"'))
        told += objects(watch.until('"event": "look"'))
        child.stop()
        told += objects(watch.run.communicate(timeout=PATIENCE)[0])
        assert watch.run.returncode == 0
    events = [one["event"] for one in told]
    assert set(events) == {"look", "fired", "ended"}
    assert events[-1] == "ended"
    assert events.count("ended") == 1
    assert {one["pid"] for one in told} == {child.pid}
    fired = told[events.index("fired")]["timer"]
    assert (fired["name"], fired["signal"]) == ("ITIMER_REAL", "SIGALRM")
    assert fired["arrives"]["outcome"] == "handled"
    looks = [
        {timer["name"]: timer for timer in one["timers"]} for one in told if one["event"] == "look"
    ]
    measured = [one["ITIMER_PROF"] for one in looks if one["ITIMER_PROF"]["measured"]]
    assert any(one["advancing"] for one in measured)
    left = [one["ITIMER_PROF"]["remaining"] for one in looks]
    assert left == sorted(left, reverse=True)
    assert left[0] > left[-1]


def test_a_signal_that_is_blocked_is_said_to_stay(target: TARGET_FIXTURE) -> None:
    child = target("alarms", [signal.SIGALRM], "real:3600")
    with watching(child.pid, *OFTEN) as watch:
        watch.until("when it fires: SIGALRM does not arrive: it stays pending")
        status, _ = watch.interrupted()
    assert status == 1


def test_the_end_of_what_is_followed_is_told_and_ends_it(target: TARGET_FIXTURE) -> None:
    child, other = target("alarms", "", "real:3600"), target("alarms", "", "real:3600")
    with watching(child.pid, other.pid, *OFTEN) as watch:
        watch.until(f"alarms {other.pid}")
        child.stop()
        watch.until(f"alarms {child.pid}  has ended")
        watch.until(f"alarms {other.pid}  ITIMER_REAL")
        other.stop()
        watch.until(f"alarms {other.pid}  has ended")
        _, remarks = watch.run.communicate(timeout=PATIENCE)
    assert "all of them have ended" in remarks
    assert watch.run.returncode == 0


def test_a_time_may_be_set(target: TARGET_FIXTURE) -> None:
    said = sigscope("timers", target("alarms", "", "real:3600").pid, "--watch", "--for", "0.5")
    assert said.status == 0
    assert "ITIMER_REAL: SIGALRM to the process, in " in said.out


def test_a_reader_that_goes_away_ends_it(target: TARGET_FIXTURE) -> None:
    with watching(target("alarms", "", "real:3600").pid, *OFTEN) as watch:
        watch.until("ITIMER_REAL")
        assert watch.run.stdout is not None
        watch.run.stdout.close()
        assert watch.run.wait(PATIENCE) == 0


def drawn(child: Target, looks: int) -> tuple[int, str]:
    """On a terminal of a few columns, until ^C is typed after so many looks."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(COLUMNS=str(COLUMNS), TERM="xterm", NO_COLOR="1")
        words = [sys.executable, "-m", "sigscope", "timers", str(child.pid), "--watch", *OFTEN]
        os.execvp(sys.executable, words)
    text, typed, deadline = b"", False, time.monotonic() + PATIENCE
    while time.monotonic() < deadline and select.select([terminal], [], [], PATIENCE)[0]:
        try:
            text += os.read(terminal, 65536)
        except OSError:  # the other end was closed
            break
        if not typed and text.count(b"\x1b[J") >= looks:
            typed = bool(os.write(terminal, b"\x03"))
    os.close(terminal)
    if not typed:
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()


def test_on_a_terminal_it_draws_over_what_it_has_drawn(target: TARGET_FIXTURE) -> None:
    child = target("alarms", "", "prof:3", "real:3600")
    status, text = drawn(child, 3)
    assert status == 0
    assert "not advancing" in text
    looks = [look.replace("\r", "").split("\n") for look in re.split(r"\x1b\[J", text)[1:]]
    assert len(looks) >= 3
    for look, following in pairwise(looks):
        rows = [row for row in look if "\x1b" not in row and row != "^C"]
        (up,) = re.findall(r"\x1b\[(\d+)A", "\n".join(look))
        assert int(up) == len(rows)
        assert max(map(len, rows)) <= COLUMNS
        assert following[0].startswith(f"alarms {child.pid}")


def test_a_snapshot_cannot_be_followed(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    file = tmp_path / "one.gz"
    pid = target("alarms", "").pid
    assert sigscope("snapshot", pid, "-o", file).status == 0
    said = sigscope("timers", pid, "--watch", "--from", file)
    assert said.status == 2
    assert "--from and --watch exclude each other" in said.err


def test_a_time_without_watch_is_refused() -> None:
    said = sigscope("timers", os.getpid(), "--for", "1")
    assert said.status == 2
    assert "--for is for --watch" in said.err
