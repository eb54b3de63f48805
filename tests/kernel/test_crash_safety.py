"""The tracer is killed with SIGKILL at every step, and at random: nobody dies, hangs or stays
stopped, nothing is lost, and the target finds its state as it was.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.inspecting import Dying, done, in_a_child, look, steps
from tests.harness.queueing import queue_value
from tests.harness.targets import Target

CHOSEN, RANDOM = 60, 60
"""Points of one run of the tests; ``scripts/bench --harmless`` takes ten times as many."""


def free(process: Target) -> None:
    for tid in proc.tids(process.pid):
        proc.eventually(
            lambda tid=tid: (
                proc.status(process.pid, tid)["TracerPid"] == "0"  # type: ignore[misc]
                and proc.state(process.pid, tid) not in ("t", "T")
            ),
            saying=f"thread {tid} is free and runs",
        )


def finish(process: Target, values: int) -> None:
    process.close_input()
    told = process.hear()
    assert told is not None, f"it died: {process.wait()}"
    assert (told["wrong"], told["values"]) == ("", values)
    assert process.wait() == 0


def killed_at(process: Target, step: int) -> int:
    return in_a_child(lambda: look(process.pid, requests=Dying(step)))


def test_killed_at_chosen_steps(target: TARGET_FIXTURE) -> None:
    process = target("self_checking")
    last = steps(process.pid)
    killed = 0
    for number in range(CHOSEN):
        step = number * last // CHOSEN
        status = done(killed_at(process, step))
        assert status in (0, -signal.SIGKILL)
        killed += status == -signal.SIGKILL
        queue_value(process.pid, process.truth["ordered"], number + 1)
    assert killed > CHOSEN // 2, "a look is not always of the same length"
    free(process)
    finish(process, CHOSEN)


def test_killed_at_random_moments(target: TARGET_FIXTURE) -> None:
    process = target("self_checking")
    dice = random.Random(7)

    def looks() -> None:
        while True:
            look(process.pid)

    for number in range(RANDOM):
        child = in_a_child(looks)
        time.sleep(dice.random() * 0.02)
        queue_value(process.pid, process.truth["ordered"], number + 1)
        os.kill(child, signal.SIGKILL)
        assert done(child) == -signal.SIGKILL
    free(process)
    finish(process, RANDOM)


@pytest.mark.parametrize("name", ["nanosleep", "epoll_wait_endless", "read_pipe", "recvfrom_timeo"])
def test_killed_in_a_call(target: TARGET_FIXTURE, name: str) -> None:
    """A call that was interrupted may end with EINTR, if nobody is there to prevent it; the
    program lives, and what it returns is one of its own results.
    """
    for step in range(0, 48, 3):
        process = target("blocking_call", name, 400, "plain")
        done(killed_at(process, step))
        free(process)
        if name in ("epoll_wait_endless", "read_pipe"):
            proc.eventually(
                lambda process=process: (
                    proc.syscall(process.pid, process.pid)  # type: ignore[misc]
                    is not None
                    or proc.state(process.pid) == "Z"
                )
            )
            process.send(signal.SIGUSR1)
        told = process.hear()
        assert told is not None, f"killed at step {step}, it died: {process.wait()}"
        good = {(-1, 4), (-1, 11), (0, 0)} if name == "recvfrom_timeo" else {(-1, 4), (0, 0)}
        assert (told["ret"], told["errno"]) in good - ({(0, 0)} if "read" in name else set())
        process.stop()


def test_a_signal_on_its_way_survives(target: TARGET_FIXTURE) -> None:
    """A real signal beats our stop at times: it must arrive though the tracer dies there."""
    process = target("self_checking")
    dice = random.Random(11)
    for number in range(RANDOM):
        child = killed_at(process, dice.randrange(4, 40))
        queue_value(process.pid, process.truth["ordered"], number + 1)
        done(child)
    free(process)
    finish(process, RANDOM)
