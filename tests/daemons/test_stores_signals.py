"""Redis, memcached and PostgreSQL: what ends, what is saved, what it costs the others."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.daemons.serving_signals import gone, home, listens, sayings
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE

POSTGRES = "/usr/lib/postgresql"


@contextmanager
def redis(*options: str) -> Iterator[tuple[int, Path]]:
    """With one key set; its pid, and where it saves."""
    program = required("redis-server", "redis-server")
    with home() as directory:
        port = free_port()
        place = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(directory))
        with Daemon([program, *place, *options]) as daemon:
            proc.eventually(lambda: listens(port), PATIENCE, "redis listens")
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
                client.sendall(b"SET key value\r\n")
                assert client.recv(100) == b"+OK\r\n"
                yield daemon.pid, directory


@pytest.mark.parametrize("name", ["TERM", "INT"])
@pytest.mark.parametrize("saves", [True, False], ids=["save-points", "none"])
def test_redis_saves_at_the_end_if_it_has_save_points(name: str, saves: bool) -> None:
    number = signal.Signals[f"SIG{name}"]
    options = ["--save", "3600 1" if saves else "", "--set-proc-title", "no"]
    with redis(*options) as (pid, directory):
        (said,) = sayings(pid, number)
        os.kill(pid, number)
        proc.wait_dead(pid)
        assert (directory / "dump.rdb").exists() is saves
    assert said.holds
    assert bool(said.loses) is not saves


def test_redis_with_its_own_title_leaves_it_open() -> None:
    with redis("--save", "") as (pid, directory):
        said = sayings(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGHUP)
        proc.eventually(lambda: not proc.masks(pid).shared_pending, PATIENCE, "it is taken")
        assert not gone(pid)
        os.kill(pid, signal.SIGKILL)
        proc.wait_dead(pid)
        assert not (directory / "dump.rdb").exists()
    assert [one.holds for one in said] == [None, None]
    assert "written over its command line" in said[0].because


@pytest.mark.parametrize("name", ["TERM", "INT", "USR1"])
def test_memcached_ends(name: str) -> None:
    program = required("memcached", "memcached")
    port, number = free_port(), signal.Signals[f"SIG{name}"]
    with Daemon([program, "-u", "nobody", "-l", f"127.0.0.1:{port}"]) as daemon:
        proc.eventually(lambda: listens(port), PATIENCE, "memcached listens")
        (said,) = sayings(daemon.pid, number)
        os.kill(daemon.pid, number)
        proc.wait_dead(daemon.pid)
    assert said.holds


@pytest.fixture(scope="module")
def database() -> Iterator[Path]:
    """An empty cluster, which one server after another uses."""
    programs = sorted(Path(POSTGRES).glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql-15")
    if os.geteuid() != 0:
        pytest.skip("PostgreSQL is run as user postgres, which needs root: sudo scripts/test")
    user = pwd.getpwnam("postgres")
    with home() as directory:
        os.chown(directory, user.pw_uid, user.pw_gid)
        initdb = [*_as_postgres(), str(programs[-1]), "-N", "-A", "trust", str(directory / "db")]
        subprocess.run(initdb, check=True, capture_output=True, timeout=60, cwd=directory)
        yield directory


def _as_postgres() -> list[str]:
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class Sessions:
    """A server with two sessions: the first sleeps in a query, the second is idle."""

    def __init__(self, directory: Path, port: int, bin_: Path) -> None:
        self._psql = [*_as_postgres(), str(bin_ / "psql"), "-h", str(directory), "-p", str(port)]
        self._psql += ["-U", "postgres", "-Atq", "postgres"]
        self.clients: list[subprocess.Popen[str]] = []
        self.pids: list[int] = []

    def open(self) -> None:
        pipe = subprocess.PIPE
        client = subprocess.Popen(
            self._psql, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
        self.clients.append(client)
        self.say(-1, "select pg_backend_pid();")
        assert client.stdout is not None
        self.pids.append(int(client.stdout.readline()))

    def say(self, number: int, text: str) -> None:
        stdin = self.clients[number].stdin
        assert stdin is not None
        stdin.write(text + "\n")
        stdin.flush()

    def hears(self, number: int) -> str:
        stdout = self.clients[number].stdout
        assert stdout is not None
        return stdout.readline()

    def close(self) -> None:
        for client in self.clients:
            client.kill()
            with suppress(BrokenPipeError):
                client.communicate()


@contextmanager
def postgres(directory: Path) -> Iterator[tuple[int, Sessions]]:
    bin_ = sorted(Path(POSTGRES).glob("*/bin"))[-1]
    port = free_port()
    place = ["-D", str(directory / "db"), "-k", str(directory), "-p", str(port)]
    command = [*_as_postgres(), str(bin_ / "postgres"), *place, "-c", "listen_addresses=127.0.0.1"]
    with Daemon([*command, "-c", "fsync=off"], directory=str(directory)) as daemon:
        proc.eventually(
            lambda: "ready to accept connections" in daemon.said(), PATIENCE, "postgres is ready"
        )
        sessions = Sessions(directory, port, bin_)
        try:
            sessions.open()
            sessions.open()
            sessions.say(0, "select pg_sleep(1000);")
            proc.eventually(
                lambda: b"SELECT" in Path(f"/proc/{sessions.pids[0]}/cmdline").read_bytes(),
                PATIENCE,
                "the query runs",
            )
            yield daemon.pid, sessions
        finally:
            sessions.close()


def test_postgres_int_cancels_a_query_and_term_ends_a_session(database: Path) -> None:
    with postgres(database) as (master, sessions):
        busy, idle = sessions.pids
        (cancel,), (end,) = sayings(busy, signal.SIGINT), sayings(busy, signal.SIGTERM)
        os.kill(busy, signal.SIGINT)
        assert "canceling statement" in sessions.hears(0)
        assert not gone(busy)
        os.kill(busy, signal.SIGTERM)
        proc.wait_dead(busy)
        sessions.say(1, "select 'alive';")
        assert sessions.hears(1) == "alive\n"
        assert not gone(master)
        assert not gone(idle)
    assert (cancel.loses, end.role) == ("the query", "session")


def test_postgres_kill_of_one_session_ends_all_sessions(database: Path) -> None:
    with postgres(database) as (master, sessions):
        (said,) = sayings(sessions.pids[0], signal.SIGKILL)
        os.kill(sessions.pids[0], signal.SIGKILL)
        proc.wait_dead(*sessions.pids)
        assert not gone(master)
    assert said.loses == "all sessions and their open transactions"


@pytest.mark.parametrize("name", ["INT", "QUIT"])
def test_postgres_fast_and_immediate_end_all_sessions(database: Path, name: str) -> None:
    with postgres(database) as (master, sessions):
        (said,) = sayings(master, signal.Signals[f"SIG{name}"])
        os.kill(master, signal.Signals[f"SIG{name}"])
        proc.wait_dead(*sessions.pids, master)
    assert said.loses


def test_postgres_term_waits_for_the_last_session(database: Path) -> None:
    with postgres(database) as (master, sessions):
        (said,) = sayings(master, signal.SIGTERM)
        os.kill(master, signal.SIGTERM)
        proc.eventually(lambda: not proc.masks(master).shared_pending, PATIENCE, "it is taken")
        sessions.say(1, "select 'alive';")
        assert sessions.hears(1) == "alive\n"
        sessions.close()
        os.kill(sessions.pids[0], signal.SIGTERM)
        proc.wait_dead(*sessions.pids, master)
    assert not said.loses
