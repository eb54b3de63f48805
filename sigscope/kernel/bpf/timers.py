"""The POSIX timers of a process, with what remains: the kernel's list, read without its lock."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sigscope.decode.records import split_records
from sigscope.decode.task import Fields, decode_running, number
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.kernel.bpf.timerparts import NEEDED
from sigscope.model.timer import Running

TRIES = 5
"""Walks over a list that changes under our hands, before it is given up."""
MOST_WALKS = 1024
_PER_THREAD = 4
"""CPUCLOCK_PERTHREAD_MASK of linux/posix-timers_types.h."""
_LONGEST = 128


def read_posix_timers(tasks: Tasks, pid: int) -> tuple[Running, ...] | None:
    """All of them, by their ids.

    None where this kernel keeps them otherwise, or the list would not hold still.
    """
    if not tasks.layout.has(*NEEDED):
        return None
    for _ in range(TRIES):
        found = list(_walked(tasks, pid))
        if not found or not number(found[-1], "next"):
            running = (decode_running(fields, _now(fields)) for fields in found)
            return tuple(sorted(running))
    return None


def _walked(tasks: Tasks, pid: int) -> Iterator[Fields]:
    """As far as the way back from each timer leads to the one before it."""
    node = previous = 0
    for _ in range(MOST_WALKS):
        found = [fields for _, fields in split_records(tasks.timers(pid, node, previous))]
        yield from found
        if not found or not number(found[-1], "next"):
            return
        node, previous = number(found[-1], "next"), number(found[-1], "node")


def _now(timer: Fields) -> int | None:
    """What the clock shows that the expiry of this timer is counted on; nanoseconds.

    The CPU clock of any process may be read (clock_getcpuclockid(3)), that of another's thread
    not: its schedstat file tells the same. None where it has ended, or is not shown.
    """
    clock, owner = number(timer, "clock"), number(timer, "owner")
    if clock >= 0:
        return time.clock_gettime_ns(number(timer, "base"))
    try:
        if clock & _PER_THREAD:
            with open(f"/proc/{owner}/schedstat", "rb") as ran:
                return int(ran.read(_LONGEST).split()[0])
        return time.clock_gettime_ns(cpu_clock(clock, owner))
    except (OSError, ValueError, IndexError):
        return None


def cpu_clock(clock: int, owner: int) -> int:
    """The clock id that names the owner: MAKE_PROCESS_CPUCLOCK of linux/posix-timers_types.h.

    >>> cpu_clock(-6, 1) == ~1 << 3 | 2  # CLOCK_PROCESS_CPUTIME_ID of process 1
    True
    """
    return ~owner << 3 | clock & 7
