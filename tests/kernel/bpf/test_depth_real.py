"""What the engine tells of real processes, each in one situation that it has stated itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from signal import SIGALRM, SIGHUP, SIGPROF, SIGTERM, SIGUSR1, SIGUSR2

import pytest

from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.itimer import Which
from sigscope.model.signals import SignalSet
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.kernel.bpf.engine import depth, need_engine, seen


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()


def test_the_sender_of_what_is_pending_is_named(target: TARGET_FIXTURE) -> None:
    stuck = target("all_threads_block", {SIGTERM, SIGUSR1}, 2)
    stuck.send(SIGTERM)
    queue = depth(stuck.pid).queue
    assert queue is not None
    assert [(int(info.signal), info.code_name, info.pid, info.uid) for info in queue] == [
        (int(SIGTERM), "SI_USER", os.getpid(), os.getuid())
    ]
    assert depth(stuck.pid).queued == 1


def test_a_thread_has_a_queue_of_its_own(target: TARGET_FIXTURE) -> None:
    held = target("thread_pending")
    threads = {thread.tid: thread for thread in seen(held.pid).threads}
    for tid, thread in threads.items():
        assert thread.depth is not None
        assert thread.depth.queue is not None
        signals = {int(info.signal) for info in thread.depth.queue}
        assert signals == proc.masks(held.pid, tid).pending


def test_a_sigwait_in_progress_shows_the_mask_that_comes_back(target: TARGET_FIXTURE) -> None:
    waiting = target("sigwait_thread", {SIGTERM, SIGHUP})
    found = {thread.tid: thread for thread in seen(waiting.pid).threads}
    deep = [thread for thread in found.values() if thread.depth and thread.depth.real_blocked]
    assert deep
    for thread in deep:
        assert thread.depth is not None
        assert thread.depth.real_blocked is not None
        assert thread.depth.real_blocked >= SignalSet.containing((SIGTERM, SIGHUP))
        assert thread.awaited == SignalSet.containing((SIGTERM, SIGHUP))


def test_a_sigsuspend_in_progress_has_a_saved_mask(target: TARGET_FIXTURE) -> None:
    waiting = target("sigsuspend")
    saved = [thread.depth.saved for thread in seen(waiting.pid).threads if thread.depth]
    assert any(mask for mask in saved)


def test_an_interval_timer_tells_what_remains() -> None:
    script = (
        "import signal, sys\n"
        "for number in (signal.SIGALRM, signal.SIGPROF): signal.signal(number, signal.SIG_IGN)\n"
        "signal.setitimer(signal.ITIMER_REAL, 1000, 7)\n"
        "signal.setitimer(signal.ITIMER_PROF, 500, 0)\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        timers = depth(child.pid).itimers
        child.kill()
    assert timers is not None
    found = {timer.which: timer for timer in timers}
    assert set(found) == {Which.REAL, Which.PROF}
    assert 900e9 < found[Which.REAL].remaining <= 1000e9
    assert found[Which.REAL].interval == 7_000_000_000
    assert 400e9 < found[Which.PROF].remaining <= 501e9
    assert found[Which.PROF].interval == 0


def test_dispositions_are_those_of_proc(target: TARGET_FIXTURE) -> None:
    some = target("ignores", {SIGUSR1, SIGUSR2, SIGALRM, SIGPROF})
    actions = depth(some.pid).actions
    assert actions is not None
    masks = proc.masks(some.pid)
    assert {n for n in range(1, 65) if actions[n - 1].disposition == "ignored"} == masks.ignored
    assert {n for n in range(1, 65) if actions[n - 1].disposition == "caught"} == masks.caught


def test_our_own_handler_has_the_flags_that_we_gave() -> None:
    before = signal.signal(SIGUSR2, lambda *_: None)
    try:
        signal.siginterrupt(SIGUSR2, False)
        action = depth(os.getpid()).action(SIGUSR2)
        assert action is not None
        assert action.restarts
        signal.siginterrupt(SIGUSR2, True)
        action = depth(os.getpid()).action(SIGUSR2)
        assert action is not None
        assert not action.restarts
    finally:
        signal.signal(SIGUSR2, before)


def test_a_process_that_is_asked_not_to_use_it_says_so() -> None:
    procfs = ProcFS(engine="proc")
    us = os.getpid()
    host = look_closer(procfs, read_family(procfs, [us]), [us])
    assert host.processes[us].depth is None
    assert host.shallow is not None
    assert "proc was asked for" in host.shallow.why
