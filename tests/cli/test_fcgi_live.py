"""``sigscope fcgi TARGET``: live workers of a real php-fpm, behind a real nginx."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sigscope.decode.fastcgi import Decoder, decode_all, encode_all
from sigscope.model.fcgi import RecordType
from tests.conftest import TARGET_FIXTURE
from tests.daemons.serving_signals import Behind
from tests.harness import proc
from tests.harness.command import sigscope
from tests.harness.fastcgi import Pool, Shop, connected, question, shop
from tests.kernel.bpf.engine import need_engine

PATIENCE = 60
ONE = "1k"


class Following:
    """A running ``sigscope fcgi --json``, and what it has said."""

    def __init__(self, *words: object) -> None:
        self._run = subprocess.Popen(
            [sys.executable, "-m", "sigscope", "fcgi", "--json", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.remarks = ""
        assert self._run.stderr is not None
        while "following" not in self.remarks:
            line = self._run.stderr.readline()
            assert line, self.remarks
            self.remarks += line

    def stop(self) -> list[dict[str, Any]]:
        """As by ^C: the requests that were told."""
        self._run.send_signal(signal.SIGINT)
        return self.told()

    def told(self) -> list[dict[str, Any]]:
        """Once it has ended by itself."""
        out, err = self._run.communicate(timeout=PATIENCE)
        self.remarks += err
        return [json.loads(line) for line in out.splitlines()]

    @property
    def status(self) -> int:
        return self._run.wait(PATIENCE)

    def kill(self) -> None:
        """If it is still there."""
        self._run.kill()
        self._run.communicate()


@contextlib.contextmanager
def following(*words: object) -> Iterator[Following]:
    found = Following(*words)
    try:
        yield found
    finally:
        found.kill()


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_engine()


@pytest.fixture(scope="module")
def real() -> Iterator[Shop]:
    pools = (Pool("long", 65535), Pool("tcp", 65535, tcp=True))
    with shop(pools, (ONE,)) as made:
        yield made


QUERIES = [
    *(f"m:{length};o:2" for length in (10, 923, 924, 960, 1002, 1003, 2000, 3000, 4000)),
    *("o:70000", "r:404;o:5", "o:300;m:950;o:2", "m:300;m:300;m:300;o:1", "r:500"),
    *("m:8140;o:2", "m:20000;o:9", "m:60000;o:9", "h:900;o:1", "h:1100;o:1", ""),
]


@pytest.mark.parametrize("pool", ["long", "tcp"])
def test_the_verdict_is_that_of_nginx_and_of_its_log(real: Shop, pool: str) -> None:
    with following(real.worker(pool), "--count", len(QUERIES)) as run:
        seen = [real.status(pool, ONE, query) for query in QUERIES]
        told = run.told()
    assert [one["uri"].partition("?")[2] for one in told] == QUERIES
    assert f"location /{pool}/{ONE} leads here: 1k" in run.remarks
    big = [line for line in real.log().splitlines() if "upstream sent too big header" in line]
    for one, status, query in zip(told, seen, QUERIES, strict=True):
        (front,) = one["front_ends"]
        assert front["status"] in (status, None), one
        assert str(status) in front["says"].split(" or ")
        logged = any(f"/{pool}/{ONE}?{query} " in line for line in big)
        reasons = {outcome["reason"] for outcome in front["outcomes"]}
        assert logged == (status == 502)
        assert not logged or "upstream sent too big header" in reasons
        # nginx closes at once where it answers 502: a worker that still writes meets that.
        assert one["complete"] or (status == 502 and one["ended"] == "aborted by the front end")
        assert not logged or one["cause"]["kind"] == "lost"
        assert (one["cause"] is None) == (front["says"] == str(status) != "502")
    assert run.status == 1


def test_many_requests_through_one_worker_are_all_told(real: Shop) -> None:
    worker = real.worker("long")
    with following(worker) as run:
        for number in range(1500):
            assert real.status("long", ONE, f"m:30;o:200;n:{number}") == 200
        proc.eventually(lambda: True, 1)
        told = run.stop()
    assert [one["uri"].rpartition(":")[2] for one in told] == [str(n) for n in range(1500)]
    assert "lost" not in run.remarks
    assert run.status == 0


def test_the_worker_is_not_touched(real: Shop) -> None:
    worker = real.worker("long")
    before = proc.masks(worker)
    with following(worker, "--count", 1) as run:
        assert proc.status(worker)["TracerPid"] == "0"
        assert real.status("long", ONE, "o:1") == 200
        run.told()
    assert proc.masks(worker) == before
    assert proc.status(worker)["TracerPid"] == "0"


WORKER = """
import os, socket, struct, sys
def record(kind, content, pad=0):
    return [struct.pack(">BBHHBx", 1, kind, 1, len(content), pad), content, bytes(pad)]
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2])
listener.listen()
print("ready", flush=True)
while True:
    peer, _ = listener.accept()
    fd, size, data, head = peer.fileno(), int(sys.argv[3]), b"", bytearray(8)
    while not data.endswith(struct.pack(">BBHHH", 1, 5, 1, 0, 0)):
        rest = bytearray(4096)
        got = os.readv(fd, [head, rest]) if sys.argv[1] == "vectors" else (
            peer.recvmsg_into([head, rest])[0])
        data += (head + rest)[:got]
    page = b"Status: 404 Not Found\\r\\n\\r\\nno"
    pieces = record(7, b"e" * size, 3) + record(6, page, 5) + record(3, bytes(8))
    os.writev(fd, pieces) if sys.argv[1] == "vectors" else peer.sendmsg(pieces)
    peer.close()
