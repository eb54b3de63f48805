"""nginx: fast, graceful, reload, upgrade; and what the two settings change."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.daemons.serving_signals import (
    Behind,
    Server,
    Trial,
    changed,
    deaf,
    ended,
    gone,
    home,
    listens,
    orphaned,
    renewed,
    replaced,
    sayings,
    tried,
    unmoved,
)
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE
from tests.harness.webservers import nginx_temporary


def _configured(directory: Path, port: int, behind: int, main: str) -> list[str]:
    program = required("nginx", "nginx-light")
    (directory / "nginx.conf").write_text(
        f"pid {directory}/pid;\nerror_log {directory}/log;\nworker_processes 1;\n{main}\n"
        "events {}\n"
        f"http {{ access_log off; {nginx_temporary(directory)} server {{ listen 127.0.0.1:{port};"
        f" location / {{ proxy_pass http://127.0.0.1:{behind}; }} }} }}\n"
    )
    return [program, "-p", str(directory), "-c", str(directory / "nginx.conf")]


def _server(main: str) -> Server:
    return Server(lambda directory, port, behind: _configured(directory, port, behind.port, main))


PLAIN, LIMITED = _server("daemon off;"), _server("daemon off; worker_shutdown_timeout 300ms;")
TRIALS = (
    Trial("TERM", True, ended),
    Trial("INT", True, ended),
    Trial("QUIT", False, ended, sign=deaf),
    Trial("HUP", False, renewed, sign=changed),
    Trial("USR1", False, unmoved),
    Trial("USR2", False, unmoved),
    Trial("WINCH", False, unmoved),
    Trial("KILL", False, orphaned, sign=orphaned),
    Trial("TERM", True, replaced, worker=True),
    Trial("INT", True, replaced, worker=True),
    Trial("QUIT", False, replaced, worker=True),
    Trial("HUP", False, unmoved, worker=True),
    Trial("USR1", False, unmoved, worker=True),
    Trial("USR2", False, unmoved, worker=True),
    Trial("KILL", True, replaced, worker=True),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.label)
def test_only_quit_and_reload_spare_the_request(trial: Trial) -> None:
    (said,) = tried(PLAIN, trial)
    assert bool(said.loses) == trial.lost


@pytest.mark.parametrize("name", ["QUIT", "HUP"])
def test_worker_shutdown_timeout_ends_the_patience(name: str) -> None:
    (said,) = tried(LIMITED, Trial(name, True, ended if name == "QUIT" else renewed))
    assert "worker_shutdown_timeout" in said.loses
    assert said.settings[0].value == 0.3
    assert said.settings[0].where.endswith("nginx.conf:4")


def test_as_a_daemon_usr2_starts_a_second_master_and_winch_ends_the_workers() -> None:
    """In the foreground both do nothing, which the manual does not say."""
    with home() as directory, Behind() as behind:
        port = free_port()
        command = _configured(directory, port, behind.port, "")
        with Daemon(command) as daemon:
            proc.eventually(lambda: listens(port), PATIENCE, "nginx listens")
            master = int(
                proc.eventually((directory / "pid").read_text, PATIENCE, "nginx writes its pid")
            )
            (upgrade,), (winch,) = sayings(master, signal.SIGUSR2), sayings(master, signal.SIGWINCH)
            os.kill(master, signal.SIGUSR2)
            second = proc.eventually(
                lambda: [pid for pid in proc.children(master) if proc.children(pid)], PATIENCE
            )
            os.kill(master, signal.SIGWINCH)
            proc.eventually(lambda: proc.children(master) == second, PATIENCE, "no workers left")
            assert not gone(master)
            assert daemon.pid != master
    assert "anew beside itself" in upgrade.does
    assert "lets its workers finish" in winch.does
