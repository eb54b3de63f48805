"""For every check of the audit, and each severity that it has, a real process that raises it.

Each entry of ``RAISING`` yields of whom it must be said. A check that has none fails
``test_audit_raising.py``.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.differential.freezer import Freezer, mounted
from tests.harness import proc, units
from tests.harness.build import build
from tests.harness.command import sigscope
from tests.harness.containers import Container, namespace
from tests.harness.daemons import Daemon
from tests.harness.targets import PATIENCE
from tests.harness.users import own_user
from tests.kernel.bpf.engine import need_engine

ALL = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))
HANDLES = "import signal; signal.signal(signal.SIGUSR1, print); signal.pause()"
PYTHON = "/usr/bin/python3"


class Seen(NamedTuple):
    """A pid, and if it is one of another pid namespace the init of that, as we count."""

    pid: int
    within: int | None = None


Raiser = Callable[[TARGET_FIXTURE, Path], contextlib.AbstractContextManager[Seen]]


def root() -> None:
    """Skip what needs it."""
    if os.geteuid() != 0:
        pytest.skip("it needs root")


def _target(name: str, *arguments: str | int | Collection[int], child: bool = False) -> Raiser:
    @contextlib.contextmanager
    def raiser(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
        started = target(name, *arguments)
        yield Seen(started.children["child"] if child else started.pid)

    return raiser


def _child_of_worker(*program: str) -> Raiser:
    """Started by a worker that blocks everything: the mask is not of its own doing."""
    workers = ("--workers", 3, "--workers-block", ALL, "--fork-by", 2)
    return _target("spawner", *workers, "--", *program, child=True)


def _ignoring(number: int) -> Raiser:
    return _target("spawner", "--ignore", int(number), "--", "sleep", "60", child=True)


def _after(raiser: Raiser, number: int) -> Raiser:
    """The same, with a signal sent to it."""

    @contextlib.contextmanager
    def sent(target: TARGET_FIXTURE, folder: Path) -> Iterator[Seen]:
        with raiser(target, folder) as seen:
            os.kill(seen.pid, number)
            yield seen

    return sent


def _queue(count: int) -> Raiser:
    @contextlib.contextmanager
    def raiser(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
        root()
        yield Seen(target("many_timers", own_user(), 20, count).pid)

    return raiser


@contextlib.contextmanager
def _inherited_handler(target: TARGET_FIXTURE, folder: Path) -> Iterator[Seen]:
    with _child_of_worker(PYTHON, "-c", HANDLES)(target, folder) as seen:
        proc.eventually(lambda: signal.SIGUSR1 in proc.masks(seen.pid).caught)
        yield seen


@contextlib.contextmanager
def _hung(target: TARGET_FIXTURE, folder: Path) -> Iterator[Seen]:
    root()
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this kernel has no FUSE: modprobe fuse")
    yield Seen(target("hung_fuse", str(folder)).children["child"])


@contextlib.contextmanager
def _frozen(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    version = next((one for one in ("v2", "v1") if mounted(one) is not None), None)
    if version is None:
        pytest.skip("no cgroup freezer can be used here: root, and a writable cgroup mount")
    child = target("ignores", [signal.SIGHUP])
    freezer = Freezer(version, child.pid)
    try:
        freezer.freeze()
        proc.eventually(lambda: freezer.frozen)
        yield Seen(child.pid)
    finally:
        freezer.thaw()
        child.stop()
        freezer.close()


def _in_container(*command: str, call: str) -> Raiser:
    @contextlib.contextmanager
    def raiser(_: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
        root()
        with Container(command) as container:
            proc.wait_syscall(container.init, container.init, call)
            yield Seen(container.init)

    return raiser


def _in_namespace(*command: str, call: str) -> Raiser:
    @contextlib.contextmanager
    def raiser(_: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
        root()
        with namespace(*command) as init:
            proc.wait_syscall(init, init, call)
            yield Seen(init)

    return raiser


@contextlib.contextmanager
def _held_from_outside(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    """In its own namespace it is 1, and TracerPid is 0: nobody there is the tracer."""
    asleep = _in_namespace("sleep", "60", call="clock_nanosleep")
    # Who is traced is not gone before its tracer is: that ends first.
    with asleep(target, _folder) as init, target("tracer", init.pid):
        yield Seen(1, within=init.pid)


@contextlib.contextmanager
def shell_of_a_service(_target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    """A start script that does not end with exec, as the main process of a unit."""
    with Daemon(["sh", "-c", "sleep 60; :"]) as shell, units.service(shell.pid, "wrapped"):
        proc.wait_syscall(shell.pid, shell.pid, "wait4")
        yield Seen(shell.pid)


def _timer(raiser: Raiser) -> Raiser:
    @contextlib.contextmanager
    def armed(target: TARGET_FIXTURE, folder: Path) -> Iterator[Seen]:
        with raiser(target, folder) as seen:
            proc.eventually(lambda: Path(f"/proc/{seen.pid}/timers").read_text())
            yield seen

    return armed


@contextlib.contextmanager
def _spreading(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    workers = ("--workers", 3, "--workers-block", ALL, "--fork-by", 2)
    yield Seen(target("spawner", *workers, "--", "sleep", "60").pid)


@contextlib.contextmanager
def _refusing(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    need_engine()
    yield Seen(target("filtered_sleep", "nanosleep", "deny").pid)


OWN_TIMER = ("env", "-u", "READY_FD", str(build("posix_timer")))


@contextlib.contextmanager
def _ticking(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    need_engine()
    yield Seen(target("ticking", 7).pid)


@contextlib.contextmanager
def _waiting(target: TARGET_FIXTURE, _folder: Path) -> Iterator[Seen]:
    """A limit of a second, and asleep for longer than that."""
    need_engine()
    child = target("alarms", "", "prof:1")
    proc.eventually(
        lambda: "note timer-not-advancing" in sigscope("pid", child.pid, "--json").ids(child.pid),
        PATIENCE,
    )
    yield Seen(child.pid)


RAISING: dict[tuple[str, str], Raiser] = {
    ("error", "blocked-pending"): _target("blocked_pending"),
    ("warning", "blocked-handler"): _inherited_handler,
    ("warning", "blocked-inherited"): _child_of_worker("sleep", "60"),
    ("warning", "blocked-fault"): _child_of_worker("sleep", "60"),
    ("note", "blocked-fault"): _target("fault_blocked"),
    ("warning", "sigchld-ignored"): _ignoring(signal.SIGCHLD),
    ("warning", "stopped"): _target("stopped"),
    ("note", "stopped"): _held_from_outside,
    ("note", "leader-dead"): _target("dead_leader"),
    ("note", "ignored-inherited"): _ignoring(signal.SIGHUP),
    ("note", "timer-not-advancing"): _waiting,
    ("error", "unkillable"): _hung,
    ("warning", "unkillable"): _after(_target("vfork_parent"), signal.SIGQUIT),
    ("error", "stopped-with-pending"): _after(_target("stopped"), signal.SIGTERM),
    ("error", "queue-near-limit"): _queue(20),
    ("warning", "queue-near-limit"): _queue(17),
    ("warning", "spreading-mask"): _spreading,
    ("warning", "frozen"): _frozen,
    ("warning", "init-ignores-term"): _in_container("sleep", "60", call="clock_nanosleep"),
    ("note", "init-ignores-term"): _in_namespace("sleep", "60", call="clock_nanosleep"),
    ("warning", "shell-wrapper"): _in_container("sh", "-c", "sleep 60; :", call="wait4"),
    ("note", "shell-wrapper"): shell_of_a_service,
    ("warning", "timer-blocked"): _timer(_child_of_worker(*OWN_TIMER)),
    ("note", "timer-blocked"): _timer(_target("posix_timer", [signal.SIGALRM])),
    ("warning", "zombies"): _target("many_zombies", 5),
    ("note", "zombies"): _target("zombie"),
    ("note", "traced"): _target("tracer", child=True),
    ("warning", "seccomp-restart"): _refusing,
    ("note", "seccomp-restart"): _target("filtered_sleep", "nanosleep", "unclear"),
    ("note", "handler-without-restart"): _ticking,
}
