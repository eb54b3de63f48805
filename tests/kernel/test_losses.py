"""The connections of a process: by psutil, without it, and in a network namespace of its own."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator

import pytest

from sigscope.kernel import ProcFS
from sigscope.kernel.losses import read_loss
from sigscope.kernel.scan import read_family
from sigscope.model.loss import Loss
from tests.harness import proc
from tests.harness.daemons import Daemon

PAIRS = "import socket, time; kept = [socket.socketpair() for _ in range(3)]; time.sleep(1000)"


def loss(pid: int) -> Loss:
    procfs = ProcFS()
    return read_loss(procfs, read_family(procfs, [pid]).processes[pid])


@pytest.fixture
def peer() -> Iterator[str]:
    """A connection of this process with itself; the address of its other end."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        host, port = server.getsockname()
        yield f"{host}:{port}"


@pytest.mark.parametrize("installed", [True, False])
def test_connections_are_told_with_psutil_and_without(
    installed: bool, peer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "psutil", None)  # as if: to import it fails
    before = loss(os.getpid()).unix
    ours, theirs = socket.socketpair()
    with ours, theirs:
        found = loss(os.getpid())
    assert found.peers is not None
    assert peer in found.peers
    assert before is not None
    assert found.unix == before + 2
    assert found.gaps == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace is made by root alone")
def test_a_network_namespace_of_its_own_is_not_mistaken_for_ours() -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is of util-linux: apt-get install util-linux")
    with Daemon(["unshare", "--net", sys.executable, "-c", PAIRS]) as daemon:
        proc.eventually(lambda: loss(daemon.pid).unix == 6, 20, "it has made its sockets")
        assert loss(daemon.pid).peers == ()
