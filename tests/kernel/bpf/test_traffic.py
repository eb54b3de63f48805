"""The programs that follow connections, on a process of our own."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sigscope.kernel.bpf import traffic
from sigscope.kernel.bpf.traffic import Traffic
from sigscope.model.traffic import Did, Event
from tests.harness import proc
from tests.kernel.bpf.engine import need_engine

SERVER = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    peer, _ = listener.accept()
    other = os.open("/dev/zero", os.O_RDONLY)
    os.read(other, 100)
    while data := peer.recv(1 << 16):
        os.write(peer.fileno(), data)
    os.close(other)
    peer.close()
"""


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_engine()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """Echoes what it gets; it reads from a file meanwhile, which is nobody's business."""
    path = str(tmp_path / "s")
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline()
        yield run.pid, path
        run.kill()


def until(seen: Traffic, last: Did) -> list[Event]:
    events: list[Event] = []

    def came() -> bool:
        events.extend(seen.events())
        return any(one.did is last for one in events)

    proc.eventually(came, 60, f"{last.name} is seen")
    return events


def say(path: str, *words: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        for word in words:
            peer.sendall(word)
            left = len(word)
            while left:
                left -= len(peer.recv(left))


def test_what_is_read_and_written_on_an_accepted_connection_and_nothing_else(
    server: tuple[int, str],
) -> None:
    pid, path = server
    with Traffic({pid: False}, []) as seen:
        say(path, b"one", b"two" * 4000)
        events = until(seen, Did.CLOSED)
    assert {one.pid for one in events} == {pid}
    kinds = [one.did for one in events]
    assert (kinds[0], kinds[-1]) == (Did.ACCEPTED, Did.CLOSED)
    moved = [one for one in events if one.data]
    assert [moved[0].data, moved[1].data] == [b"one", b"one"]
    for did in (Did.READ, Did.WROTE):
        assert b"".join(one.data for one in moved if one.did is did) == b"one" + b"two" * 4000
    assert all(one.whole and one.result == len(one.data) for one in moved)
    assert seen_in_order(events)


PIECES = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
peer, _ = listener.accept()
fd, cut, buffers = peer.fileno(), int(sys.argv[3]), [bytearray(7), bytearray(0), bytearray(1 << 20)]
while True:
    peer.recv(5, socket.MSG_PEEK)
    peer.recvmsg(5, 0, socket.MSG_PEEK)
    if sys.argv[2] == "vectors":
        size = os.readv(fd, buffers)
    else:
        size = peer.recvmsg_into(buffers)[0]
    data = b"".join(buffers)[:size]
    pieces = [b"", *(data[at : at + cut] for at in range(0, size, cut))]
    if not data:
        break
    while pieces:
        some, pieces = pieces[:1000], pieces[1000:]
        written = os.writev(fd, some) if sys.argv[2] == "vectors" else peer.sendmsg(some)
        assert written == sum(map(len, some))
"""


def echoed(folder: Path, way: str, cut: int, *words: bytes) -> list[Event]:
    """All that is seen of a process that reads and writes in pieces of so many bytes."""
    path = str(folder / "pieces")
    with subprocess.Popen(
        [sys.executable, "-c", PIECES, path, way, str(cut)], stdout=subprocess.PIPE
    ) as run:
        try:
            assert run.stdout is not None
            assert run.stdout.readline()
            with Traffic({run.pid: False}, []) as seen:
                say(path, *words)
                return until(seen, Did.ENDED)
        finally:
            run.kill()


def moved(events: list[Event], did: Did) -> list[Event]:
    return [one for one in events if one.did is did and one.result > 0]


@pytest.mark.parametrize("way", ["vectors", "messages"])
def test_what_an_iovec_names_is_copied_piece_by_piece(tmp_path: Path, way: str) -> None:
    words = b"abc", bytes(range(200)), b"z" * 3000
    events = echoed(tmp_path, way, 150, *words)
    for did in (Did.READ, Did.WROTE):
        found = moved(events, did)
        assert all(one.whole and one.result == len(one.data) for one in found), did
        assert b"".join(one.data for one in found) == b"".join(words)


@pytest.mark.parametrize("way", ["vectors", "messages"])
@pytest.mark.parametrize(("cut", "size", "least"), [(10, 2000, 230), (9000, 60000, 16320)])
def test_of_many_or_long_pieces_the_first_are_copied(
    tmp_path: Path, way: str, cut: int, size: int, least: int
) -> None:
    word = bytes(number % 251 for number in range(size))
    events = echoed(tmp_path, way, cut, word)
    written = moved(events, Did.WROTE)
    assert sum(one.result for one in written) == size
    assert all(one.whole for one in written)
    at = 0
    for one in written:
        assert len(one.data) >= min(least, one.result)
        assert word[at:].startswith(one.data)
        at += one.result
    assert any(len(one.data) < one.result for one in written)


def seen_in_order(events: list[Event]) -> bool:
    return all(a.time <= b.time for a, b in itertools.pairwise(events))


def test_of_a_long_write_the_beginning_is_copied(server: tuple[int, str]) -> None:
    pid, path = server
    with Traffic({pid: False}, []) as seen:
        say(path, b"x" * 60000)
        events = until(seen, Did.CLOSED)
    long = max((one for one in events if one.did is Did.READ), key=lambda one: one.result)
    assert long.result > len(long.data) > 16000


def test_the_end_of_a_process_and_who_sent_the_signal(server: tuple[int, str]) -> None:
    pid, _ = server
    with Traffic({pid: False}, []) as seen:
        os.kill(pid, signal.SIGTERM)
        events = until(seen, Did.ENDED)
    sent, end = events[-2:]
    assert (sent.did, sent.result, sent.pid, sent.other) == (Did.SIGNALLED, 15, os.getpid(), pid)
    assert (end.pid, end.result & 0x7F) == (pid, 15)


def test_a_full_buffer_is_told_where_it_was_full(
    server: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pid, path = server
    monkeypatch.setattr(traffic, "RING", 1 << 12)
    with Traffic({pid: False}, []) as seen:
        say(path, *(b"x" * 300 for _ in range(40)))
        first = list(seen.events())
        assert first[0].lost == 0
        assert seen.lost > 0
        say(path, b"again")
        later = until(seen, Did.CLOSED)
        seen_lost = seen.lost
    counts = [one.lost for one in (*first, *later)]
    assert counts == sorted(counts)
    assert {one.lost for one in later} == {seen_lost}


def test_nothing_stays_behind(server: tuple[int, str]) -> None:
    pid, path = server
    before = _programs()
    with Traffic({pid: False}, []):
        assert len(_programs()) == len(before) + 4
        say(path, b"one")
    assert _programs() == before


def _programs() -> list[str]:
    """Our descriptors of such programs: without one, the kernel has taken it off."""
    found = []
    for fd in os.listdir("/proc/self/fdinfo"):
        try:
            text = Path(f"/proc/self/fdinfo/{fd}").read_text()
        except OSError:
            continue
        if "prog_tag:" in text and "prog_type:\t17" in text and "link_type" not in text:
            found.append(fd)
    return sorted(found)
