"""Shells and small inits: who passes a signal on, and who does not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.daemons.serving_signals import gone, sayings
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon
from tests.harness.targets import PATIENCE


@contextmanager
def wrapped(*command: str) -> Iterator[tuple[int, int]]:
    """The wrapper, and the ``sleep`` that it has started."""
    with Daemon(command) as daemon:

        def asleep() -> list[int]:
            return [pid for pid in proc.children(daemon.pid) if proc.name(pid) == "sleep"]

        (child,) = proc.eventually(asleep, PATIENCE, "it has started its child")
        yield daemon.pid, child


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_dies_alone(shell: str) -> None:
    with wrapped(required(shell, shell), "-c", "sleep 1000; true") as (pid, child):
        (said,) = sayings(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGTERM)
        proc.wait_dead(pid)
        assert not gone(child)
    assert said.holds
    assert "passes nothing on" in said.does


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_trap_waits_for_the_command_that_runs(shell: str) -> None:
    script = "trap 'echo trapped; exit 0' TERM; sleep 1000; true"
    with wrapped(required(shell, shell), "-c", script) as (pid, child):
        (said,) = sayings(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGTERM)
        proc.eventually(lambda: not proc.masks(pid).shared_pending, PATIENCE, "it is taken")
        assert not gone(pid)
        os.kill(child, signal.SIGKILL)
        proc.wait_dead(pid)
    assert said.holds
    assert "only once the command" in said.does


@pytest.mark.parametrize(
    "command", [("tini", "-s", "--"), ("dumb-init",)], ids=lambda words: words[0]
)
@pytest.mark.parametrize("name", ["TERM", "HUP", "USR1", "QUIT"])
def test_a_small_init_passes_it_on_and_ends_with_its_child(
    command: tuple[str, ...], name: str
) -> None:
    program = required(command[0], command[0])
    with wrapped(program, *command[1:], "sleep", "1000") as (pid, child):
        (said,) = sayings(pid, signal.Signals[f"SIG{name}"])
        os.kill(pid, signal.Signals[f"SIG{name}"])
        proc.wait_dead(pid, child)
    assert said.holds
    assert "passes it on" in said.does
