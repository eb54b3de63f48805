"""Perf events of real senders and targets, and what is said where they are not permitted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from sigscope.kernel.perf import ring
from sigscope.kernel.perf.source import PerfSource
from sigscope.kernel.place import here
from sigscope.kernel.watch.cpus import online
from sigscope.kernel.watch.source import Wanted
from sigscope.model.signals import Signal
from sigscope.model.watch import Delivered, Event, Executed, Exited, Forked, Missed, Result, Sent
from tests.watch.gathering import gather, sent_to

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="perf events of all want root")
USR1, CHLD, TERM = Signal(signal.SIGUSR1), Signal(signal.SIGCHLD), Signal(signal.SIGTERM)


def ended(pid: int, found: list[Event]) -> bool:
    return any(isinstance(event, Exited) and event.task.tid == pid for event in found)


def test_a_command_and_the_signal_that_ends_it() -> None:
    with PerfSource(Wanted()) as source:
        child = subprocess.Popen(["sleep", "1000"])
        gather(source, lambda found: any(isinstance(one, Executed) for one in found))
        killer = subprocess.Popen(["sh", "-c", f"kill -TERM {child.pid}"])
        killer.wait()
        child.wait()
        found = gather(source, lambda found: ended(child.pid, found) and ended(killer.pid, found))
        assert source.lost == 0
    (term,) = (one for one in sent_to(found, child.pid) if one.info.signal == TERM)
    assert (term.sender.tid, term.sender.tgid, term.sender.comm) == (killer.pid, killer.pid, "sh")
    assert (term.target.tgid, term.target.comm) == (child.pid, "sleep")
    assert (term.info.code, term.info.pid, term.group) == (0, killer.pid, True)
    assert term.result is Result.QUEUED
    assert (term.sender.parent, term.target.parent) == (os.getpid(), os.getpid())
    ends = [one for one in found if isinstance(one, Exited) and one.task.tid == child.pid]
    assert ends[0].process is True
    # The kernel makes a signal that ends the group a SIGKILL for each of its threads.
    taken = [one for one in found if isinstance(one, Delivered) and one.task.tid == child.pid]
    assert [one.signal.name for one in taken] == ["SIGKILL"]
    chld = [one for one in sent_to(found, os.getpid()) if one.sender.tid == child.pid]
    assert [(one.info.signal, one.info.code_name) for one in chld] == [(CHLD, "CLD_KILLED")]
    assert chld[0].info.pid is None  # nobody sent it: the end of a child did


def test_births_tell_threads_from_processes() -> None:
    with PerfSource(Wanted()) as source:
        begun = threading.Event()
        over = threading.Event()

        def work() -> None:
            begun.set()
            over.wait()

        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
        tid = thread.native_id
        over.set()
        thread.join()
        child = subprocess.Popen(["true"])
        child.wait()
        found = gather(source, lambda found: ended(child.pid, found))
    births = {one.child.tid: one for one in found if isinstance(one, Forked)}
    assert births[tid or 0].child.tgid == os.getpid()
    assert births[child.pid].child.tgid == child.pid
    assert births[child.pid].child.parent == os.getpid()
    (end,) = (one for one in found if isinstance(one, Exited) and one.task.tid == tid)
    assert end.process is False
    (became,) = (one for one in found if isinstance(one, Executed) and one.task.tid == child.pid)
    assert became.task.comm == "true"
    assert (became.path or "").endswith("/true")


def test_only_what_is_wanted_is_told() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    other = signal.signal(signal.SIGUSR2, lambda *_: None)
    try:
        with PerfSource(Wanted(signals=frozenset((USR1,)))) as source:
            os.kill(os.getpid(), signal.SIGUSR2)
            os.kill(os.getpid(), signal.SIGUSR1)
            found = gather(source, lambda found: sent_to(found, os.getpid()))
    finally:
        signal.signal(signal.SIGUSR1, before)
        signal.signal(signal.SIGUSR2, other)
    seen = {one.info.signal for one in found if isinstance(one, Sent)}
    assert seen == {USR1}


def test_what_found_no_room_is_counted() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        smallest = 8 * ring.PAGE * len(online())
        with PerfSource(Wanted(frozenset((USR1,)), buffers=smallest)) as source:
            for _ in range(20000):
                os.kill(os.getpid(), signal.SIGUSR1)
            # The next record that finds room tells how many did not.
            source.events()
            for cpu in os.sched_getaffinity(0):
                command = ["taskset", "-c", str(cpu), "sh", "-c", f"kill -USR1 {os.getpid()}"]
                subprocess.run(command, check=True)
            found = gather(source, lambda found: any(isinstance(one, Missed) for one in found))
            assert source.lost == sum(one.events or 0 for one in found if isinstance(one, Missed))
            assert source.lost
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_nothing_stays_open() -> None:
    before = set(os.listdir("/proc/self/fd"))
    source = PerfSource(Wanted())
    source.close()
    source.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_what_cannot_be_seen_is_a_gap() -> None:
    with PerfSource(Wanted()) as source:
        assert any("sigwait" in gap.what for gap in source.gaps)
        assert all(gap.why and gap.hint for gap in source.gaps)


REFUSED = """
import ctypes, os, sys
from sigscope.errors import SigscopeError
from sigscope.kernel.perf.source import PerfSource
from sigscope.kernel.place import here
from sigscope.kernel.watch.source import Wanted
os.setuid(65534)
try:
    PerfSource(Wanted())
except SigscopeError as error:
    print(type(error).__name__, error.message, error.hint, sep="\\n")
"""


def test_an_ordinary_user_hears_what_is_missing() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", REFUSED], capture_output=True, text=True, timeout=60
    )
    kind, message, hint = ran.stdout.splitlines()
    assert kind == "NotPermitted"
    assert "tracefs" in message
    assert "sudo" in hint or "root" in hint


def test_the_paranoid_level_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from sigscope.kernel.perf import refusal

    place = replace(here(), effective=0)
    monkeypatch.setattr(refusal, "here", lambda: place)
    said = refusal.refusal(PermissionError(13, "denied"))
    with open("/proc/sys/kernel/perf_event_paranoid") as file:
        assert f"perf_event_paranoid is {file.read().strip()}: CAP_PERFMON missing" in str(said)
    assert said.hint
