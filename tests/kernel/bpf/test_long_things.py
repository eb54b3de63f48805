"""What is longer than a walk may write of one task, and what changes while it is read."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from signal import SIGRTMIN, SIGUSR1

import pytest

from sigscope.kernel.bpf.depth import read_all_deep, read_deep
from sigscope.kernel.bpf.opening import open_tasks
from sigscope.kernel.bpf.queues import MOST_ENTRIES, read_queues
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.model.seccomp import Instruction
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.targets import Target
from tests.kernel.bpf.engine import need_engine, seen

RETURN, LOAD = 0x06, 0x00
ALLOW = 0x7FFF0000
FIRST_REAL_TIME = 34


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    with open_tasks() as opened:
        yield opened


def queue_to(target: Target, count: int, signal: int = FIRST_REAL_TIME) -> None:
    """So many signals, with the values 0, 1, 2 ..."""
    target.tell("clear")
    target.tell(f"mask {1 << (signal - 1):x}")
    for value in range(count):
        target.tell(f"queue {signal:x} {value:x}")
    target.tell("go")
    assert target.hear() is not None


@pytest.mark.parametrize("count", [1, 23, 24, 25, 240, 241, 264, 265, 1000])
def test_a_queue_of_any_length_is_read_whole(
    count: int, target: TARGET_FIXTURE, tasks: Tasks
) -> None:
    obedient = target("sigactions")
    queue_to(obedient, count)
    deep = read_deep(tasks, obedient.pid)
    assert deep is not None
    assert deep.process.queue is not None
    assert [info.value for info in deep.process.queue] == list(range(count))
    assert deep.process.queued == count


def test_of_an_endless_queue_the_rest_is_counted(target: TARGET_FIXTURE, tasks: Tasks) -> None:
    obedient = target("sigactions")
    count = MOST_ENTRIES + 500
    queue_to(obedient, count)
    deep = read_deep(tasks, obedient.pid)
    assert deep is not None
    assert deep.process.queue is not None
    assert [info.value for info in deep.process.queue] == list(range(MOST_ENTRIES))
    assert deep.process.queued == count


def test_the_queue_of_a_thread_may_be_long_too(target: TARGET_FIXTURE, tasks: Tasks) -> None:
    obedient = target("sigactions")
    obedient.tell("clear")
    obedient.tell(f"mask {1 << (FIRST_REAL_TIME - 1):x}")
    for value in range(300):
        obedient.tell(f"thread {FIRST_REAL_TIME:x} {value:x}")
    obedient.tell("go")
    assert obedient.hear() is not None
    deep = read_deep(tasks, obedient.pid)
    assert deep is not None
    queue = deep.threads[obedient.pid].queue
    assert queue is not None
    assert [info.value for info in queue] == list(range(300))
    assert deep.process.queue == ()


STORM = """\
import ctypes, itertools, os, signal, time
libc = ctypes.CDLL(None)
mine = [signal.SIGRTMIN]
signal.pthread_sigmask(signal.SIG_BLOCK, mine)
print(flush=True)
for turn in itertools.count():
    for value in range(64):
        libc.sigqueue(os.getpid(), int(signal.SIGRTMIN), ctypes.c_long(value))
    if turn % 16 == 0:
        time.sleep(0.004)  # a whole queue that does hold still for a moment
    for _ in range(64):
        signal.sigtimedwait(mine, 0)
"""


def test_a_queue_that_never_holds_still_is_told_right_or_not_at_all(tasks: Tasks) -> None:
    told = 0
    with subprocess.Popen([sys.executable, "-c", STORM], stdout=subprocess.PIPE) as storm:
        try:
            assert storm.stdout is not None
            storm.stdout.readline()
            for _ in range(300):
                queue = read_queues(tasks, storm.pid).get((storm.pid, True))
                if queue is None:
                    continue
                values = [info.value for info in queue.entries]
                told += bool(values)
                assert queue.total == len(values)
                assert {info.pid for info in queue.entries} <= {storm.pid}
                steps = {(after or 0) - (before or 0) for before, after in pairwise(values)}
                assert steps <= {1}, values
        finally:
            storm.kill()
    assert told


@pytest.mark.parametrize("lengths", [(1,), (2047,), (2048,), (2049,), (4096,), (4096, 1, 4096, 7)])
def test_filters_of_any_length_are_read_whole(
    lengths: tuple[int, ...], target: TARGET_FIXTURE
) -> None:
    filtered = target("long_filter", *lengths)
    (thread,) = seen(filtered.pid).threads
    assert thread.depth is not None
    filters = thread.depth.filters
    assert filters is not None
    assert [len(one.instructions) for one in filters] == list(reversed(lengths))
    for one in filters:
        assert one.complete
        *loads, last = one.instructions
        assert loads == [Instruction(LOAD, 0, 0, at) for at in range(len(loads))]
        assert last == Instruction(RETURN, 0, 0, ALLOW)


def test_filters_of_a_whole_host_are_those_of_each(target: TARGET_FIXTURE, tasks: Tasks) -> None:
    pids = {target("long_filter", length).pid: length for length in (3, 5, 3000)}
    everybody = read_all_deep(tasks)
    for pid, length in pids.items():
        filters = everybody[pid].threads[pid].filters
        assert filters is not None
        assert [len(one.instructions) for one in filters] == [length]


def test_an_action_that_changes_all_the_time_is_never_half_of_one(tasks: Tasks) -> None:
    """Handler and flags belong together: two walks have to agree."""
    libc = ctypes.CDLL(None)
    assert libc is not None
    ended = threading.Event()
    before = signal.getsignal(SIGUSR1)
    signal.signal(SIGUSR1, lambda *_: None)

    def flip() -> None:
        while not ended.is_set():
            signal.siginterrupt(SIGUSR1, False)
            signal.siginterrupt(SIGUSR1, True)

    try:
        flipping = threading.Thread(target=flip)
        flipping.start()
        for _ in range(100):
            deep = read_deep(tasks, os.getpid())
            assert deep is not None
            assert deep.process.actions is not None
            action = deep.process.actions[SIGUSR1 - 1]
            assert action.disposition == "caught"
            assert set(action.flag_names) <= {"RESTART", "ONSTACK", "RESTORER"}
    finally:
        ended.set()
        flipping.join(30)
        signal.signal(SIGUSR1, before)


def test_what_has_gone_is_not_told(target: TARGET_FIXTURE, tasks: Tasks) -> None:
    gone = target("ignores", {int(SIGRTMIN)})
    pid = gone.pid
    gone.stop()
    proc.wait_state(pid, None, "gone")
    assert read_deep(tasks, pid) is None


def test_a_zombie_has_no_masks_of_another(target: TARGET_FIXTURE, tasks: Tasks) -> None:
    dead = target("zombie").children["child"]
    deep = read_deep(tasks, dead)
    if deep is not None:
        assert {thread.queue for thread in deep.threads.values()} == {()}
        masks = proc.masks(dead)
        assert deep.process.actions is not None
        caught = {n for n in range(1, 65) if deep.process.actions[n - 1].handler > 1}
        assert caught == masks.caught


def test_a_kernel_thread_is_read_as_it_is(tasks: Tasks) -> None:
    if proc.name(2) != "kthreadd":
        pytest.skip("no kernel thread is visible from this pid namespace")
    deep = read_deep(tasks, 2)
    assert deep is not None
    assert deep.process.actions is not None
    ignored = {n for n in range(1, 65) if deep.process.actions[n - 1].disposition == "ignored"}
    assert ignored == proc.masks(2).ignored
