"""PHP-FPM's two time limits: the one that waits do not count for, and that of the master."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import proc
from tests.harness.build import required
from tests.harness.command import sigscope
from tests.harness.daemons import Daemon
from tests.harness.fastcgi import connected, question
from tests.harness.targets import PATIENCE
from tests.kernel.bpf.engine import need_engine

SECOND = 1_000_000_000
LONG = 120.0
"""Seconds of patience, for what needs CPU time on a machine that is busy."""
CONF = """\
[global]
error_log = {home}/log
daemonize = no
[www]
listen = {home}/socket
user = {user}
pm = static
pm.max_children = 1
{more}
php_admin_value[max_execution_time] = {limit}
"""
WAITS = """\
<?php
$peer = fsockopen('unix://{home}/silent');
stream_set_timeout($peer, 600);
fread($peer, 1);
"""
SPINS = "<?php while (true);"


@dataclass
class Fpm:
    """php-fpm with one worker, and a socket at which nobody answers."""

    home: Path
    master: Daemon

    @property
    def worker(self) -> int:
        return proc.eventually(lambda: proc.children(self.master.pid), PATIENCE)[0]

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()


@contextlib.contextmanager
def fpm(script: str, limit: int, more: str = "") -> Iterator[tuple[Fpm, socket.socket]]:
    """It serves a request for the script, on the connection that is yielded."""
    program = required("php-fpm8.2", "php8.2-fpm")
    need_engine()
    user = "nobody" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sigscope-limits-")))
        home.chmod(0o755)
        (home / "script.php").write_text(script.replace("{home}", str(home)))
        (home / "fpm.conf").write_text(CONF.format(home=home, user=user, more=more, limit=limit))
        silent = stack.enter_context(contextlib.closing(socket.socket(socket.AF_UNIX)))
        silent.bind(str(home / "silent"))
        (home / "silent").chmod(0o777)
        silent.listen()
        command = [program, "-F", "-n", "-y", f"{home}/fpm.conf"]
        master = stack.enter_context(Daemon(command))
        proc.eventually((home / "socket").exists, PATIENCE, "it listens")
        peer = stack.enter_context(contextlib.closing(connected(str(home / "socket"))))
        peer.settimeout(LONG)
        peer.sendall(question(home / "script.php", ""))
        yield Fpm(home, master), peer


def process(worker: int, *options: str) -> dict[str, Any]:
    (found,) = sigscope("timers", worker, "--json", *options).document["processes"]
    assert isinstance(found, dict)
    return found


def prof(worker: int, *options: str) -> dict[str, Any] | None:
    """Its ITIMER_PROF, which it has while it serves a request."""
    timers = process(worker, *options)["timers"]
    return next((one for one in timers if one["name"] == "ITIMER_PROF"), None)


def armed(worker: int) -> dict[str, Any]:
    found = proc.eventually(lambda: prof(worker), PATIENCE, "the limit is set")
    assert found is not None
    return found


def test_the_limit_of_a_script_that_waits_stands_still_and_it_is_said_why() -> None:
    with fpm(WAITS, 3) as (running, _):
        worker = running.worker
        armed(worker)
        proc.wait_syscall(worker, worker, "poll", PATIENCE)
        first = armed(worker)
        measured = prof(worker, "--interval", "1s")
        assert measured is not None
        assert (measured["advancing"], measured["measured"]) == (False, True)
        assert measured["remaining"] == first["remaining"]
        assert 2.5 * SECOND < first["remaining"] < 3.1 * SECOND
        assert first["arrives"]["outcome"] == "handled"
        screen = " ".join(sigscope("timers", worker).out.split())
        assert "PHP-FPM worker: max_execution_time has run out" in screen
        assert "so while it waits the limit never fires" in screen
        assert "request_terminate_timeout, not set for pool www" in screen


def test_the_limit_of_a_script_that_computes_advances_and_fires() -> None:
    with fpm(SPINS, 5) as (running, peer):
        worker = running.worker
        armed(worker)
        found = prof(worker, "--interval", "300ms")
        assert found is not None
        assert found["advancing"] is True
        answer = b"".join(iter(lambda: peer.recv(1 << 16), b""))
        assert b"Maximum execution time of 5 seconds exceeded" in answer
        assert "exited on signal" not in running.log


def cpu_time(worker: int) -> int:
    """Nanoseconds that it has used."""
    return time.clock_gettime_ns(~worker << 3 | 2)


@contextlib.contextmanager
def signals_of(worker: int, file: Path) -> Iterator[None]:
    """strace writes down what signals it gets, with their siginfo."""
    words = [required("strace", "strace"), "-e", "trace=none", "-e", "signal=PROF"]
    with subprocess.Popen(
        [*words, "-o", str(file), "-p", str(worker)], stderr=subprocess.DEVNULL
    ) as tracing:
        try:
            proc.eventually(lambda: proc.status(worker)["TracerPid"] != "0", PATIENCE)
            yield
        finally:
            tracing.terminate()


def test_it_fires_when_it_was_said_to_and_the_signal_is_the_kernels(tmp_path: Path) -> None:
    with fpm(SPINS, 4) as (running, peer):
        worker = running.worker
        armed(worker)
        with signals_of(worker, tmp_path / "signals"):
            before = cpu_time(worker)
            found = armed(worker)
            after = cpu_time(worker)
            assert b"Maximum execution time" in b"".join(iter(lambda: peer.recv(1 << 16), b""))
            used = cpu_time(worker)
        # The timer counts whole ticks of the kernel, of which a busy machine may count too many
        # or too few; and PHP needs some time to end the script, and to answer.
        left = found["remaining"]
        assert before + left // 2 < used < after + left + left // 2 + SECOND
        (arrived,) = [
            line for line in (tmp_path / "signals").read_text().splitlines() if "SIGPROF" in line
        ]
        assert "si_code=SI_KERNEL" in arrived


def test_the_limit_that_the_master_keeps_is_told_with_its_value_and_ends_the_worker() -> None:
    with fpm(WAITS, 3, "request_terminate_timeout = 15s") as (running, peer):
        worker = running.worker
        armed(worker)
        (told,) = process(worker)["elsewhere"]
        assert told["name"] == "request_terminate_timeout"
        assert told["value"].startswith("15 s (/")
        assert "SIGTERM" in told["does"]
        with contextlib.suppress(ConnectionResetError):
            assert not b"".join(iter(lambda: peer.recv(1 << 16), b""))
        proc.eventually(
            lambda: f"child {worker} exited on signal 15 (SIGTERM)" in running.log, PATIENCE
        )
