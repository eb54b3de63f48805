"""HAProxy alone, and as master and worker: stop, soft stop, reload."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons.serving_signals import (
    Behind,
    Server,
    Trial,
    changed,
    deaf,
    ended,
    renewed,
    tried,
    unmoved,
)
from tests.harness.build import required


def _server(*options: str, setting: str = "") -> Server:
    def command(directory: Path, port: int, behind: Behind) -> list[str]:
        program = required("haproxy", "haproxy")
        (directory / "haproxy.cfg").write_text(
            f"global\n  {setting}\ndefaults\n  mode http\n  timeout connect 5s\n"
            f"  timeout client 30s\n  timeout server 30s\nfrontend f\n  bind 127.0.0.1:{port}\n"
            f"  default_backend b\nbackend b\n  server s 127.0.0.1:{behind.port}\n"
        )
        return [program, "-db", *options, "-f", str(directory / "haproxy.cfg")]

    return Server(command)


ALONE = (
    Trial("TERM", True, ended),
    Trial("INT", True, ended),
    Trial("USR1", False, ended, sign=deaf),
    Trial("USR2", False, unmoved),
    Trial("HUP", False, unmoved),
    Trial("QUIT", False, unmoved),
    Trial("TTOU", False, deaf, sign=deaf),
)
MASTER = (
    Trial("TERM", True, ended),
    Trial("USR1", False, ended, sign=deaf),
    Trial("USR2", False, renewed, sign=changed),
    Trial("HUP", False, renewed, sign=changed),
    Trial("QUIT", False, unmoved),
    Trial("KILL", True, ended),
    Trial("USR1", False, ended, sign=deaf, worker=True),
    Trial("HUP", False, unmoved, worker=True),
    Trial("USR2", False, unmoved, worker=True),
)


@pytest.mark.parametrize("trial", ALONE, ids=lambda trial: trial.label)
def test_alone_it_stops_softly_and_does_not_reload(trial: Trial) -> None:
    (said,) = tried(_server(), trial)
    assert bool(said.loses) == trial.lost


@pytest.mark.parametrize("trial", MASTER, ids=lambda trial: trial.label)
def test_a_master_reloads_with_usr2_and_hup(trial: Trial) -> None:
    (said,) = tried(_server("-W"), trial)
    assert bool(said.loses) == trial.lost


def test_master_worker_mode_may_stand_in_the_file() -> None:
    (said,) = tried(_server(setting="master-worker"), MASTER[2])
    assert said.settings[0].where.endswith("haproxy.cfg:2")


def test_hard_stop_after_ends_the_soft_stop() -> None:
    (said,) = tried(_server(setting="hard-stop-after 300ms"), Trial("USR1", True, ended))
    assert "hard-stop-after" in said.loses
    assert said.settings[0].value == 0.3
