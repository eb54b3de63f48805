"""MariaDB: it waits for its signals in a thread, so no disposition tells what it does."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.daemons.healthy.service import unprivileged
from tests.daemons.serving_signals import gone, home, listens, sayings
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE

STATUS = "Status information:"
NO_GRANTS = "Fatal error: Can't open and lock privilege tables"


@dataclass
class Server:
    """It has no grant tables, writes all queries to ``log``, and one client is connected."""

    daemon: Daemon
    port: int
    client: socket.socket
    log: Path

    @property
    def pid(self) -> int:
        return self.daemon.pid

    def says(self, words: str) -> None:
        proc.eventually(lambda: words in self.daemon.said(), PATIENCE, f"it says {words!r}")

    def cut(self) -> bool:
        """Wait for the end of the client's connection."""
        try:
            return self.client.recv(100) == b""
        except ConnectionError:
            return True


@contextmanager
def server() -> Iterator[Server]:
    program = required("mariadbd", "mariadb-server-core")
    with home() as directory:
        directory.chmod(0o777)
        data = directory / "data"
        (data / "mysql").mkdir(parents=True)
        for one in (data, data / "mysql"):
            one.chmod(0o777)
        port, log = free_port(), directory / "queries"
        command = [program, "--no-defaults", f"--datadir={data}", "--skip-grant-tables"]
        command += ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={directory}/socket"]
        command += [f"--pid-file={directory}/pid", "--general-log", f"--general-log-file={log}"]
        command += ["--innodb-log-file-size=4M", "--innodb-data-file-path=ibdata1:4M:autoextend"]
        command += ["--innodb-flush-method=nosync", "--connect-timeout=3600"]
        with Daemon(unprivileged(*command), directory=str(directory)) as daemon:
            try:
                proc.eventually(
                    lambda: "ready for connections" in daemon.said() and listens(port),
                    PATIENCE,
                    "mariadbd is ready",
                )
            except AssertionError as error:
                raise AssertionError(f"{error}\n{daemon.said()}") from error
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                assert b"mysql_native_password" in client.recv(1000)
                yield Server(daemon, port, client, log)


@pytest.mark.parametrize("name", ["TERM", "QUIT"])
def test_term_and_quit_shut_down_in_order(name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    with server() as seen:
        (said,) = sayings(seen.pid, number)
        os.kill(seen.pid, number)
        assert seen.cut()
        proc.wait_dead(seen.pid)
        assert "Shutdown complete" in seen.daemon.said()
    assert (said.program, said.holds) == ("MariaDB", True)
    assert said.loses


def test_hup_reports_reads_the_grants_and_reopens_the_logs_and_keeps_connections() -> None:
    with server() as seen:
        (said,) = sayings(seen.pid, signal.SIGHUP)
        assert STATUS not in seen.daemon.said()
        assert NO_GRANTS not in seen.daemon.said()
        seen.log.rename(seen.log.with_name("rotated"))
        os.kill(seen.pid, signal.SIGHUP)
        seen.says(STATUS)
        seen.says(NO_GRANTS)
        proc.eventually(seen.log.exists, PATIENCE, "it has opened its log anew")
        assert not gone(seen.pid)
        assert listens(seen.port)
        # The connection is there: the server answers to what is no login by closing it.
        seen.client.setblocking(False)
        with pytest.raises(BlockingIOError):
            seen.client.recv(1)
    assert said.holds
    assert not said.loses


def test_int_stays_pending_and_usr1_does_nothing() -> None:
    with server() as seen:
        for name in ("USR1", "INT"):
            number = signal.Signals[f"SIG{name}"]
            (said,) = sayings(seen.pid, number)
            assert "no notice" in said.does
            assert said.holds
            os.kill(seen.pid, number)
        proc.eventually(
            lambda: signal.SIGUSR1 not in proc.masks(seen.pid).shared_pending, PATIENCE, "taken"
        )
        assert proc.masks(seen.pid).shared_pending == {signal.SIGINT}
        assert not gone(seen.pid)
        assert STATUS not in seen.daemon.said()


def test_kill_leaves_the_rest_to_the_next_start() -> None:
    with server() as seen:
        (said,) = sayings(seen.pid, signal.SIGKILL)
        os.kill(seen.pid, signal.SIGKILL)
        assert seen.cut()
        proc.wait_dead(seen.pid)
        assert "Shutdown complete" not in seen.daemon.said()
    assert said.loses