"""


@pytest.mark.parametrize("way", ["vectors", "messages"])
def test_a_worker_that_writes_headers_and_contents_at_once_is_seen_whole(
    tmp_path: Path, way: str
) -> None:
    listen = str(tmp_path / "worker.sock")
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, way, listen, "700"], stdout=subprocess.PIPE
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline()
            with following(worker.pid, "--count", 2, "--buffer", "1k") as run:
                for number in range(2):
                    with connected(listen) as peer:
                        peer.sendall(question(Path("/page"), f"number={number}"))
                        _answer(peer)
                told = run.told()
        finally:
            worker.kill()
    assert [one["uri"] for one in told] == [f"/steps.php?number={number}" for number in range(2)]
    for one in told:
        assert (one["stderr_bytes"], one["stdout_bytes"]) == (700, 27)
        assert one["complete"] is True
        assert one["front_ends"][0]["status"] == 404
    assert run.status == 0


SEVERAL_AT_ONCE = """
import socket, struct, sys
def record(kind, number, content):
    return struct.pack(">BBHHH", 1, kind, number, len(content), 0) + content
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
peer, _ = listener.accept()
data = b""
while data.count(bytes((1, 5, 0))) < 2:
    data += peer.recv(4096)
for number in (2, 1):
    peer.sendall(record(6, number, bytes((13, 10, 13, 10)) + b"x" * number))
for number in (2, 1):
    peer.sendall(record(3, number, bytes(8)))
