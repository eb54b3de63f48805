"""The handle of a live process: once that is gone, nobody else answers through it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sigscope import diagnose, read_all, read_process
from sigscope.errors import NoSuchTarget, NotSupported
from sigscope.kernel.directory import LiveDirectory
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family, read_host
from tests.conftest import TARGET_FIXTURE
from tests.kernel.command import environment

GONE = (errno.ENOENT, errno.ESRCH)

REUSE = """
import os, subprocess, sys
from sigscope.kernel.process import read_process_in
from sigscope.kernel.procfs import ProcFS

def start():
    return subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)

def uptime():
    return float(open("/proc/uptime").read().split()[0])

procfs = ProcFS()
first = start()
born = uptime()
held = procfs.enter(first.pid)
before = read_process_in(held, first.pid)
first.kill(); first.wait()
# The start is told in ticks of 10 ms: let some pass, as they would before a number comes again.
while uptime() < born + 0.05:
    pass
open("/proc/sys/kernel/ns_last_pid", "w").write(str(first.pid - 1))
second = start()
assert second.pid == first.pid, "the pid was not given away again"
refused = 0
for name in ("status", "stat", "comm", "cmdline"):
    try:
        held.read(name)
    except OSError:
        refused += 1
for ask in (lambda: held.names("task"), lambda: held.link("exe"), lambda: held.enter("task")):
    try:
        ask()
    except OSError:
        refused += 1
after = read_process_in(procfs.enter(second.pid), second.pid)
second.kill(); second.wait()
print(refused, before.pid == after.pid, before.identity == after.identity)
"""


def test_a_handle_of_a_dead_process_answers_that_it_is_gone(target: TARGET_FIXTURE) -> None:
    victim = target("ignores", "")
    procfs = ProcFS()
    with procfs.enter(victim.pid) as directory:
        assert directory.read("comm") == b"ignores\n"
        victim.stop()
        for name in ("comm", "status", "cmdline"):
            with pytest.raises(OSError) as caught:  # noqa: PT011  (which one is asserted below)
                directory.read(name)
            assert caught.value.errno in GONE
        with pytest.raises(OSError) as caught:  # noqa: PT011  (which one is asserted below)
            directory.names("task")
        assert caught.value.errno in GONE
    with pytest.raises(NoSuchTarget, match=str(victim.pid)):
        read_status(procfs, victim.pid)


def test_a_process_that_got_the_same_pid_does_not_answer_for_the_dead_one() -> None:
    """In a pid namespace of its own, where the next pid can be chosen."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a pid namespace needs root, and unshare of util-linux")
    asked = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", REUSE]
    done = subprocess.run(asked, env=environment(), capture_output=True, text=True, timeout=60)
    if "ns_last_pid" in done.stderr:
        pytest.skip("this kernel does not let the next pid be chosen (CONFIG_CHECKPOINT_RESTORE)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["7", "True", "False"]


def test_a_host_whose_processes_come_and_go_is_read_without_mixing_them(
    target: TARGET_FIXTURE,
) -> None:
    churn = target("churn", 4, 4)
    procfs = ProcFS()
    for _ in range(20):
        host = read_host(procfs)
        assert churn.pid in host.processes
        for process in host.processes.values():
            if process.ppid == churn.pid:
                assert process.comm == "churn"
                assert process.pid == process.threads[0].tid
    family = read_family(procfs, (churn.pid,))
    assert set(family.processes) >= {churn.pid, os.getpid()}


def test_a_whole_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    (tmp_path / "long").write_bytes(content)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "exact").write_bytes(content[:4096])
    (tmp_path / "link").symlink_to("nowhere")
    with LiveDirectory(str(tmp_path)) as directory:
        assert directory.read("long") == directory.record("long") == content
        assert directory.read("long", 5000) == content[:5000]
        assert directory.read("exact") == directory.record("exact") == content[:4096]
        assert directory.read("empty") == directory.record("empty") == b""
        assert sorted(directory.names(".")) == ["empty", "exact", "link", "long"]
        assert directory.link("link") == "nowhere"
        assert directory.peek("long", 99_990, 100) == content[99_990:]


def test_no_descriptor_is_left_open(target: TARGET_FIXTURE) -> None:
    victim = target("dead_leader")
    before = sorted(os.listdir("/proc/self/fd"))
    read_family(ProcFS(), (victim.pid,)).processes[victim.pid]
    with ProcFS().enter(victim.pid) as directory, directory.enter("task") as tasks:
        tasks.names(".")
    procfs = ProcFS()
    procfs.root.close()
    del procfs
    read_process(victim.pid)
    read_all()
    diagnose(victim.pid)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_closed_handle_answers_nothing_and_closes_nobody_elses(tmp_path: Path) -> None:
    closed = LiveDirectory(str(tmp_path))
    closed.close()
    with LiveDirectory(str(tmp_path)) as other:
        closed.close()
        with pytest.raises(OSError, match="descriptor"):
            closed.names("..")
        assert other.names(".") == []


def test_a_proc_that_is_not_there_is_not_supported(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="nowhere"):
        ProcFS(str(tmp_path / "nowhere"))
    with pytest.raises(NotSupported, match="not a /proc"):
        read_host(ProcFS(str(tmp_path)))
