"""Debian's uWSGI and hping3: the child that never gets SIGALRM, and the same without threads.

Every thread of a worker but its first blocks all signals. What such a thread starts inherits
that across fork and exec: hping3 arms an alarm, waits for it, and hangs for ever.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE

APPLICATION = Path(__file__).with_name("probe_app.py")
ENOUGH = 40  # requests; with four threads the first or second already hangs


@dataclass(frozen=True)
class Service:
    """A running uWSGI: `worker` serves with `threads`, the first of which is its main thread."""

    port: int
    master: int | None
    worker: int
    log: Path

    @property
    def threads(self) -> list[int]:
        """Native ids of the worker's threads, its main thread first."""
        return proc.tids(self.worker)

    def facts(self) -> list[dict[str, Any]]:
        """What the application has logged so far, complete lines only."""
        text = self.log.read_text() if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    @property
    def replies(self) -> str:
        """What all its hping3 have printed."""
        file = self.log.with_name(f"{self.log.name}.replies")
        return file.read_text() if file.exists() else ""

    def forker(self, child: int) -> int:
        """The thread that started this child, by the application's own log."""
        return next(int(fact["tid"]) for fact in self.facts() if fact.get("child") == child)

    def ask(self, path: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """The application's answer to one request; TimeoutError if there is none."""
        with contextlib.closing(connection(self.port, timeout)) as client:
            client.request("GET", path)
            answer: dict[str, Any] = json.loads(client.getresponse().read())
            return answer


@dataclass(frozen=True)
class Incident:
    """One hung child: SIGALRM is pending for it and blocked, by inheritance from `forker`."""

    service: Service
    worker: int
    forker: int
    hung: int
    threads: tuple[int, ...]


def connection(port: int, timeout: float) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)


def _answers(port: int) -> bool:
    try:
        with contextlib.closing(connection(port, 1)) as client:
            client.connect()
            return True
    except OSError:
        return False


def is_stuck(pid: int) -> bool:
    """SIGALRM is blocked and pending, and no longer in the middle of its start."""
    try:
        found = proc.masks(pid)
        return signal.SIGALRM in found.blocked & found.shared_pending and proc.state(pid) == "S"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def service(threads: int | None = 4, master: bool = True) -> Iterator[Service]:
    """Run the application with so many threads (None: without --threads), one worker."""
    program = required("uwsgi_python3", "uwsgi-core uwsgi-plugin-python3")
    hping3 = required("hping3", "hping3")
    if os.geteuid() != 0:
        pytest.skip("hping3 needs a raw socket, which only root may open: sudo scripts/test")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="sigscope-uwsgi-"))
        log = Path(directory, "log")
        port = free_port()
        command = [program, "--http-socket", f"127.0.0.1:{port}", "--wsgi-file", str(APPLICATION)]
        command += ["--need-app", "--die-on-term"]
        command += ["--master", "--no-orphans"] if master else []
        command += ["--threads", str(threads)] if threads else []
        environment = {"SIGSCOPE_TEST_LOG": str(log), "HPING3": hping3, "PYTHONPATH": ""}
        daemon = stack.enter_context(Daemon(command, environment=environment, directory=directory))
        try:
            proc.eventually(lambda: _answers(port), PATIENCE, "uWSGI accepts connections")
            worker = daemon.pid
            if master:
                # Listening begins before the fork: wait for the worker as well.
                worker = proc.eventually(
                    lambda: proc.children(daemon.pid), PATIENCE, "uWSGI has a worker"
                )[0]
            proc.eventually(
                lambda: len(proc.tids(worker)) >= (threads or 1), PATIENCE, "its threads run"
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{daemon.said()}") from error
        yield Service(port, daemon.pid if master else None, worker, log)


def _probe(running: Service, count: int) -> tuple[int, bool]:
    """Send the request number `count`; its child, and whether that hangs."""

    def settled() -> bool:
        return child in _logged(running, "ended") or is_stuck(child)

    with contextlib.closing(connection(running.port, PATIENCE)) as client:
        # The answer is not waited for: a hung request would never give one.
        client.request("GET", "/probe")
        child = proc.eventually(
            lambda: _logged(running, "child", count), PATIENCE, "a child is logged"
        )[-1]
        proc.eventually(settled, PATIENCE, "hping3 ends or hangs")
    return child, child not in _logged(running, "ended")


def _hung_child(running: Service) -> int:
    """Request until a child hangs; all before it have ended, so a thread is always free."""
    for count in range(1, ENOUGH + 1):
        child, hangs = _probe(running, count)
        if hangs:
            return child
    raise AssertionError(f"none of {ENOUGH} children hung")


def _logged(running: Service, key: str, at_least: int = 0) -> list[int]:
    values = [int(fact[key]) for fact in running.facts() if key in fact]
    return values if len(values) >= at_least else []


@contextlib.contextmanager
def incident(threads: int = 4, master: bool = True) -> Iterator[Incident]:
    """The service with threads, at the moment when one of its children hangs."""
    with service(threads, master) as running:
        hung = _hung_child(running)
        forker = running.forker(hung)
        yield Incident(running, running.worker, forker, hung, tuple(running.threads))


@dataclass(frozen=True)
class Healthy:
    """The same service without threads: its probes end, and `child` sleeps on, open for all."""

    service: Service
    worker: int
    child: int
    status: int


@contextlib.contextmanager
def unthreaded(master: bool = True) -> Iterator[Healthy]:
    """The service without threads, after one probe that ended by itself."""
    with service(None, master) as running:
        status = int(running.ask("/probe")["status"])
        child = int(running.ask("/sleep")["pid"])
        proc.eventually(lambda: proc.status(child)["Name"] == "sleep", PATIENCE, "sleep runs")
        yield Healthy(running, running.worker, child, status)
