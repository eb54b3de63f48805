"""``sigscope fcgi --engine ptrace``: one's own workers, followed at the stops of their calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_fcgi_live import (
    ONE,
    PATIENCE,
    SEVERAL_AT_ONCE,
    WORKER,
    _answer,
    _in_background,
    _in_call,
    following,
)
from tests.harness import proc
from tests.harness.command import sigscope
from tests.harness.fastcgi import Pool, Shop, connected, question, shop

ACCEPT = 43
TRACED = ("--engine", "ptrace")
QUERIES = ["o:2", "m:10;o:2", "m:960;o:2", "m:3000;o:2", "o:70000", "r:404;o:5", "h:1100;o:1", ""]


@pytest.fixture(scope="module")
def real() -> Iterator[Shop]:
    with shop((Pool("long", 65535), Pool("tcp", 65535, tcp=True)), (ONE,)) as made:
        yield made


@pytest.mark.parametrize("pool", ["long", "tcp"])
def test_the_verdict_is_that_of_nginx(real: Shop, pool: str) -> None:
    with following(real.worker(pool), *TRACED, "--count", len(QUERIES)) as run:
        seen = [real.status(pool, ONE, query) for query in QUERIES]
        told = run.told()
    assert [one["uri"].partition("?")[2] for one in told] == QUERIES
    for one, status in zip(told, seen, strict=True):
        (front,) = one["front_ends"]
        assert front["status"] in (status, None), one
        assert str(status) in front["says"].split(" or ")
    assert "each of their system calls stops them twice" in run.remarks
    assert run.status == 1


def test_it_is_let_go_as_it_was(real: Shop) -> None:
    worker = real.worker("long")
    before = proc.masks(worker)
    with following(worker, *TRACED) as run:
        assert proc.status(worker)["TracerPid"] != "0"
        for number in range(20):
            assert real.status("long", ONE, f"o:{number}") == 200
        proc.wait_syscall(worker, worker, ACCEPT, PATIENCE)
        told = run.stop()
    assert [one["stdout_bytes"] - 68 for one in told] == list(range(20))
    assert proc.status(worker)["TracerPid"] == "0"
    proc.wait_syscall(worker, worker, ACCEPT, PATIENCE)
    assert proc.masks(worker) == before
    assert proc.eventually(lambda: proc.state(worker) == "S", PATIENCE)
    assert real.status("long", ONE, "o:1") == 200
    assert run.status == 0


def test_if_we_are_killed_it_goes_on(real: Shop) -> None:
    worker = real.worker("long")
    with following(worker, *TRACED) as run:
        asked = _in_background(real, "s:500;o:3")
        _in_call(worker, "clock_nanosleep")
        run.kill()
    assert asked() == 200
    assert proc.eventually(lambda: proc.status(worker)["TracerPid"] == "0", PATIENCE)
    assert real.status("long", ONE, "o:1") == 200


def test_a_sleep_that_is_followed_lasts_as_long_as_it_should(real: Shop) -> None:
    worker = real.worker("long")
    asked = _in_background(real, "s:1500;o:3")
    _in_call(worker, "clock_nanosleep")
    with following(worker, *TRACED, "--count", 1) as run:
        assert asked() == 200
        assert real.status("long", ONE, "o:7") == 200
        (one,) = run.told()
    assert one["uri"].endswith("o:7")


def test_a_worker_that_is_ended_and_by_whom() -> None:
    with shop([Pool("long", workers=1)], (ONE,)) as real:
        worker = real.worker("long")
        with following(worker, *TRACED, "--count", 1) as run:
            asked = _in_background(real, "s:30000;o:1")
            _in_call(worker, "clock_nanosleep")
            os.kill(worker, signal.SIGTERM)
            (one,) = run.told()
            assert asked() == 502
    assert one["cause"]["kind"] == "killed"
    said = " ".join(one["cause"]["evidence"])
    assert f"worker {worker} was ended by SIGTERM" in said
    assert f" {os.getpid()}" in said


def test_the_sender_of_a_sigkill_is_not_made_up() -> None:
    with shop([Pool("long", workers=1)], (ONE,)) as real:
        worker = real.worker("long")
        with following(worker, *TRACED, "--count", 1) as run:
            asked = _in_background(real, "s:30000;o:1")
            _in_call(worker, "clock_nanosleep")
            os.kill(worker, signal.SIGKILL)
            (one,) = run.told()
            assert asked() == 502
    said = one["cause"]["evidence"]
    assert f"worker {worker} was ended by SIGKILL" in said
    assert "who sent it was not seen" in said


def test_the_workers_of_a_master_that_there_are(real: Shop) -> None:
    with following(real.masters["long"].pid, *TRACED, "--count", 1) as run:
        assert real.status("long", ONE, "o:4") == 200
        (one,) = run.told()
    assert one["pid"] == real.worker("long")
    assert "are not followed" in run.remarks


def with_worker(tmp_path: Path, script: str, *words: str, requests: int) -> list[dict[str, Any]]:
    """What is told of a worker of our own."""
    listen = str(tmp_path / "worker.sock")
    command = [word.replace("{listen}", listen) for word in words]
    with subprocess.Popen(
        [sys.executable, "-c", script, *command], stdout=subprocess.PIPE
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline()
            with following(worker.pid, *TRACED, "--count", requests, "--buffer", ONE) as run:
                for number in range(requests):
                    with connected(listen) as peer:
                        peer.sendall(question(Path("/page"), f"number={number}"))
                        _answer(peer)
                return run.told()
        finally:
            worker.kill()


@pytest.mark.parametrize("way", ["vectors", "messages"])
def test_what_an_iovec_names_is_seen(tmp_path: Path, way: str) -> None:
    told = with_worker(tmp_path, WORKER, way, "{listen}", "700", requests=2)
    for number, one in enumerate(told):
        assert one["uri"] == f"/steps.php?number={number}"
        assert (one["stderr_bytes"], one["stdout_bytes"]) == (700, 27)
        assert one["front_ends"][0]["status"] == 404


def test_an_ordinary_user_follows_a_worker_of_his_own(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this needs a right to give up")
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable]
    if subprocess.run([*nobody, "-c", "import click, psutil"], capture_output=True).returncode:
        pytest.skip("nobody may not run this Python")
    listen = "\0sigscope-traced" + os.urandom(4).hex()
    script = SEVERAL_AT_ONCE.replace("sys.argv[1]", repr(listen)).replace("< 2", "< 1")
    script = script.replace("(2, 1)", "(1,)")
    with subprocess.Popen([*nobody, "-c", script], stdout=subprocess.PIPE) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline()
            with subprocess.Popen(
                [*nobody, "-m", "sigscope", "fcgi", str(worker.pid), *TRACED, "--count", "1"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            ) as run:
                assert run.stderr is not None
                while "following" not in (line := run.stderr.readline()):
                    if "ptrace_scope" in line:
                        pytest.skip("Yama lets nobody trace here")
                    assert line
                with connected_abstract(listen) as peer:
                    peer.sendall(question(Path("/page"), "one", keep=True))
                    _answer(peer)
                    out, err = run.communicate(timeout=PATIENCE)
        finally:
            worker.kill()
    assert "GET /steps.php?one" in out, err


def connected_abstract(listen: str) -> Any:
    import socket

    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(PATIENCE)
    peer.connect(listen)
    return peer


def test_who_is_traced_by_another_is_not_followed(real: Shop) -> None:
    worker = real.worker("long")
    with following(worker, *TRACED):
        said = sigscope("fcgi", worker, *TRACED, "--for", "5")
    assert said.status == 4
    assert "traces it already" in said.err


def test_an_engine_without_a_worker_is_refused() -> None:
    said = sigscope("fcgi", "--simulate", *TRACED)
    assert said.status == 2
    assert "--engine is for a TARGET" in said.err
