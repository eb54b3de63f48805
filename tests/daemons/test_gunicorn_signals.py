"""Gunicorn: TERM lets the request finish, INT and QUIT do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons.serving_signals import (
    Behind,
    Server,
    Trial,
    changed,
    ended,
    logged,
    renewed,
    replaced,
    sent,
    tried,
    unmoved,
)
from tests.daemons.test_uwsgi_signals import APPLICATION
from tests.harness.build import required


def _server(*options: str) -> Server:
    def command(directory: Path, port: int, behind: Behind) -> list[str]:
        program = required("gunicorn", "gunicorn")
        (directory / "held.py").write_text(APPLICATION % behind.port)
        bind = ("-b", f"127.0.0.1:{port}", "--chdir", str(directory), "--timeout", "4")
        return [program, *bind, *options, "held:application"]

    return Server(command)


TRIALS = (
    Trial("TERM", False, ended, sign=logged("Handling signal: term")),
    Trial("INT", True, ended),
    Trial("QUIT", True, ended),
    Trial("HUP", False, renewed, sign=changed),
    Trial("USR1", False, unmoved, sign=logged("Handling signal: usr1")),
    Trial("USR2", False, changed, sign=changed),
    Trial("TTIN", False, changed, sign=changed),
    Trial("TTOU", False, unmoved, sign=logged("Handling signal: ttou")),
    Trial("WINCH", False, unmoved, sign=logged("Handling signal: winch")),
    Trial("KILL", False, ended, sign=sent),
    Trial("TERM", False, replaced, worker=True),
    Trial("INT", True, replaced, worker=True),
    Trial("QUIT", True, replaced, worker=True),
    Trial("HUP", True, replaced, worker=True),
    Trial("USR2", True, replaced, worker=True),
    Trial("USR1", False, unmoved, worker=True),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.label)
def test_who_loses_the_request(trial: Trial) -> None:
    (said,) = tried(_server(), trial)
    if "graceful_timeout" in said.loses:
        assert not trial.lost
        assert said.settings[0].value == 30.0
    else:
        assert bool(said.loses) == trial.lost


def test_graceful_timeout_ends_the_patience() -> None:
    (said,) = tried(_server("--graceful-timeout", "1"), Trial("TERM", True, ended))
    assert "graceful_timeout" in said.loses
    assert str(said.settings[0]) == "graceful_timeout is 1 s (command line)"
