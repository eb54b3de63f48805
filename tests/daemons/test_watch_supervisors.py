"""Who stops what: supervisord, timeout, runc, the OOM killer, and ^C at a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import proc
from tests.harness.build import required
from tests.harness.containers import Container
from tests.harness.daemons import Daemon
from tests.harness.targets import PATIENCE, clean
from tests.harness.watching import Told, Watching
from tests.kernel.bpf.engine import need_engine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")
SUPERVISOR = """\
[supervisord]
logfile={home}/log
pidfile={home}/pid
nodaemon=true
[program:sleeper]
command=sleep 600
autorestart=false
"""
MEMORY = Path("/sys/fs/cgroup/memory")
EATS = "import os\nos.read(0, 1)\nkept = bytearray(64 << 20)\nos.read(0, 1)\n"


def ended(pid: int, told: list[Told]) -> bool:
    return any(one["target"]["pid"] == pid and one["outcome"] == "terminated" for one in told)


def to(pid: int, told: list[Told]) -> list[Told]:
    found = [one for one in told if one["target"]["pid"] == pid]
    return sorted(found, key=lambda one: int(one["number"]))


def test_supervisord_that_is_told_to_end_ends_its_program() -> None:
    need_engine()
    program = required("supervisord", "supervisor")
    with tempfile.TemporaryDirectory(prefix="sigscope-watch-") as home:
        conf = Path(home, "conf")
        conf.write_text(SUPERVISOR.format(home=home))
        with Daemon([program, "-n", "-c", str(conf)]) as master:
            (sleeper,) = proc.eventually(lambda: proc.children(master.pid), PATIENCE)
            proc.eventually(lambda: proc.name(sleeper) == "sleep", PATIENCE)
            with Watching("--tree", str(master.pid)) as watch:
                subprocess.run(["sh", "-c", f"kill -TERM {master.pid}; true"], check=True)
                told = watch.until(lambda told: ended(sleeper, told), "its program ends")
        (first,), (then,) = to(master.pid, told)[:1], to(sleeper, told)[:1]
        assert (first["signal"], first["outcome"]) == ("SIGTERM", "handled")
        assert (then["signal"], then["sender"]["pid"]) == ("SIGTERM", master.pid)
        assert (then["cause"], then["confidence"]) == (first["number"], "likely")


def test_timeout_acts_as_its_timer_expires() -> None:
    need_engine()
    words = ["timeout", "0.3", "sleep", "60"]
    run = subprocess.run(
        [sys.executable, "-m", "sigscope", "watch", "--summary", "--", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE * 4,
    )
    assert run.returncode == 124, run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    alarm = next(line for line in lines if "ALRM" in line)
    assert " ".join(alarm[2:5]) == "a timer timeout"
    term = next(line for line in lines if "TERM" in line and "└" in line)
    assert term[term.index("└") + 1] == "timeout"
    assert "sleep" in term
    assert term[-1] == "terminated"


def test_a_container_that_is_killed_from_outside_names_its_runtime() -> None:
    need_engine()
    with Container(["sleep", "600"]) as container:
        with Watching("--container", container.id) as watch:
            subprocess.run([*container._runc, "kill", container.id, "KILL"], check=True)
            told = watch.until(lambda told: ended(container.init, told), "its init ends")
        (one,) = [one for one in to(container.init, told) if one["signal"] == "SIGKILL"]
        assert one["sender"]["comm"].startswith("runc")
        assert one["sender"]["cmdline"][-2:] == [container.id, "KILL"]
        assert one["target"]["container"]["id"] == container.id


@contextlib.contextmanager
def small_cgroup(most: int) -> Iterator[Path]:
    """A memory cgroup of version 1; the test is skipped where there is none."""
    group = MEMORY / f"sigscope-tests-watch-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(most))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no memory cgroup may be made here: {error}")
    try:
        yield group
    finally:
        proc.eventually(lambda: not (group / "cgroup.procs").read_text(), PATIENCE)
        group.rmdir()


def test_the_oom_killer_is_the_kernel_whoever_was_running() -> None:
    need_engine()
    command = [sys.executable, "-c", EATS]
    with small_cgroup(24 << 20) as group, subprocess.Popen(command, stdin=subprocess.PIPE) as eats:
        assert eats.stdin is not None
        try:
            (group / "cgroup.procs").write_text(str(eats.pid))
            with Watching("--to", str(eats.pid)) as watch:
                eats.stdin.write(b"!")
                eats.stdin.flush()
                told = watch.until(lambda told: ended(eats.pid, told), "it is ended")
        finally:
            eats.kill()
            eats.wait()
        (one,) = [one for one in told if one["outcome"] == "terminated"]
        assert (one["signal"], one["origin"], one["sender"]) == ("SIGKILL", "kernel", None)
        assert "out of memory" in one["why"]


def test_the_c_of_a_terminal_reaches_the_process_group() -> None:
    need_engine()
    ours, theirs = pty.openpty()
    command = clean(["sh", "-c", "sleep 600 & sleep 601; true"])
    shell = subprocess.Popen(
        ["setsid", "--ctty", *map(os.fsdecode, command)], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        proc.eventually(
            lambda: [proc.name(pid) for pid in proc.descendants(shell.pid)].count("sleep") == 2,
            PATIENCE,
        )
        pids = {shell.pid, *proc.descendants(shell.pid)}
        with Watching("--tree", str(shell.pid), "--signal", "INT") as watch:
            os.write(ours, b"\x03")
            told = watch.until(
                lambda told: pids <= {one["target"]["pid"] for one in told}, "all are told"
            )
        again = [one for one in told if one["origin"] == "itself"]  # as dash does, to end of it
        told = [one for one in told if one not in again]
        assert {one["origin"] for one in told} == {"terminal"}
        assert [one for one in told if one["sender"] is not None] == []
        numbers = {one["number"] for one in told}
        assert all(one["cause"] in numbers for one in again)
        assert "terminated" in {one["outcome"] for one in (*told, *again)}
        assert "ignored" in {one["outcome"] for one in told}  # that in the background
    finally:
        for pid in proc.descendants(shell.pid):
            os.kill(pid, signal.SIGKILL)
        shell.kill()
        shell.wait()
        os.close(ours)
