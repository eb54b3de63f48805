"""The few files above the processes: stat, uptime, loadavg, PID/sched, mountinfo."""

from __future__ import annotations

import re

from sigscope.errors import DecodeError

_HIDEPID = rb"hidepid=(\w+)"
_LONGEST_FRACTION = 9
_LOADAVG_WORDS, _LONGEST_COUNT = 6, 8
_LONGEST_CPU = 5


def decode_boot_time(data: bytes) -> int:
    """Seconds since the epoch at which the host was booted."""
    return int(_number(data, b"btime", "stat", 10))


def decode_uptime(data: bytes) -> float:
    """Seconds since boot."""
    return float(_number(data, b"", "uptime", 10, fraction=True))


def decode_last_ran(data: bytes) -> float:
    """When a task last ran, in ms of the scheduler's clock (kernel/sched/debug.c).

    That clock leaves out interrupts and stolen time: differences of it are "about".
    """
    return float(_number(data, b"se.exec_start", "sched", 15, fraction=True))


def decode_hidepid(data: bytes, mount_point: bytes = b"/proc") -> str | None:
    r"""The hidepid option of the proc mounted there, if it hides anything (proc(5)).

    >>> decode_hidepid(b"22 1 0:20 / /proc rw - proc proc rw,hidepid=invisible\n")
    'invisible'
    """
    hidden = None
    for line in data.splitlines():
        before, _, after = line.partition(b" - ")
        fields = before.split()
        if len(fields) > 4 and fields[4] == mount_point and after.startswith(b"proc "):
            match = re.search(_HIDEPID, after)
            value = match[1].decode("ascii", "replace") if match else "0"
            hidden = None if value in ("0", "off") else value
    return hidden


def _number(data: bytes, label: bytes, what: str, longest: int, fraction: bool = False) -> bytes:
    """The first number of the line that begins with this label; a colon may stand between."""
    line = next((line for line in data.splitlines() if line.startswith(label)), b"")
    word, *_ = [*line[len(label) :].lstrip(b" :").split(), b""]
    whole, point, part = word.partition(b".")
    fits = part.isdigit() and len(part) <= _LONGEST_FRACTION if fraction else not point
    if not (fits and whole.isdigit() and len(whole) <= longest):
        raise DecodeError(what, "the line that sigscope needs is not there")
    return word


def decode_thread_count(loadavg: bytes) -> int:
    """How many threads the kernel has, those of other pid namespaces too (proc_loadavg(5)).

    >>> decode_thread_count(b"0.48 0.52 0.61 2/214 30219\\n")
    214
    """
    words = loadavg.replace(b"/", b" ").split()
    if len(words) < _LOADAVG_WORDS or not words[4].isdigit() or len(words[4]) > _LONGEST_COUNT:
        raise DecodeError("loadavg", "it does not count the threads")
    return int(words[4])


def decode_cpu_list(data: bytes) -> frozenset[int]:
    """A list of CPUs as /sys/devices/system/cpu/online has it.

    >>> sorted(decode_cpu_list(b"0-2,5"))
    [0, 1, 2, 5]
    """
    found: set[int] = set()
    for part in data.strip().split(b",") if data.strip() else ():
        first, dash, last = part.partition(b"-")
        numbers = [first, last if dash else first]
        if not all(one.isdigit() and len(one) <= _LONGEST_CPU for one in numbers):
            raise DecodeError("cpu/online", "it is not a list of numbers")
        found.update(range(int(numbers[0]), int(numbers[1]) + 1))
    return frozenset(found)
