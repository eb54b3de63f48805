"""Signals seen by tracing their receivers: who sent them, descendants, and no harm done."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from sigscope.errors import NoSuchTarget, NotPermitted, UsageError
from sigscope.kernel.ptrace.source import PtraceSource
from sigscope.kernel.watch.source import Wanted
from sigscope.model.signals import Signal
from sigscope.model.watch import CAUGHT, Delivered, Event, Executed, Exited, Forked
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import sigscope
from tests.watch.gathering import PATIENCE, gather, sent_to

TERM, USR1, USR2 = (Signal(getattr(signal, name)) for name in ("SIGTERM", "SIGUSR1", "SIGUSR2"))


def following(*pids: int) -> PtraceSource:
    return PtraceSource(Wanted(targets=frozenset(pids)))


def ended(pid: int) -> Callable[[list[Event]], bool]:
    return lambda found: any(isinstance(one, Exited) and one.task.tid == pid for one in found)


def python(program: str) -> subprocess.Popen[str]:
    """A program that has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def status_of(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    """Its end; to wait for a child of ours before that would take its stops from the tracer.

    So does Popen's own kill(), which first looks whether it has ended.
    """
    fd = os.pidfd_open(process.pid)
    try:
        assert select.select([fd], [], [], PATIENCE)[0]
    finally:
        os.close(fd)
    return process.wait()


HANDLES = """
import signal, sys
got = []
signal.signal(signal.SIGUSR1, lambda number, _: print("got", number, flush=True))
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()
"""


def test_who_ended_it_and_its_status() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    with following(child.pid) as source:
        os.kill(child.pid, signal.SIGTERM)
        found = gather(source, ended(child.pid))
        assert status_of(child) == -signal.SIGTERM  # its end is still for who started it
    (term,) = sent_to(found, child.pid)
    assert (term.info.signal, term.info.pid, term.info.uid) == (TERM, os.getpid(), os.getuid())
    assert term.sender.tgid == os.getpid()
    assert (term.target.comm, term.group) == ("sleep", True)
    (end,) = (one for one in found if isinstance(one, Exited))
    assert (end.process, end.status) == (True, int(signal.SIGTERM))


def test_what_its_receiver_does_with_it() -> None:
    child = python(HANDLES)
    with child, following(child.pid) as source:
        assert child.stdout is not None
        for number in (USR2, USR1, Signal(signal.SIGWINCH)):
            os.kill(child.pid, number)
        found = gather(source, lambda found: sum(isinstance(one, Delivered) for one in found) == 3)
        assert child.stdout.readline() == f"got {int(USR1)}\n"
        # Under a tracer even what is ignored is taken; in the order of their numbers.
        handlers = {one.signal: one.handler for one in found if isinstance(one, Delivered)}
        assert handlers == {USR1: CAUGHT, USR2: 1, Signal(signal.SIGWINCH): 0}
        os.kill(child.pid, signal.SIGKILL)
        gather(source, ended(child.pid))


FAMILY = """
import os, signal, subprocess, sys, threading
threading.Thread(target=lambda: None).start()
print("ready", flush=True)
sys.stdin.readline()
child = subprocess.Popen(["sh", "-c", "kill -USR1 $$; exit 3"])
print(child.pid, child.wait(), flush=True)
def work():
    signal.pthread_kill(threading.get_ident(), signal.SIGWINCH)
thread = threading.Thread(target=work)
thread.start()
thread.join()
os._exit(7)
"""


def test_descendants_and_threads_are_followed() -> None:
    with python(FAMILY) as parent, following(parent.pid) as source:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write("\n")
        parent.stdin.flush()
        child, status = map(int, parent.stdout.readline().split())
        assert status == -signal.SIGUSR1
        found = gather(source, ended(parent.pid))
        assert status_of(parent) == 7
    births = {one.child.tid: one for one in found if isinstance(one, Forked)}
    assert births[child].child.tgid == child
    assert births[child].parent.tgid == parent.pid
    threads = [one for one in births.values() if one.child.tgid == parent.pid]
    assert threads
    (became,) = (one for one in found if isinstance(one, Executed) and one.task.tid == child)
    assert became.task.comm in ("sh", "dash", "bash")
    assert (became.cmdline or ())[1:] == ("-c", "kill -USR1 $$; exit 3")
    (usr1,) = (one for one in sent_to(found, child) if one.info.signal == USR1)
    assert usr1.sender.tgid == child  # it did it to itself
    winch = sent_to(found, threads[0].child.tid)
    assert [(one.group, one.info.code) for one in winch] == [(False, -6)]
    ends = {one.task.tid: one for one in found if isinstance(one, Exited)}
    assert (ends[child].process, ends[child].status) == (True, int(signal.SIGUSR1))
    assert ends[parent.pid].status == 7 << 8


BLOCKS = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.signal(signal.SIGUSR2, lambda *_: None)
print("ready", flush=True)
sys.stdin.readline()
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
print("open", flush=True)
sys.stdin.read()
"""


def test_a_blocked_signal_is_told_once_when_another_one_comes() -> None:
    with python(BLOCKS) as child, following(child.pid) as source:
        os.kill(child.pid, USR1)
        os.kill(child.pid, USR2)
        found = gather(source, lambda found: len(sent_to(found, child.pid)) == 2)
        told = {one.info.signal: one.blocked for one in sent_to(found, child.pid)}
        assert told == {USR1: True, USR2: False}
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
        later = gather(source, lambda found: any(isinstance(one, Delivered) for one in found))
        assert not sent_to(later, child.pid)
        os.kill(child.pid, signal.SIGKILL)
        gather(source, ended(child.pid))


def test_a_stop_stays_and_ends_with_cont() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    with child:
        with following(child.pid) as source:
            os.kill(child.pid, signal.SIGSTOP)
            gather(source, lambda found: sent_to(found, child.pid))
            proc.eventually(lambda: proc.state(child.pid) in "tT", 30)
        proc.wait_state(child.pid, None, "T")  # as it would be without us
        os.kill(child.pid, signal.SIGCONT)
        proc.wait_state(child.pid, None, "S")
        os.kill(child.pid, signal.SIGKILL)


@pytest.mark.parametrize("call", ["epoll_wait", "nanosleep"])
def test_an_ignored_signal_does_not_show_in_a_call(target: TARGET_FIXTURE, call: str) -> None:
    """Under a tracer SIGWINCH interrupts it: that is undone before anybody sees it."""
    program = {
        "epoll_wait": "import select\npoll = select.epoll()\nprint('ready', flush=True)\n"
        "libc.epoll_wait(poll.fileno(), events, 1, 1500)",
        "nanosleep": "print('ready', flush=True)\nlibc.nanosleep((ctypes.c_long * 2)(1, 0), None)",
    }[call]
    lines, last = program.rsplit("\n", 1)
    child = python(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "events = ctypes.create_string_buffer(64)\n"
        f"{lines}\nresult = {last}\nprint(result, ctypes.get_errno(), flush=True)"
    )
    with child, following(child.pid) as source:
        assert child.stdout is not None
        time.sleep(0.1)
        os.kill(child.pid, signal.SIGWINCH)
        gather(source, lambda found: sent_to(found, child.pid))
        assert child.stdout.readline() == "0 0\n"
        assert status_of(child) == 0


KILLED = """
import sys
from sigscope.kernel.ptrace.source import PtraceSource
from sigscope.kernel.watch.source import Wanted
with PtraceSource(Wanted(targets=frozenset((int(sys.argv[1]),)))):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_its_targets_run_on_when_we_are_killed() -> None:
    with python(HANDLES) as child:
        assert child.stdout is not None
        command = [sys.executable, "-c", KILLED, str(child.pid)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tracer:
            assert tracer.stdout is not None
            assert tracer.stdout.readline() == b"ready\n"
            assert proc.status(child.pid)["TracerPid"] != "0"
            tracer.kill()
        proc.eventually(lambda: proc.status(child.pid)["TracerPid"] == "0", 30)
        os.kill(child.pid, USR1)
        assert child.stdout.readline() == f"got {int(USR1)}\n"
        os.kill(child.pid, signal.SIGKILL)


def test_closing_leaves_nobody_traced() -> None:
    before = set(os.listdir("/proc/self/fd")), set(os.listdir("/proc/self/task"))
    with subprocess.Popen(["sleep", "1000"]) as child:
        source = following(child.pid)
        assert proc.status(child.pid)["TracerPid"] != "0"
        source.close()
        source.close()
        assert proc.status(child.pid)["TracerPid"] == "0"
        assert proc.state(child.pid) == "S"
        os.kill(child.pid, signal.SIGKILL)
    assert (set(os.listdir("/proc/self/fd")), set(os.listdir("/proc/self/task"))) == before


def test_what_cannot_be_followed_says_why() -> None:
    with pytest.raises(UsageError, match="only processes that are named"):
        PtraceSource(Wanted())
    with pytest.raises(NotPermitted, match="this very process"):
        following(os.getpid())
    gone = subprocess.Popen(["true"])
    gone.wait()
    with pytest.raises(NoSuchTarget):
        following(gone.pid)


ORDINARY = """
import os, signal, subprocess, select
from sigscope.kernel.ptrace.requests import Requests
Requests()  # what it loads may be closed to others
from sigscope.kernel.ptrace.source import PtraceSource
from sigscope.kernel.watch.source import Wanted
from sigscope.model.watch import Sent
os.setgroups([]); os.setgid(65534); os.setuid(65534)
child = subprocess.Popen(["sleep", "1000"])
with PtraceSource(Wanted(targets=frozenset((child.pid,)))) as source:
    child.terminate()
    end = os.pidfd_open(child.pid)
    told = []
    while not any(isinstance(one, Sent) for one in told):
        select.select([source], [], [], 30)
        told += source.events()
    select.select([end], [], [], 30)
    print(child.wait(), [one.info.pid == os.getpid() for one in told if isinstance(one, Sent)])
"""


def test_an_ordinary_user_sees_what_their_own_processes_get() -> None:
    if os.geteuid() != 0:
        pytest.skip("to become another user takes root")
    ran = subprocess.run(
        [sys.executable, "-c", ORDINARY], capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("-15 [True]\n", "")


def test_what_is_handled_is_told_so() -> None:
    """By the whole command: a tracer that does not know where a handler is knows that it is."""
    script = "trap : USR1; kill -USR1 $$; exit 3"
    ran = sigscope("watch", "--engine", "ptrace", "--json", "--", "sh", "-c", script)
    assert ran.status == 3, ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [(one["signal"], one["outcome"]) for one in told] == [("SIGUSR1", "handled")]
