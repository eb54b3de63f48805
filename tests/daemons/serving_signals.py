"""One request in flight through a real server, held by the test itself for as long as it likes.

Every server here fronts for `Behind`: it asks that, and passes the answer on. So the
test knows when a request is in flight, and decides when it would be answered.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sigscope.analysis.catalog import documented
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.kernel.settings import read_settings
from sigscope.model.catalog import Said
from sigscope.model.signals import Signal
from tests.harness import proc
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE

HTTP = b"GET /held HTTP/1.0\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\nthe-end\n"


class Behind(contextlib.AbstractContextManager["Behind"]):
    """What the server asks; the test answers, or does not."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]

    def asked(self) -> socket.socket:
        """Wait for the server's question; the connection on which it waits for the answer."""
        held, _ = self._listener.accept()
        held.settimeout(PATIENCE)
        return held

    def __exit__(self, *_: object) -> None:
        self._listener.close()


class InFlight(contextlib.AbstractContextManager["InFlight"]):
    """A request that the server has accepted and not answered."""

    def __init__(self, port: int, behind: Behind, question: bytes) -> None:
        self._client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._client.sendall(question)
        self._held = behind.asked()

    @property
    def waits(self) -> bool:
        """Nothing has come yet, neither an answer nor the end of the connection."""
        return not select.select([self._client], [], [], 0)[0]

    @property
    def asker(self) -> int:
        """The local port of the server's side of the question."""
        port: int = self._held.getpeername()[1]
        return port

    def answer(self) -> None:
        with contextlib.suppress(OSError):
            self._held.sendall(ANSWER)
            self._held.close()

    def lost(self) -> bool:
        """Wait for the end of the connection: was it without the answer?"""
        data = b""
        with contextlib.suppress(ConnectionError):
            while piece := self._client.recv(4096):
                data += piece
        # A server may wait for this before it calls the request done.
        self._client.close()
        return b"the-end" not in data

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._held.close()


@dataclass(frozen=True)
class Server:
    """How to start one: its command, given its directory, its port and what is behind it."""

    command: Callable[[Path, int, Behind], list[str]]
    question: Callable[[Path], bytes] = lambda _: HTTP


@dataclass
class Scene:
    """A server with a request in flight, and what it was before the signal."""

    daemon: Daemon
    port: int
    flight: InFlight
    before: list[int]
    target: int

    @property
    def master(self) -> int:
        return self.daemon.pid

    def listens(self) -> bool:
        return listens(self.port)


Sign = Callable[[Scene], bool]


def unmoved(scene: Scene) -> bool:
    """It has taken the signal, and does what it did."""
    return _taken(scene) and scene.listens() and not gone(scene.target)


def sent(scene: Scene) -> bool:
    """Nothing is to be seen of it before the request is answered."""
    return scene.flight.waits


def deaf(scene: Scene) -> bool:
    """It listens no more, and has not ended."""
    return not scene.listens() and not gone(scene.master)


def changed(scene: Scene) -> bool:
    """Its children are others, or fewer, or more, and it has not ended."""
    return not gone(scene.master) and proc.descendants(scene.master) != scene.before


def ended(scene: Scene) -> bool:
    """It has ended, and nobody listens."""
    return gone(scene.master) and not scene.listens()


def orphaned(scene: Scene) -> bool:
    """It has ended, and somebody still listens."""
    return gone(scene.master) and scene.listens()


def renewed(scene: Scene) -> bool:
    """The same pid, and other children, none of the old."""
    left = set(scene.before) & set(proc.descendants(scene.master))
    return changed(scene) and scene.listens() and not left


def replaced(scene: Scene) -> bool:
    """The target has ended, and its master has another instead."""
    return gone(scene.target) and changed(scene) and scene.listens()


def logged(words: str) -> Sign:
    """It says so on its standard output or error."""

    def says(scene: Scene) -> bool:
        return words in scene.daemon.said()

    return says


