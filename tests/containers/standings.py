"""The places: from where sigscope is run, and at whom it looks there.

A place is a context manager: it starts a target, and gives a ``Standing`` that runs sigscope
there. Each takes the target's program from ``tests/targets/asked.c``, of which every command has
something to ask.
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import pytest

from tests.containers import places
from tests.harness.build import build, directory, required
from tests.harness.command import Said
from tests.harness.targets import start
from tests.harness.users import own_user
from tests.kernel.command import as_nobody, command, environment
from tests.seccomp.profiles import container

PATIENCE = 120


Calls = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Standing:
    """Where one stands: ``pid`` is the target as seen there; ``run`` makes several calls."""

    pid: int
    run: Callable[[Calls], list[Said]]
    folder: str = "/tmp"


def _behind(words: Sequence[str], python: str, folder: str) -> Callable[[Calls], list[Said]]:
    """sigscope behind these words."""

    def call(one: Sequence[object]) -> Said:
        ran = subprocess.run(
            [*words, *command(*one, python=python)],
            env=environment(XDG_STATE_HOME=f"{folder}/state"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd="/",
            check=False,
        )
        return Said(ran.returncode, ran.stdout, ran.stderr)

    return lambda calls: [call(one) for one in calls]


@dataclass(frozen=True)
class Place:
    """``name`` as the manual has it."""

    name: str
    enter: Callable[[], AbstractContextManager[Standing]]
    loose: frozenset[str] = frozenset()
    """Rows that depend on this machine, too: the manual is not compared with them."""


_WITH_TRACEFS = (
    *("unshare", "--mount", "sh", "-c"),
    'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec "$@"',
    "sh",
)
"""Whether somebody has mounted it on this machine is no matter of the place."""


def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can take the other places: sudo scripts/test")


@contextlib.contextmanager
def _plain(*words: str, user: int = 0, ours: int | None = None) -> Iterator[Standing]:
    """Behind ``words``, with a target of ``user``; ``ours`` is who we are there."""
    _root()
    python = sys.executable if ours is None else as_nobody()["python"]
    folder = directory() / f"place-{own_user()}"
    folder.mkdir()
    if ours is not None:
        os.chown(folder, ours, ours)
    with start("asked", *((user,) if user else ())) as target:
        run = _behind((*_WITH_TRACEFS, *words), python, str(folder))
        yield Standing(target.pid, run, str(folder))


def _bounded(*kept: str) -> tuple[str, ...]:
    """As root with nothing but these capabilities."""
    setpriv = required("setpriv", "util-linux")
    return (setpriv, ",".join(("--bounding-set=-all", *(f"+{name}" for name in kept))))


def _user(uid: int, *capabilities: str) -> tuple[str, ...]:
    """As a user who has these capabilities besides."""
    setpriv = required("setpriv", "util-linux")
    words = [setpriv, f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    if capabilities:
        given = ",".join(f"+{name}" for name in capabilities)
        words += [f"--inh-caps={given}", f"--ambient-caps={given}"]
    return tuple(words)


def _root_here() -> AbstractContextManager[Standing]:
    return _plain()


@contextlib.contextmanager
def _own() -> Iterator[Standing]:
    uid = own_user()
    with _plain(*_user(uid), user=uid, ours=uid) as standing:
        yield standing


@contextlib.contextmanager
def _another() -> Iterator[Standing]:
    uid = own_user()
    with _plain(*_user(uid), ours=uid) as standing:
        yield standing


@contextlib.contextmanager
def _user_with(*capabilities: str) -> Iterator[Standing]:
    uid = own_user()
    with _plain(*_user(uid, *capabilities), ours=uid) as standing:
        yield standing


def _root_with(*capabilities: str) -> AbstractContextManager[Standing]:
    return _plain(*_bounded(*capabilities))


@contextlib.contextmanager
def _user_namespace() -> Iterator[Standing]:
    with _plain(required("unshare", "util-linux"), "--user", "--map-root-user") as standing:
        if standing.run([("--version",)])[0].status:
            pytest.skip("no user namespace may be made here")
        yield standing


@contextlib.contextmanager
def _filtered(*before: str) -> Iterator[Standing]:
    """Under the profile of Docker, which refuses bpf(2) and perf_event_open(2)."""
    program = directory() / "docker.filter"
    rows = (struct.pack("=HBBI", *row) for row in container().instructions)
    program.write_bytes(b"".join(rows))
    with _plain(*before, str(build("under_filter")), str(program)) as standing:
        yield standing


@contextlib.contextmanager
def _of_runc(place: places.Place) -> Iterator[Standing]:
    _root()
    with place.open(str(build("asked")), "read") as spot:

        def run(calls: Calls) -> list[Said]:
            return spot.run_each([tuple(map(str, one)) for one in calls])

        yield Standing(spot.target, run)


_LOOSE = {"user-namespace": frozenset(("watch", "watch --engine tracefs"))}
"""There /sys comes with all that is mounted below: with tracefs, if this machine has it."""

PLACES: tuple[Place, ...] = (
    Place("root of the host", _root_here),
    Place("user, own process", _own),
    Place("user, another's process", _another),
    Place("user with SYS_PTRACE", lambda: _user_with("sys_ptrace")),
    Place("user with BPF and PERFMON", lambda: _user_with("bpf", "perfmon")),
    Place("root without capabilities", lambda: _root_with()),
    Place("root with SYS_PTRACE alone", lambda: _root_with("sys_ptrace")),
    Place("root under Docker's seccomp profile", _filtered),
    Place("root of a user namespace", _user_namespace),
    *(
        Place(place.what, partial(_of_runc, place), _LOOSE.get(place.name, frozenset()))
        for place in places.PLACES
    ),
)
"""Whoever knows another one adds it here, and generates the manual again."""
