"""Senders and pids across pid namespaces: always in our own numbers, or said not to be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness import proc
from tests.kernel.bpf.engine import depth, need_engine, seen
from tests.kernel.command import environment

INNER = """\
import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [10, 12, 15])
if not os.fork():
    os.kill(1, 10)
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(1000)
gone = os.fork()
if not gone:
    os.kill(1, 12)
    os._exit(0)
os.waitpid(gone, 0)
os.write(1, b"%d\\n" % gone)
time.sleep(1000)
"""


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a pid namespace needs root, and unshare of util-linux")


@contextmanager
def inside(code: str) -> Iterator[tuple[int, list[int]]]:
    """The init of a pid namespace as we number it, and the two numbers that it prints."""
    asked = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", code]
    with subprocess.Popen(asked, stdout=subprocess.PIPE) as outer:
        try:
            assert outer.stdout is not None
            numbers = [int(outer.stdout.readline()) for _ in range(2)]
            yield proc.children(outer.pid)[0], numbers
        finally:
            outer.kill()


def test_senders_are_told_in_our_numbers() -> None:
    with inside(INNER) as (init, numbers):
        os.kill(init, 15)
        found = {info.signal.name: info for info in depth(init).queue or ()}
        children = proc.children(init)
    living, ended = found["SIGUSR1"], found["SIGUSR2"]
    assert living.pid in children
    assert not living.inside
    assert ended.pid in numbers
    assert ended.inside
    outside = found["SIGTERM"]
    assert (outside.pid, outside.inside) == (0, False)


def depth_is_of_an_init(pid: int) -> bool:
    """SIGNAL_UNKILLABLE, as the kernel has it."""
    return depth(pid).unkillable is True


def test_an_init_is_known_by_the_kernels_own_flag() -> None:
    with inside(INNER) as (init, _):
        assert depth_is_of_an_init(init)
        assert not depth_is_of_an_init(proc.children(init)[0])
        assert seen(init).unkillable
    assert not depth_is_of_an_init(os.getpid())


FROM_INSIDE = """\
import json, os, signal
from tests.kernel.bpf.engine import depth, seen
signal.pthread_sigmask(signal.SIG_BLOCK, [10, 12])
os.kill(os.getpid(), 10)
child = os.fork()
if not child:
    os.kill(os.getppid(), 12)
    os._exit(0)
os.waitpid(child, 0)
us = seen(os.getpid())
queue = [(int(info.signal), info.pid, info.inside) for info in us.depth.queue]
tids = [thread.tid for thread in us.threads if thread.depth is not None]
print(json.dumps([os.getpid(), child, queue, tids, us.depth.unkillable]))
"""


def test_from_within_a_namespace_its_own_numbers_are_told() -> None:
    asked = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-c"]
    done = subprocess.run(
        [*asked, FROM_INSIDE], env=environment(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    us, child, queue, tids, unkillable = json.loads(done.stdout)
    assert us == 1
    assert queue == [[10, 1, False], [12, child, False]]
    assert tids == [1]
    assert unkillable
