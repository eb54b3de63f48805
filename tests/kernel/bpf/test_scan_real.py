"""A walk over all tasks says what /proc says, of everybody, in any state, and in a storm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from signal import SIGTERM, SIGUSR1, SIGWINCH

import pytest

from sigscope.errors import NoSuchTarget
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from sigscope.model.process import Process
from sigscope.model.state import State
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import command, environment

LOOKS = 50
"""A thread moves between two reads: so often are both made again."""


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()


def walked(pid: int) -> Process | None:
    return read_host(ProcFS(engine="bpf")).processes.get(pid)


def in_order(process: Process) -> Process:
    """/proc lists threads as they were born, the walk by their numbers; SigQ counts for a user.

    Of a kernel thread a status file says what it works at, too.
    """
    if process.kernel_thread:
        alike = tuple(one._replace(comm="", state=State.SLEEPING) for one in process.threads)
        return replace(process, comm="", state=State.SLEEPING, threads=alike, queue=None)
    threads = tuple(sorted(process.threads, key=lambda thread: (thread.tid != process.pid, thread)))
    return replace(process, threads=threads, queue=None)


def agree(pid: int) -> bool:
    """Do both say the same of it at some time, or is it gone?"""
    procfs = ProcFS(engine="bpf")
    for _ in range(LOOKS):
        try:
            before = read_status(procfs, pid)
        except NoSuchTarget:
            return True
        seen = walked(pid)
        if seen is not None and in_order(seen) == in_order(before):
            return True
    return False


SITUATIONS: dict[str, tuple[object, ...]] = {
    "all_threads_block": ({SIGTERM, SIGUSR1}, 3),
    "one_thread_blocks": ({SIGWINCH},),
    "blocked_pending": (),
    "thread_pending": (),
    "dead_leader": (),
    "sigwait_thread": ({SIGTERM},),
    "sigsuspend": (),
    "stopped": (),
    "ignores": ({SIGTERM, SIGUSR1},),
    "hostile_comm": (),
    "filtered_sleep": (),
    "realtime_pending": (),
    "tracer": (),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_of_every_situation_both_say_the_same(name: str, target: TARGET_FIXTURE) -> None:
    one = target(name, *SITUATIONS[name])
    assert agree(one.pid), name
    for child in one.children.values():
        assert agree(child)


def test_a_zombie_is_one(target: TARGET_FIXTURE) -> None:
    dead = target("zombie").children["child"]
    seen = walked(dead)
    assert seen is not None
    assert seen.zombie
    assert agree(dead)


def test_of_the_whole_host_nobody_is_missing_and_all_masks_agree() -> None:
    """Whoever moves between the two looks is looked at again, alone."""
    procfs = ProcFS(engine="proc")
    walk = read_host(ProcFS(engine="bpf")).processes
    files = read_host(procfs).processes
    lasting = [pid for pid, one in files.items() if os.path.exists(f"/proc/{pid}/status")]
    moved = []
    for pid in lasting:
        seen, told = walk.get(pid), files[pid]
        if seen is None or in_order(seen) != in_order(told):
            moved.append(pid)
    assert len(moved) < len(lasting)
    assert [pid for pid in moved if not agree(pid)] == []


def test_a_process_in_a_pid_namespace_has_all_its_numbers() -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a pid namespace needs root, and unshare of util-linux")
    asked = ["unshare", "--pid", "--fork", "--kill-child", "sleep", "1000"]
    with subprocess.Popen(asked) as outer:
        try:
            inner = proc.eventually(lambda: proc.children(outer.pid))[0]
            proc.eventually(lambda: proc.name(inner) == "sleep")
            seen = walked(inner)
            assert seen is not None
            assert seen.nspid == (inner, 1)
            assert seen.namespace_init
            assert agree(inner)
        finally:
            outer.kill()


FROM_INSIDE = """\
import json, os, sys
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from tests.kernel.bpf.test_scan_real import in_order
walk = read_host(ProcFS(engine="bpf"))
files = read_host(ProcFS(engine="proc"))
us = os.getpid()
same = in_order(walk.processes[us]) == in_order(files.processes[us])
print(json.dumps([sorted(walk.processes), sorted(files.processes), same, walk.engines]))
"""


def test_from_within_a_pid_namespace_its_own_numbers_are_told() -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a pid namespace needs root, and unshare of util-linux")
    asked = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c"]
    inside = f"{sys.executable} -c '{FROM_INSIDE}'; sleep 0"
    done = subprocess.run(
        [*asked, inside], env=environment(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    walk, files, same, engines = json.loads(done.stdout)
    assert engines == ["proc", "bpf"]
    assert walk == files
    assert 1 in walk
    assert same


def test_in_a_storm_of_short_lives_nothing_is_mixed_up(target: TARGET_FIXTURE) -> None:
    """A thread has the masks of its own process, and a process that lasts is always there."""
    marked = target("all_threads_block", {SIGTERM, SIGUSR1}, 3)
    storm = target("churn", 32, 8)
    mine = {SIGTERM, SIGUSR1}
    procfs = ProcFS(engine="bpf")
    for _ in range(30):
        host = read_host(procfs)
        seen = host.processes[marked.pid]
        assert {thread.tid for thread in seen.threads} == set(marked.tids.values())
        for thread in seen.threads:
            assert thread.blocked is not None
            assert {int(signal) for signal in thread.blocked} == mine
        busy = host.processes[storm.pid]
        for thread in busy.threads:
            assert thread.comm == busy.comm
            # glibc blocks all while it makes a thread; never just what the other one blocks.
            assert {int(signal) for signal in thread.blocked or ()} != mine
    storm.close_input()
    said = storm.hear()
    assert said is not None


def test_the_commands_say_from_where_they_know() -> None:
    for words in (("tree", "--json", "--all"), ("audit", "--json")):
        run = subprocess.run(
            command(*words), env=environment(), capture_output=True, timeout=120, check=False
        )
        assert run.returncode < 2, run.stderr
        assert json.loads(run.stdout)["engine"] == ["proc", "bpf"]
