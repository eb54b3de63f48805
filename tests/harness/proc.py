"""The oracle: what /proc says, read as plainly as can be and without the code under test."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROC = Path("/proc")

# Only the calls that targets wait in: (x86-64, aarch64). aarch64 has no pause or poll of its own;
# the C library uses ppoll for both.
CALLS = {
    "read": (0, 63),
    "recvfrom": (45, 207),
    "poll": (7, 73),
    "pause": (34, 73),
    "wait4": (61, 260),
    "futex": (202, 98),
    "clock_nanosleep": (230, 115),
    "epoll_wait": (232, 22),
    "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133),
    "ppoll": (271, 73),
    "select": (23, 72),
}


@dataclass(frozen=True)
class Masks:
    """The five sets of a thread's status file, as signal numbers."""

    blocked: frozenset[int]
    pending: frozenset[int]
    shared_pending: frozenset[int]
    ignored: frozenset[int]
    caught: frozenset[int]


def signals(mask: str | int) -> frozenset[int]:
    """The numbers in a mask as /proc writes it: `signals("2000") == {14}`."""
    bits = int(mask, 16) if isinstance(mask, str) else mask
    return frozenset(number for number in range(1, 65) if bits >> (number - 1) & 1)


def mask_of(numbers: Iterable[int]) -> int:
    """The reverse of `signals`."""
    return sum(1 << (number - 1) for number in frozenset(map(int, numbers)))


def _directory(pid: int, tid: int | None) -> Path:
    return PROC / str(pid) if tid is None else PROC / str(pid) / "task" / str(tid)


def status(pid: int, tid: int | None = None) -> dict[str, str]:
    """The fields of `status`, of the main thread where no `tid` is given."""
    text = (_directory(pid, tid) / "status").read_bytes().decode(errors="surrogateescape")
    pairs = (line.partition(":") for line in text.split("\n") if ":" in line)
    return {name: value.strip() for name, _, value in pairs}


def masks(pid: int, tid: int | None = None) -> Masks:
    """The signal sets of one thread; `shared_pending`, `ignored` and `caught` are the process's."""
    fields = status(pid, tid)
    names = ("SigBlk", "SigPnd", "ShdPnd", "SigIgn", "SigCgt")
    return Masks(*(signals(fields[name]) for name in names))


def state(pid: int, tid: int | None = None) -> str:
    """The letter in `stat` (R, S, D, T, t, Z, X), or "gone"."""
    try:
        # The name may hold spaces and brackets: the last bracket ends it.
        return (_directory(pid, tid) / "stat").read_bytes().rpartition(b")")[2].split()[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def tids(pid: int) -> list[int]:
    """The threads that the process has now, ascending; empty once it is gone."""
    try:
        return sorted(map(int, os.listdir(PROC / str(pid) / "task")))
    except FileNotFoundError:
        return []


def children(pid: int, tid: int | None = None) -> list[int]:
    """Who was forked by this thread, or by any of this process's threads."""
    found: list[int] = []
    for one in tids(pid) if tid is None else [tid]:
        try:
            text = (_directory(pid, one) / "children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += map(int, text.split())
    return found


def descendants(pid: int) -> list[int]:
    """All below this process, parents before their children."""
    return [one for child in children(pid) for one in (child, *descendants(child))]


def name(pid: int) -> str:
    """The name of the main thread; "" once it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_bytes()[:-1].decode(errors="surrogateescape")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def syscall(pid: int, tid: int) -> int | None:
    """The number of the system call that the thread waits in; None if it runs or is gone."""
    try:
        word = (_directory(pid, tid) / "syscall").read_text().split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if word in ("running", "-1") else int(word)


def eventually(what: Callable[[], T], timeout: float = 10, saying: str = "") -> T:
    """Ask `what` until its answer is true, and return that; AssertionError after `timeout` s."""
    deadline = time.monotonic() + timeout
    pause = 0.0005
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {saying or what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def wait_syscall(pid: int, tid: int, call: int | str, timeout: float = 10) -> None:
    """Wait until the thread waits in this system call, given by number or by name."""
    number = CALLS[call][platform.machine() == "aarch64"] if isinstance(call, str) else call
    eventually(
        lambda: syscall(pid, tid) == number, timeout, f"thread {tid} of {pid} waits in {call}"
    )


def wait_state(pid: int, tid: int | None, letter: str, timeout: float = 10) -> None:
    """Wait until the thread (or process) is in this state; "gone" is one as well."""
    eventually(lambda: state(pid, tid) == letter, timeout, f"{tid or pid} is in state {letter}")


def wait_dead(*pids: int, timeout: float = 10) -> None:
    """Wait until all of these are gone, or zombies that somebody else has yet to collect."""
    eventually(
        lambda: all(state(pid) in ("gone", "Z") for pid in pids), timeout, f"{pids} are dead"
    )
