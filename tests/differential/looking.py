"""What /proc says of each thread, read plainly and without the code under test."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tests.differential.situation import Task

# x86-64's numbers. Those that the kernel takes up again after a stop show as restart_syscall.
_RESTART = 219
CALLS = {
    "pause": (34,),
    "nanosleep": (35, _RESTART),
    "read": (0,),
    "poll": (7, _RESTART),
    "futex": (202, _RESTART),
    "sigwait": (128,),
    "signalfd_read": (0,),
    "signalfd_poll": (7, _RESTART),
    "signalfd_epoll": (232,),
    "ppoll": (271, _RESTART),
    "pselect": (270,),
    "epoll_pwait": (281,),
    "rt_sigsuspend": (130,),
    "vfork": (58,),
}


@dataclass(frozen=True)
class Glance:
    """A thread at one moment; ``state`` is "gone" if there is none any more."""

    tid: int
    state: str
    pending: int = 0
    shared: int = 0
    blocked: int = 0
    inner_tid: int = 0
    caught: int = 0

    @property
    def lives(self) -> bool:
        return self.state not in ("gone", "Z", "X")


def glance(pid: int, tid: int) -> Glance:
    """One read of task/TID/status."""
    try:
        with open(f"/proc/{pid}/task/{tid}/status", "rb", buffering=0) as file:
            text = file.read(8192)
    except (FileNotFoundError, ProcessLookupError):
        return Glance(tid, "gone")
    found = dict(line.split(b":\t", 1) for line in text.split(b"\n") if b":\t" in line)
    if b"SigPnd" not in found:
        return Glance(tid, "gone")
    return Glance(
        tid,
        state=chr(found[b"State"].strip()[0]),
        pending=int(found[b"SigPnd"], 16),
        shared=int(found[b"ShdPnd"], 16),
        blocked=int(found[b"SigBlk"], 16),
        inner_tid=int(found[b"NSpid"].split()[-1]),
        caught=int(found[b"SigCgt"], 16),
    )


def look(pid: int) -> tuple[Glance, ...]:
    """All threads, by tid."""
    try:
        tids = sorted(map(int, os.listdir(f"/proc/{pid}/task")))
    except (FileNotFoundError, ProcessLookupError):
        return ()
    return tuple(glance(pid, tid) for tid in tids)


def waits(pid: int, tid: int, task: Task) -> bool:
    """Does the sleeping thread sit in the call that it is meant for?"""
    try:
        with open(f"/proc/{pid}/task/{tid}/syscall", "rb", buffering=0) as file:
            word = file.read(256).split()[0]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return False
    return word.lstrip(b"-").isdigit() and int(word) in CALLS.get(task.does, ())


def exiting(pid: int, tid: int) -> bool:
    """PF_EXITING: an init that waits for its namespace to empty seems to sleep."""
    try:
        with open(f"/proc/{pid}/task/{tid}/stat", "rb", buffering=0) as file:
            return bool(int(file.read(4096).rpartition(b")")[2].split()[6]) & 0x4)
    except (FileNotFoundError, ProcessLookupError):
        return False
