"""``fcgi --history``: who ended a worker, by the record of a watch that ran beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_fcgi_capture import _running
from tests.cli.test_fcgi_live import ONE, _in_background, _in_call, following
from tests.harness import proc
from tests.harness.build import required
from tests.harness.command import sigscope
from tests.harness.fastcgi import Pool, connected, question, shop
from tests.kernel.bpf.engine import need_engine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")
PATIENCE = 60


@contextlib.contextmanager
def recorded(path: Path, pid: int) -> Iterator[None]:
    """What is sent to this process meanwhile, up to its end."""
    need_engine()
    words = [sys.executable, "-m", "sigscope", "watch", "--to", str(pid), "--record", str(path)]
    with subprocess.Popen(
        [*words, "--for", str(PATIENCE)], stdout=subprocess.PIPE, text=True
    ) as watch:
        try:
            assert watch.stdout is not None
            watch.stdout.readline()  # it watches
            proc.eventually(lambda: path.stat().st_size, PATIENCE)
            yield
            proc.eventually(
                lambda: "ended at" in sigscope("pid", pid, "--history", path).out, PATIENCE
            )
            watch.send_signal(signal.SIGINT)
            watch.communicate(timeout=PATIENCE)
        finally:
            watch.kill()


def kill(pid: int, name: str) -> None:
    """By a shell, which is then the sender, as a child of ours."""
    subprocess.run(["sh", "-c", f"kill -{name} {pid}; true"], check=True)


def test_who_ended_a_worker_that_is_followed_by_its_owner(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with shop([Pool("long")], (ONE,)) as real:
        worker = real.worker("long")
        with recorded(record, worker):
            options = ("--engine", "ptrace", "--history", record, "--count", 1)
            with following(worker, *options) as run:
                asked = _in_background(real, "s:30000;o:1")
                _in_call(worker, "clock_nanosleep")
                kill(worker, "KILL")
                (one,) = run.told()
                assert asked() == 502
    cause = one["cause"]
    assert cause["kind"] == "killed"
    assert "who sent it was not seen" not in cause["evidence"]
    (said,) = [text for text in cause["evidence"] if text.startswith("by the record: SIGKILL from")]
    assert " sh " in said
    assert f"{os.getpid()}" in said, "its parents are named"
    assert cause["advice"].startswith("SIGKILL from sh ")


def test_who_was_killed_when_a_captured_connection_was_closed(tmp_path: Path) -> None:
    tcpdump = required("tcpdump", "tcpdump")
    record, capture = tmp_path / "record", tmp_path / "worker.pcap"
    with shop([Pool("tcp", tcp=True)], (ONE,)) as real:
        worker, listen = real.worker("tcp"), real.listens["tcp"]
        words = [tcpdump, "-i", "lo", "-s", "0", "-U", "-Z", "root", "-w", str(capture)]
        with (
            recorded(record, worker),
            _running([*words, "port", listen.rpartition(":")[2]], capture),
            connected(listen) as peer,
        ):
            peer.sendall(question(real.home / "steps.php", "s:30000;o:1"))
            _in_call(worker, "clock_nanosleep")
            kill(worker, "KILL")
            with contextlib.suppress(ConnectionResetError):
                assert not peer.recv(1)
            proc.eventually(lambda: _told(capture)["cause"]["kind"] != "waiting", PATIENCE)
    plain, explained = _told(capture), _told(capture, "--history", str(record))
    assert plain["cause"]["kind"] == "unknown"
    said = " ".join(explained["cause"]["evidence"])
    if said.count("likely") > 1:  # whoever else was killed within that second may have had it
        assert "which of them had the connection is not told" in said
        assert explained["cause"]["kind"] == "unknown"
    else:
        assert f"likely, by the time: php-fpm8.2 {worker} was ended by SIGKILL" in said
        assert "SIGKILL from sh " in said
        assert explained["cause"]["kind"] == "killed"


def _told(capture: Path, *options: str) -> dict[str, dict[str, str]]:
    said = sigscope("fcgi", "--from-pcap", capture, "--json", *options)
    last = said.out.splitlines()[-1:] or ['{"cause": {"kind": "waiting"}}']
    found = json.loads(last[0])
    assert isinstance(found, dict)
    return found


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not one\n")
    said = sigscope("fcgi", "--from-pcap", other, "--history", other)
    assert said.status == 2
    assert sigscope("fcgi", "--simulate", "--history", other).status == 2
