"""What the kernel makes of signals to processes of every kind, and what a watch says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")

SCENES = '''
import ctypes, json, os, resource, select, signal, sys, time

TERM, USR1, USR2, HUP = signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP
REAL = signal.SIGRTMIN
told = {}


def child(name, prepare, wait):
    """One that is ready; what it is named is what is expected of it."""
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        prepare()
        os.write(writes, b"!")
        wait()
        os._exit(0)
    os.read(reads, 1)
    told.setdefault(name, []).append(pid)
    return pid


def block(*signals):
    return lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signals)


def forever():
    while True:
        time.sleep(600)


def ended(pid):
    return os.waitpid(pid, 0)


def waits_in(pid, name, number):
    while open(f"/proc/{pid}/syscall").read().split()[0] != str(number):
        time.sleep(0.002)


def shut():
    reads, writes = os.pipe()
    os.close(reads)
    return writes


quiet = lambda: None
handled = child("handled", lambda: signal.signal(USR1, lambda *_: None), forever)
os.kill(handled, USR1)
os.kill(child("ignored", lambda: signal.signal(USR1, signal.SIG_IGN), forever), USR1)
os.kill(child("ignored", lambda: signal.signal(USR1, signal.SIG_IGN), forever), signal.SIGURG)
queued = child("queued", block(TERM), forever)
os.kill(queued, TERM)
merged = child("queued merged", block(USR2), forever)
os.kill(merged, USR2)
os.kill(merged, USR2)
os.kill(child("terminated", quiet, forever), TERM)
os.kill(child("terminated", quiet, forever), signal.SIGKILL)
stopped = child("stopped held", quiet, forever)
os.kill(stopped, signal.SIGSTOP)
os.waitpid(stopped, os.WUNTRACED)
os.kill(stopped, HUP)


def full():
    signal.pthread_sigmask(signal.SIG_BLOCK, (REAL,))
    os.setuid(54321)
    resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))


lost = child("lost", full, forever)
libc = ctypes.CDLL(None, use_errno=True)
os.setresuid(0, 0, 0)
libc.sigqueue.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
told["lost refused"] = libc.sigqueue(lost, int(REAL), 7)
taken = child("sigwait", block(TERM), lambda: signal.sigwait([TERM]))
waits_in(taken, "rt_sigtimedwait", 128)
os.kill(taken, TERM)
ended(taken)
alarmed = child("timer", lambda: signal.signal(signal.SIGALRM, lambda *_: None) or
                signal.setitimer(signal.ITIMER_REAL, 0.01), forever)
pipe = child("kernel", quiet, lambda: (signal.signal(signal.SIGPIPE, signal.SIG_DFL),
             os.write(shut(), b"x")))


time.sleep(0.4)
print("PIDS", json.dumps(told))
for names, pids in told.items():
    for pid in pids if isinstance(pids, list) else ():
        try:
            os.kill(pid, signal.SIGKILL)
            ended(pid)
        except OSError:
            pass
'''


def test_each_signal_has_the_outcome_that_the_kernel_gave_it() -> None:
    command = [sys.executable, "-m", "sigscope", "watch", "--json", "--"]
    run = subprocess.run(
        [*command, sys.executable, "-c", SCENES], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    pids = json.loads(next(line for line in lines if line.startswith("PIDS"))[5:])
    stories = [json.loads(line) for line in lines if line.startswith("{")]
    found = {
        pid: [
            one["outcome"]
            for one in sorted(stories, key=lambda one: int(one["number"]))
            if one["target"]["pid"] == pid and not one["again"] and one["signal"] != "SIGKILL"
        ]
        for kind in pids.values()
        for pid in (kind if isinstance(kind, list) else ())
    }
    for outcomes in ("handled", "ignored", "queued", "queued merged", "stopped held"):
        for pid in pids[outcomes]:
            assert found[pid] == outcomes.split(), (outcomes, found)
    first, second = pids["terminated"]
    assert found[first] == ["terminated"]
    killed = [one["outcome"] for one in stories if one["target"]["pid"] == second]
    assert killed[0] == "terminated"  # and once more at the end, when it is a zombie
    (taken,) = found[pids["sigwait"][0]]
    assert taken in ("sigwait", "taken", "unknown")  # not every kernel tells by whom
    if pids["lost refused"]:
        assert found[pids["lost"][0]] == ["lost"]
    origins = {one["target"]["pid"]: one["origin"] for one in stories if one["signal"] != "SIGKILL"}
    assert origins[pids["timer"][0]] == "timer"
    assert origins[pids["kernel"][0]] == "kernel"
    ends = [one for one in stories if one["again"] and one["target"]["pid"] in pids["queued"]]
    assert [one["outcome"] for one in ends] == ["ended"]