peer.recv(1)
"""


def test_requests_that_share_a_connection_are_told_apart_and_not_judged(tmp_path: Path) -> None:
    listen = str(tmp_path / "worker.sock")
    asked = [question(Path("/page"), f"number={number}", keep=True) for number in (1, 2)]
    second = encode_all(replace(one, request_id=2) for one in decode_all(asked[1]))
    with subprocess.Popen(
        [sys.executable, "-c", SEVERAL_AT_ONCE, listen], stdout=subprocess.PIPE
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline()
            with following(worker.pid, "--count", 2) as run, connected(listen) as peer:
                peer.sendall(asked[0] + second)
                _answer(peer)
                told = run.told()
        finally:
            worker.kill()
    assert [one["uri"] for one in told] == [f"/steps.php?number={number}" for number in (2, 1)]
    assert [one["stdout_bytes"] for one in told] == [6, 5]
    assert all(one["front_ends"] == [] for one in told)
    assert all("at once" in " ".join(one["remarks"]) for one in told)


def test_requests_on_a_connection_that_is_kept(real: Shop) -> None:
    script = real.home / "steps.php"
    with following(real.worker("long"), "--count", 3) as run:
        with connected(real.listens["long"]) as peer:
            for number in range(3):
                peer.sendall(question(script, f"o:{number}", keep=True))
                _answer(peer)
        told = run.told()
    assert [one["stdout_bytes"] for one in told] == [68, 69, 70]
    assert len({one["connection"] for one in told}) == 1


def test_a_connection_that_was_open_before_is_joined_at_its_next_request(real: Shop) -> None:
    script = real.home / "steps.php"
    with connected(real.listens["long"]) as peer:
        peer.sendall(question(script, "o:1", keep=True))
        _answer(peer)
        with following(real.worker("long"), "--count", 1) as run:
            peer.sendall(question(script, "o:7", keep=True))
            _answer(peer)
            (one,) = run.told()
    assert one["stdout_bytes"] == 75
    assert "its connection was open before it was watched" in one["remarks"]


def test_a_front_end_that_gives_up_is_told_as_that(real: Shop) -> None:
    with following(real.worker("long"), "--count", 1) as run:
        with connected(real.listens["long"]) as peer:
            peer.sendall(question(real.home / "steps.php", "s:700;o:9000;o:9000"))
        (one,) = run.told()
    assert one["ended"] == "aborted by the front end"
    assert one["cause"]["kind"] == "limit"
    assert "front end" in one["cause"]["advice"]


def test_a_worker_that_is_killed_and_by_whom() -> None:
    with shop([Pool("long", workers=1)], (ONE,)) as real:
        worker = real.worker("long")
        with following(worker, "--count", 1) as run:
            asked = _in_background(real, "s:30000;o:1")
            _in_call(worker, "clock_nanosleep")
            os.kill(worker, signal.SIGKILL)
            (one,) = run.told()
            assert asked() == 502
    assert one["cause"]["kind"] == "killed"
    assert one["cause"]["retry"] is True  # it was a GET
    said = " ".join(one["cause"]["evidence"])
    assert f"worker {worker} was ended by SIGKILL" in said
    assert f" {os.getpid()}" in said
    assert "502" in one["front_ends"][0]["says"]


def test_the_limit_of_php_fpm_is_named_as_the_cause() -> None:
    with (
        shop([Pool("long", workers=1, terminate=1)], (ONE,)) as real,
        following(real.masters["long"].pid, "--count", 1) as run,
    ):
        asked = _in_background(real, "s:30000;o:1")
        (one,) = run.told()
        assert asked() == 502
    assert one["cause"]["kind"] == "limit"
    assert "request_terminate_timeout" in one["cause"]["advice"]
    assert any("SIGTERM from php-fpm" in text for text in one["cause"]["evidence"])


def test_a_worker_that_waits_on_a_peer_is_told_as_waiting() -> None:
    with (
        shop([Pool("long", workers=1)], (ONE,)) as real,
        Behind() as peer,
        following(real.worker("long")) as run,
    ):
        asked = _in_background(real, f"w:{peer.port}")
        with peer.asked():
            proc.eventually(lambda: proc.state(real.worker("long")) == "S", PATIENCE)
            (one,) = run.stop()
        asked()
    assert one["cause"]["kind"] == "waiting"
    assert one["cause"]["retry"] is False
    assert any("is in" in text for text in one["cause"]["evidence"])
    assert run.status == 1


def test_a_request_that_began_before_and_hangs_is_told_with_what_it_waits_for() -> None:
    with shop([Pool("long", workers=1)], (ONE,)) as real, Behind() as peer:
        asked = _in_background(real, f"w:{peer.port}")
        with peer.asked():
            worker = real.worker("long")
            proc.eventually(lambda: proc.state(worker) == "S", PATIENCE)
            with following(worker, "--for", 1) as run:
                (one,) = run.told()
        asked()
    assert (one["uri"], one["ended"], one["cause"]["kind"]) == (None, "not ended yet", "waiting")
    assert any(f"worker {worker} is in" in text for text in one["cause"]["evidence"])
    assert "it began before it was followed: what was asked is not known" in one["remarks"]


def test_a_kept_connection_without_a_request_is_nothing_to_tell(real: Shop) -> None:
    script = real.home / "steps.php"
    with connected(real.listens["long"]) as peer:
        peer.sendall(question(script, "o:1", keep=True))
        _answer(peer)
        worker = real.worker("long")
        proc.wait_syscall(worker, worker, "read", PATIENCE)
        with following(worker, "--for", 1) as run:
            assert run.told() == []


def test_workers_that_are_recycled_are_followed_on() -> None:
    with shop([Pool("long", workers=1, recycled=3)], (ONE,)) as real:
        first = real.worker("long")
        with following(real.masters["long"].pid, "--count", 9) as run:
            for number in range(9):
                assert real.status("long", ONE, f"o:{number}") == 200
            told = run.told()
    assert [one["stdout_bytes"] - 68 for one in told] == list(range(9))
    pids = [one["pid"] for one in told]
    assert pids[0] == first
    assert len(set(pids)) == 3


def test_a_worker_that_ends_is_the_end() -> None:
    with shop([Pool("long", workers=1)], (ONE,)) as real, following(real.worker("long")) as run:
        os.kill(real.worker("long"), signal.SIGKILL)
        assert run.told() == []
    assert "all workers have ended" in run.remarks
    assert run.status == 0


def _answer(peer: socket.socket) -> None:
    """Read up to END_REQUEST."""
    decoder = Decoder()
    while not any(one.kind == RecordType.END_REQUEST for one in decoder.feed(peer.recv(1 << 16))):
        pass


def _in_background(real: Shop, query: str) -> Any:
    """Ask, and give what waits for the status."""
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(real.status("long", ONE, query)))
    thread.start()

    def answered() -> int:
        thread.join(PATIENCE)
        return status[0]

    return answered


def _in_call(worker: int, call: str) -> None:
    proc.wait_syscall(worker, worker, call, PATIENCE)


def test_nginx_is_no_worker(real: Shop) -> None:
    said = sigscope("fcgi", real.nginx.pid)
    assert said.status == 5
    assert f"nginx {real.nginx.pid} is a front end, and no FastCGI worker" in said.err


def test_what_has_no_connection_is_no_worker(target: TARGET_FIXTURE) -> None:
    pid = target("blocked_pending").pid
    said = sigscope("fcgi", pid, "--for", "5")
    assert said.status == 5
    assert f"{pid} is no FastCGI worker: it neither listens" in said.err


def test_a_server_of_another_protocol_is_told_by_its_traffic() -> None:
    words = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        [*words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split()[5])
            with following(server.pid) as run:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE):
                    pass
                assert run.told() == []
                assert run.status == 5
        finally:
            server.kill()
    assert "an HTTP request, not FastCGI" in run.remarks


def test_no_such_worker_and_words_at_odds() -> None:
    assert sigscope("fcgi", 1 << 22).status == 3
    assert sigscope("fcgi", "no-such-worker").status == 3
    assert sigscope("fcgi", "1", "--simulate").status == 2
    assert sigscope("fcgi", "--simulate", "--count", "1").status == 2


def test_one_who_may_not_is_told_what_would_help(real: Shop) -> None:
    if os.geteuid() != 0:
        pytest.skip("this needs a right to give up")
    worker = real.worker("long")
    words = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable]
    if subprocess.run([*words, "-c", "import click, psutil"], capture_output=True).returncode:
        pytest.skip("nobody may not run this Python")
    run = subprocess.run(
        [*words, "-m", "sigscope", "fcgi", str(worker)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert run.returncode == 4, run.stderr
    assert "--from-pcap" in run.stderr or "root" in run.stderr or "sudo" in run.stderr
    assert "Traceback" not in run.stderr
