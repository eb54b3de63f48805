"""Who ends php-fpm's workers? The script that signalled its master, or the master by itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon
from tests.harness.fastcgi import connected, question
from tests.harness.targets import PATIENCE
from tests.harness.watching import Told, Watching
from tests.kernel.bpf.engine import need_engine

WORKERS = 3
CONF = """\
[global]
error_log = {home}/log
pid = {home}/pid
daemonize = no
{setting}
[www]
listen = {home}/socket
user = {user}
pm = static
pm.max_children = {workers}
{more}
"""
SPINS = "<?php while (true);"
ENDED = ("terminated", "late", "ended", "handled")


@contextlib.contextmanager
def fpm(setting: str = "", more: str = "", workers: int = WORKERS) -> Iterator[tuple[Daemon, Path]]:
    """A master whose workers are there."""
    program = required("php-fpm8.2", "php8.2-fpm")
    need_engine()
    with tempfile.TemporaryDirectory(prefix="sigscope-watch-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        (home / "fpm.conf").write_text(
            CONF.format(home=home, setting=setting, user="nobody", workers=workers, more=more)
        )
        with Daemon([program, "-F", "-n", "-y", f"{home}/fpm.conf"]) as master:
            proc.eventually(lambda: len(proc.children(master.pid)) == workers, PATIENCE)
            proc.eventually((home / "socket").exists, PATIENCE)
            yield master, home


def as_cron_does(home: Path, name: str) -> None:
    """A script that a shell runs, in a session of its own; both are gone afterwards."""
    script = home / "killproc"
    script.write_text(f'#!/bin/sh\nkill -{name} "$(cat {home}/pid)"\n')
    script.chmod(0o755)
    subprocess.run(["/bin/sh", "-c", f"{script}; true"], check=True, start_new_session=True)


def to_workers(told: list[Told], pids: set[int]) -> list[Told]:
    return [one for one in told if one["target"]["pid"] in pids]


def of_kind(told: list[Told], name: str, pids: set[int]) -> list[Told]:
    return [one for one in to_workers(told, pids) if one["signal"] == f"SIG{name}"]


def _pid(one: Told) -> int:
    pid: int = one["target"]["pid"]
    return pid


@pytest.mark.parametrize("setting", ["", "process_control_timeout = 10s"], ids=["0", "10s"])
@pytest.mark.parametrize(
    ("name", "first"), [("TERM", "TERM"), ("INT", "TERM"), ("QUIT", "QUIT"), ("USR2", "QUIT")]
)
def test_the_script_is_named_whatever_it_sends(name: str, first: str, setting: str) -> None:
    with fpm(setting) as (master, home):
        workers = set(proc.children(master.pid))
        with Watching("--tree", "php-fpm") as watch:
            as_cron_does(home, name)
            told = watch.until(
                lambda told: len({_pid(one) for one in of_kind(told, first, workers)}) == WORKERS,
                "all workers are signalled",
            )
        root = next(one for one in told if one["target"]["pid"] == master.pid)
        assert (root["signal"], root["outcome"], root["cause"]) == (f"SIG{name}", "handled", None)
        sender = root["sender"]
        assert sender["cmdline"][-1] == str(home / "killproc")
        assert sender["ancestors"][0]["comm"] == "sh"
        theirs = [one for one in to_workers(told, workers) if one["origin"] == "process"]
        theirs.sort(key=lambda one: one["number"])  # they are told as they come to an end
        assert theirs[0]["signal"] == f"SIG{first}"
        for one in theirs:
            assert one["sender"]["pid"] == master.pid
            assert (one["root"], one["confidence"]) == (root["number"], "likely")
            assert one["outcome"] in ENDED


def test_the_limit_of_a_request_is_the_doing_of_the_master_alone() -> None:
    """Incident D: request_terminate_timeout. Nobody has sent the master anything."""
    with fpm(more="request_terminate_timeout = 1s", workers=1) as (master, home):
        (worker,) = proc.children(master.pid)
        (home / "spin.php").write_text(SPINS)
        with Watching("--tree", str(master.pid)) as watch, connected(str(home / "socket")) as peer:
            peer.sendall(question(home / "spin.php", ""))
            told = watch.until(
                lambda told: any(one["outcome"] == "terminated" for one in told), "it is ended"
            )
        first, *rest = sorted(to_workers(told, {worker}), key=lambda one: one["number"])
        assert (first["signal"], first["sender"]["pid"]) == ("SIGTERM", master.pid)
        assert (first["cause"], first["root"]) == (None, first["number"])
        for one in rest:  # a worker that is busy signals itself again
            assert one["sender"]["pid"] in (worker, master.pid)
            assert one["root"] == first["number"] or one["sender"]["pid"] == master.pid
        own = [one for one in rest if one["origin"] == "itself"]
        assert all(one["root"] == first["number"] for one in own)


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")
