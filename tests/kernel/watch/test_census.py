"""Who is who while a watch goes on: from /proc, from events, and after the end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.watch.census import Census
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal
from sigscope.model.watch import Executed, Exited, Forked, Result, Sent, Task
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc

NOBODY = 1 << 22
"""Above every pid that a kernel gives by default: /proc has none of them."""


@pytest.fixture
def census() -> Census:
    found = Census()
    found.seed(ProcFS())
    return found


def forked(parent: int, child: int, thread: bool = False, comm: str | None = None) -> Forked:
    tgid = parent if thread else child
    return Forked(1, Task(parent, parent), Task(child, tgid, comm))


def test_the_walk_knows_processes_their_threads_and_their_parents(target: TARGET_FIXTURE) -> None:
    many = target("all_threads_block", {15}, 3)
    census = Census()
    census.seed(ProcFS())
    assert census.threads(many.pid) == set(map(int, os.listdir(f"/proc/{many.pid}/task")))
    for tid in census.threads(many.pid):
        with open(f"/proc/{many.pid}/task/{tid}/comm") as file:
            comm = file.read().rstrip("\n")
        task = census.task(tid)
        assert (task.tgid, task.comm, task.parent) == (many.pid, comm, os.getpid())
    assert many.pid in census.descendants([os.getpid()])
    assert census.ancestors(many.pid)[0].tid == os.getpid()


def test_what_was_started_is_known_by_its_command_line(census: Census) -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        try:
            census.see(forked(os.getpid(), child.pid, comm="python"))
            # Popen returns while the new program is still being loaded.
            cmdline = Path(f"/proc/{child.pid}/cmdline")
            proc.eventually(lambda: cmdline.read_bytes() == b"sleep\x001000\x00")
            census.see(Executed(2, Task(child.pid, child.pid), "/usr/bin/sleep"))
            assert census.task(child.pid).comm == "sleep"
            assert census.cmdline(child.pid) == ("sleep", "1000")
            assert census.parent(child.pid) == os.getpid()
            assert census.placement(child.pid) is not None
        finally:
            child.kill()


def test_the_dead_keep_their_name_and_family(census: Census) -> None:
    me = os.getpid()
    census.see(forked(me, NOBODY + 1, comm="sh"))
    census.see(forked(NOBODY + 1, NOBODY + 2))
    census.see(Executed(2, Task(NOBODY + 2, NOBODY + 2), "/sbin/killproc", ("killproc", "812")))
    for pid in (NOBODY + 2, NOBODY + 1):
        census.see(Exited(3, Task(pid, pid), 0, True))
    assert census.threads(NOBODY + 2) == frozenset()
    gone = census.task(NOBODY + 2)
    assert (gone.comm, gone.parent, gone.parent_comm) == ("killproc", NOBODY + 1, "sh")
    assert census.cmdline(NOBODY + 2) == ("killproc", "812")
    assert [task.tid for task in census.ancestors(NOBODY + 2)][:2] == [NOBODY + 1, me]
    assert census.placement(NOBODY + 2) == census.placement(me)


def test_only_the_last_dead_are_kept() -> None:
    census = Census(most_dead=2)
    for pid in (10, 11, 12):
        census.see(forked(9, NOBODY + pid, comm="a"))
        census.see(Exited(2, Task(NOBODY + pid, NOBODY + pid)))
    assert census.task(NOBODY + 10) == Task(NOBODY + 10)
    assert census.task(NOBODY + 12).comm == "a"


def test_an_exec_ends_the_other_threads(census: Census) -> None:
    census.see(forked(os.getpid(), NOBODY + 1, comm="java"))
    census.see(forked(NOBODY + 1, NOBODY + 2, thread=True))
    assert census.threads(NOBODY + 1) == {NOBODY + 1, NOBODY + 2}
    assert census.task(NOBODY + 2).tgid == NOBODY + 1
    census.see(Executed(2, Task(NOBODY + 1, NOBODY + 1), "/bin/a-name-that-is-too-long"))
    assert census.threads(NOBODY + 1) == {NOBODY + 1}
    assert census.task(NOBODY + 1).comm == "a-name-that-is-"


def test_a_number_that_is_used_again_is_somebody_else(census: Census) -> None:
    census.see(forked(os.getpid(), NOBODY + 1, comm="old"))
    census.see(forked(NOBODY + 1, NOBODY + 2, thread=True))
    census.see(forked(1, NOBODY + 1, comm="new"))
    assert census.task(NOBODY + 1).comm == "new"
    assert census.parent(NOBODY + 1) == 1
    assert census.threads(NOBODY + 1) == {NOBODY + 1}


def test_the_tasks_of_a_signal_are_learned() -> None:
    census = Census()
    sender = Task(NOBODY + 1, NOBODY + 1, "cron", 0, 1, "init")
    target = Task(NOBODY + 2, comm="php-fpm")
    census.see(Sent(1, sender, target, SigInfo(Signal(15), 0), True, Result.QUEUED))
    assert census.task(NOBODY + 1) == sender
    census.rename(NOBODY + 1, "crond")
    assert census.task(NOBODY + 1).comm == "crond"
    assert census.ancestors(NOBODY + 1)[0].tid == 1


def test_a_circle_of_parents_ends() -> None:
    census = Census()
    census.see(forked(NOBODY + 1, NOBODY + 2))
    census.see(forked(NOBODY + 2, NOBODY + 1))
    assert len(census.ancestors(NOBODY + 1)) <= 2
    assert census.descendants([NOBODY + 1]) == {NOBODY + 1, NOBODY + 2}
    assert census.placement(NOBODY + 1) is None
