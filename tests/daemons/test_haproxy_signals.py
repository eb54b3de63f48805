"""HAProxy alone, and as master and worker: stop, soft stop, reload."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.daemons.serving_signals import (
    Behind,
    Scene,
    Server,
    Trial,
    changed,
    deaf,
    ended,
    gone,
    renewed,
    scene,
    tried,
    unmoved,
)
from tests.harness import proc
from tests.harness.build import required
from tests.harness.targets import PATIENCE


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
    Trial("INT", True, ended),
    Trial("TTOU", False, deaf, sign=deaf),
    Trial("KILL", True, ended),
    Trial("TERM", True, ended, worker=True),
    Trial("KILL", True, ended, worker=True),
    Trial("QUIT", False, unmoved, worker=True),
    Trial("TTOU", False, deaf, sign=deaf, worker=True),
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


def _reloaded(seen: Scene, number: int) -> tuple[int, int]:
    """Reload with a request in flight: the worker that has it, and the new one."""
    (old,) = seen.before
    os.kill(seen.master, number)
    _says(seen, "Loading success", 2)
    # It has executed itself, and does not take what it is sent now as it did before.
    proc.eventually(lambda: _takes(seen.master), PATIENCE, "the master has its handlers again")
    (new,) = set(proc.children(seen.master)) - {old}
    assert seen.listens()
    assert seen.flight.waits
    assert not gone(old)
    return old, new


def _says(seen: Scene, words: str, times: int) -> None:
    proc.eventually(lambda: seen.daemon.said().count(words) == times, PATIENCE, words)


def _takes(pid: int) -> bool:
    masks, wanted = proc.masks(pid), {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
    return wanted <= masks.caught and not wanted & masks.blocked


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGHUP])
def test_after_a_reload_the_old_worker_ends_with_its_last_connection(number: int) -> None:
    with scene(_server("-W")) as seen:
        _, new = _reloaded(seen, number)
        seen.flight.answer()
        assert not seen.flight.lost()
        left = "only the new worker is left"
        proc.eventually(lambda: proc.children(seen.master) == [new], PATIENCE, left)
        assert seen.listens()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_master_ends_new_and_old_workers(number: int) -> None:
    with scene(_server("-W")) as seen:
        old, new = _reloaded(seen, signal.SIGUSR2)
        os.kill(seen.master, number)
        assert seen.flight.lost()
        proc.wait_dead(old, new, seen.master)


def test_a_master_that_stops_softly_waits_for_old_workers() -> None:
    with scene(_server("-W")) as seen:
        old, new = _reloaded(seen, signal.SIGUSR2)
        os.kill(seen.master, signal.SIGUSR1)
        proc.wait_dead(new)
        assert not gone(old)
        assert not gone(seen.master)
        assert seen.flight.waits
        seen.flight.answer()
        assert not seen.flight.lost()
        proc.wait_dead(old, seen.master)


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGHUP])
def test_with_a_wrong_configuration_the_workers_go_on(number: int) -> None:
    with scene(_server("-W")) as seen:
        words = Path(f"/proc/{seen.master}/cmdline").read_bytes().split(b"\0")
        with open(words[-2], "a") as file:
            file.write("nonsense\n")
        os.kill(seen.master, number)
        _says(seen, "Loading failure", 1)
        proc.eventually(lambda: _takes(seen.master), PATIENCE, "the master has its handlers")
        assert proc.children(seen.master) == seen.before
        assert seen.listens()
        seen.flight.answer()
        assert not seen.flight.lost()
        assert not gone(seen.before[0])
