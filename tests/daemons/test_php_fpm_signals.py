"""PHP-FPM: which signals cut the request that is in flight, and on what that depends."""

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


def _record(kind: int, body: bytes) -> bytes:
    return bytes([1, kind, 0, 1, len(body) >> 8, len(body) & 255, 0, 0]) + body


def _question(directory: Path) -> bytes:
    """One FastCGI request: BEGIN_REQUEST, PARAMS, and no input."""
    script = str(directory / "held.php")
    pairs = {"SCRIPT_FILENAME": script, "SCRIPT_NAME": "/held.php", "REQUEST_METHOD": "GET"}
    params = b"".join(
        bytes([len(name), len(value)]) + name.encode() + value.encode()
        for name, value in pairs.items()
    )
    begin = _record(1, bytes([0, 1, 0, 0, 0, 0, 0, 0]))
    return begin + _record(4, params) + _record(4, b"") + _record(5, b"")


def _server(setting: str) -> Server:
    def command(directory: Path, port: int, behind: Behind) -> list[str]:
        program = required("php-fpm8.2", "php8.2-fpm")
        code = f"<?php echo file_get_contents('http://127.0.0.1:{behind.port}/');"
        (directory / "held.php").write_text(code)
        pool = f"[www]\nuser = root\nlisten = 127.0.0.1:{port}\npm = static\npm.max_children = 2\n"
        (directory / "www.conf").write_text(pool)
        conf = directory / "fpm.conf"
        conf.write_text(
            f"[global]\n{setting}\nerror_log = {directory}/log\ninclude={directory}/w*.conf\n"
        )
        return [program, "-F", "-R", "-n", "-y", str(conf)]

    return Server(command, _question)


DEFAULT, PATIENT = _server(""), _server("process_control_timeout = 10s")
WITHOUT = (
    Trial("TERM", True, ended),
    Trial("INT", True, ended),
    Trial("QUIT", True, ended),
    Trial("USR2", True, renewed),
    Trial("HUP", True, renewed),
    Trial("USR1", False, unmoved),
    Trial("KILL", False, orphaned, sign=orphaned),
)
WITH = (
    Trial("TERM", True, ended),
    Trial("QUIT", False, ended, sign=changed),
    Trial("USR2", False, renewed, sign=changed),
    Trial("HUP", False, renewed, sign=changed),
)
WORKER = (
    Trial("QUIT", False, replaced, worker=True),
    *(Trial(name, True, replaced, worker=True) for name in "TERM INT USR1 USR2 HUP KILL".split()),
)


@pytest.mark.parametrize("trial", [*WITHOUT, *WORKER], ids=lambda trial: trial.label)
def test_without_a_timeout_only_what_stays_is_answered(trial: Trial) -> None:
    """The master's QUIT is called graceful, and is not."""
    (said,) = tried(DEFAULT, trial)
    assert bool(said.loses) == trial.lost
    assert said.role == ("worker" if trial.worker else "master")


@pytest.mark.parametrize("trial", WITH, ids=lambda trial: trial.label)
def test_with_a_timeout_quit_and_reload_are_graceful_and_term_is_not(trial: Trial) -> None:
    (said,) = tried(PATIENT, trial)
    assert ("requests in flight" in said.loses) == trial.lost
    if not trial.lost:
        assert str(said.settings[0]).startswith("process_control_timeout is 10 s (/")
        assert said.settings[0].where.endswith("fpm.conf:2")
