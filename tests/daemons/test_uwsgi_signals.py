"""uWSGI: SIGTERM reloads, unless die-on-term, which gives its work to SIGQUIT."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons.serving_signals import (
    Behind,
    Server,
    Trial,
    changed,
    ended,
    orphaned,
    renewed,
    replaced,
    tried,
    unmoved,
)
from tests.harness.build import required

APPLICATION = """
import socket

def application(environ, start):
    with socket.create_connection(("127.0.0.1", %d)) as behind:
        answer = b"".join(iter(lambda: behind.recv(4096), b""))
    start("200 OK", [])
    return [answer]
"""


def _server(setting: str) -> Server:
    def command(directory: Path, port: int, behind: Behind) -> list[str]:
        program = required("uwsgi_python3", "uwsgi-core uwsgi-plugin-python3")
        (directory / "held.py").write_text(APPLICATION % behind.port)
        (directory / "uwsgi.ini").write_text(
            f"[uwsgi]\nhttp-socket = 127.0.0.1:{port}\nwsgi-file = {directory}/held.py\n"
            f"need-app = true\nmaster = true\nprocesses = 2\n{setting}\n"
        )
        return [program, "--ini", str(directory / "uwsgi.ini")]

    return Server(command)


RELOADS, DIES = _server(""), _server("die-on-term = true")
WITHOUT = (
    Trial("TERM", True, renewed),
    Trial("QUIT", True, ended),
    Trial("INT", True, ended),
    Trial("HUP", False, renewed, sign=changed),
    Trial("USR1", False, unmoved),
    Trial("TSTP", False, unmoved),
    Trial("USR2", False, orphaned, sign=orphaned),
    Trial("KILL", False, orphaned, sign=orphaned),
    Trial("TERM", True, replaced, worker=True),
    Trial("INT", True, replaced, worker=True),
    Trial("QUIT", True, replaced, worker=True),
    Trial("KILL", True, replaced, worker=True),
    Trial("HUP", False, replaced, worker=True),
    Trial("USR1", False, unmoved, worker=True),
    Trial("USR2", False, unmoved, worker=True),
)
WITH = (Trial("TERM", True, ended), Trial("QUIT", True, renewed))


@pytest.mark.parametrize("trial", WITHOUT, ids=lambda trial: trial.label)
def test_without_die_on_term(trial: Trial) -> None:
    """SIGUSR2, by the manual for statistics, ends a master: only its workers handle it."""
    (said,) = tried(RELOADS, trial)
    if trial.name == "HUP" and not trial.worker:
        assert "reload-mercy" in said.loses
    else:
        assert bool(said.loses) == trial.lost


@pytest.mark.parametrize("trial", WITH, ids=lambda trial: trial.label)
def test_die_on_term_changes_term_and_quit_over(trial: Trial) -> None:
    (said,) = tried(DIES, trial)
    assert said.settings[0].where.endswith("uwsgi.ini:7")
    assert ("reloads" in said.does) == (trial.name == "QUIT")
