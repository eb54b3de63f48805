"""The hung hping3 of a uWSGI worker in one container, explained by the one file in a sidecar."""

from __future__ import annotations

import contextlib
import http.client
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.boxes import NOBODY, Box
from tests.harness import proc
from tests.harness.build import required
from tests.harness.containers import Container
from tests.harness.daemons import free_port
from tests.harness.targets import PATIENCE
from tests.harness.uwsgi import APPLICATION, is_stuck

ENOUGH = 40  # requests: the first or second is answered by a thread that blocks all signals
PYTHON = "/opt/python/bin/python3"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root: sudo scripts/test")


class Pod(Container):
    """hping3 wants a raw socket, and uWSGI a network to be asked by: that of this host."""

    def _config(self, *args: Any) -> dict[str, Any]:
        config = super()._config(*args)
        sets = ("bounding", "effective", "permitted", "inheritable")
        config["process"]["capabilities"] = {name: ["CAP_NET_RAW"] for name in sets}
        names = "/etc/alternatives"  # Debian's uwsgi_python3 is a link to there
        bind = {"destination": names, "source": names, "type": "bind", "options": ["bind", "ro"]}
        config["mounts"].append(bind)
        return config


@dataclass(frozen=True)
class Hung:
    """As the container counts: its hung child, the worker and the thread that started it."""

    init: int
    child: int
    worker: int


def inside(pid: int) -> int:
    return int(proc.status(pid)["NSpid"].split()[-1])


def children_of(name: str, above: int) -> list[int]:
    found = []
    for pid in proc.descendants(above):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if proc.name(pid) == name:
                found.append(pid)
    return found


@pytest.fixture(scope="module")
def hung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hung]:
    program = required("uwsgi_python3", "uwsgi-core uwsgi-plugin-python3")
    hping3 = required("hping3", "hping3")
    folder = tmp_path_factory.mktemp("pod")
    (folder / "app.py").write_bytes(APPLICATION.read_bytes())
    port = free_port()
    command = [
        *("/usr/bin/env", f"SIGSCOPE_TEST_LOG={folder}/log", f"HPING3={hping3}", program),
        *("--http-socket", f"127.0.0.1:{port}", "--wsgi-file", f"{folder}/app.py"),
        *("--need-app", "--die-on-term", "--master", "--threads", "4"),
    ]
    with Pod(command, folders=[folder]) as pod:
        child = _hang(pod, port)
        yield Hung(pod.init, inside(child), inside(int(proc.status(child)["PPid"])))


def _hang(pod: Container, port: int) -> int:
    """Ask until a child hangs."""

    def answers() -> bool:
        with contextlib.suppress(OSError):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, 1)) as client:
                client.connect()
            return True
        return False

    def settled() -> list[list[int]]:
        """One list, of those that hang, as soon as the others have ended."""
        there = children_of("hping3", pod.init)
        return [there] if all(map(is_stuck, there)) else []

    proc.eventually(answers, PATIENCE, "uWSGI accepts connections")
    for _ in range(ENOUGH):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.closing(client), contextlib.suppress(TimeoutError):
            client.request("GET", "/probe")
            client.sock.settimeout(1.0)
            client.getresponse().read()
        if stuck := proc.eventually(settled, PATIENCE, "hping3 ends or hangs")[0]:
            return stuck[0]
    raise AssertionError(f"none of {ENOUGH} children hung: {pod.said()}")


@pytest.mark.parametrize("user", [0, NOBODY])
def test_it_is_explained_without_a_capability(user: int, hung: Hung, archive: Path) -> None:
    box = Box(user=user, init=hung.init, files={"/sigscope.pyz": archive})
    said = box.run(PYTHON, "/sigscope.pyz", "pid", "hping3")
    assert said.status == 1, said.err
    words = " ".join(said.out.split())
    assert f"hping3 {hung.child}" in words
    assert "ERROR SIGALRM is pending and blocked in its only thread" in words
    assert f"inherited from uwsgi_python3 {hung.worker}, thread" in words
    assert "3 of its 4 threads block 60 signals" in words
    assert f"now: sigscope unblock ALRM {hung.child}" in words


def test_and_freed_with_one(hung: Hung, archive: Path) -> None:
    """The last test of this pod: hping3 ends."""
    box = Box(
        init=hung.init,
        capabilities=["CAP_SYS_PTRACE"],
        files={"/sigscope.pyz": archive},
        memory={"/tmp": "16m"},
        environment={"XDG_STATE_HOME": "/tmp"},
    )
    said = box.run(PYTHON, "/sigscope.pyz", "unblock", "ALRM", hung.child, "--yes")
    assert said.status == 0, said.err
    proc.eventually(lambda: not children_of("hping3", hung.init), PATIENCE, "hping3 goes on")