@dataclass(frozen=True)
class Trial:
    """Send it: is the request lost, or after which ``sign`` is it answered? And ``then``?"""

    name: str
    lost: bool
    then: Sign
    sign: Sign = unmoved
    worker: bool = False

    @property
    def number(self) -> signal.Signals:
        return signal.Signals[f"SIG{self.name}"]

    @property
    def label(self) -> str:
        return f"{self.name}-{'worker' if self.worker else 'master'}"


def tried(server: Server, trial: Trial) -> tuple[Said, ...]:
    """Do it, hold it against what was expected, and give what the catalogue says of it."""
    with scene(server, trial.worker) as seen:
        said = sayings(seen.target, trial.number)
        os.kill(seen.target, trial.number)
        if not trial.lost:
            _wait(lambda: trial.sign(seen), seen, trial.sign)
            assert seen.flight.waits
            seen.flight.answer()
        assert seen.flight.lost() == trial.lost
        # Some wait for whoever still waits for an answer before they end themselves.
        seen.flight.answer()
        _wait(lambda: trial.then(seen), seen, trial.then)
    assert said, "the catalogue is silent"
    assert [one.holds for one in said] == [True], said
    return said


def _wait(what: Callable[[], bool], seen: Scene, sign: Sign) -> None:
    try:
        proc.eventually(what, PATIENCE, sign.__doc__ or sign.__name__)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{seen.daemon.said()}") from error


@contextlib.contextmanager
def scene(server: Server, worker: bool = False) -> Iterator[Scene]:
    """The server, once it listens and has forked what it forks, with one request in flight."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(home())
        behind = stack.enter_context(Behind())
        port = free_port()
        command = server.command(directory, port, behind)
        daemon = stack.enter_context(Daemon(command, directory=str(directory)))
        try:
            proc.eventually(lambda: listens(port), PATIENCE, f"{command[0]} listens")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{daemon.said()}") from error
        flight = stack.enter_context(InFlight(port, behind, server.question(directory)))
        before = _settled(daemon.pid)
        target = _owner(before, flight.asker) if worker else daemon.pid
        yield Scene(daemon, port, flight, before, target)


def _settled(master: int) -> list[int]:
    """Its descendants, once they have stayed the same for a while: some start theirs late."""
    seen: list[list[int]] = []

    def steady() -> bool:
        seen.append(proc.descendants(master))
        return len(seen) > 8 and len({tuple(one) for one in seen[-8:]}) == 1

    proc.eventually(steady, PATIENCE, "it has forked what it forks")
    return seen[-1]


def _owner(pids: list[int], port: int) -> int:
    """Which of them has the TCP connection that begins at this port (/proc/net/tcp)?"""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    for pid in pids:
        with contextlib.suppress(OSError):
            fds = os.listdir(f"/proc/{pid}/fd")
            if any(os.readlink(f"/proc/{pid}/fd/{fd}") in inodes for fd in fds):
                return pid
    raise AssertionError(f"nobody of {pids} asks from port {port}")


def sayings(pid: int, number: int) -> tuple[Said, ...]:
    """What the catalogue says of this signal and this process."""
    procfs = ProcFS()
    host = look_closer(procfs, read_family(procfs, (pid,)), (pid,))
    process = host.processes[pid]
    parent = host.processes.get(process.ppid)
    return documented(process, Signal(number), read_settings(process), parent)


def listens(port: int) -> bool:
    """Is there a listening TCP socket? (Asked of /proc: a connection would be a request.)"""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def gone(pid: int) -> bool:
    """It has ended (its parent may not have noticed)."""
    return proc.state(pid) in ("gone", "Z")


def _taken(seen: Scene) -> bool:
    return not proc.masks(seen.target).shared_pending


@contextlib.contextmanager
def home() -> Iterator[Path]:
    """A directory that a server without root may read."""
    with tempfile.TemporaryDirectory(prefix="sigscope-signals-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
