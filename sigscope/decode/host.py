"""The few files above the processes: /proc/stat, /proc/uptime, /proc/PID/sched, mountinfo."""

from __future__ import annotations

import re

from sigscope.errors import DecodeError

_BTIME = re.compile(rb"^btime (\d{1,10})$", re.MULTILINE)
_UPTIME = re.compile(rb"(\d{1,10}\.\d{1,9}) ")
_EXEC_START = re.compile(rb"^se\.exec_start +: +(\d{1,15}\.\d{1,6})$", re.MULTILINE)
_HIDEPID = re.compile(rb"hidepid=(\w+)")


def decode_boot_time(data: bytes) -> int:
    """Seconds since the epoch at which the host was booted."""
    return int(_find(_BTIME, data, "stat"))


def decode_uptime(data: bytes) -> float:
    """Seconds since boot."""
    return float(_find(_UPTIME, data, "uptime"))


def decode_last_ran(data: bytes) -> float:
    """When a task last ran, in ms of the scheduler's clock (kernel/sched/debug.c).

    That clock leaves out interrupts and stolen time: differences of it are "about".
    """
    return float(_find(_EXEC_START, data, "sched"))


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
            match = _HIDEPID.search(after)
            value = match[1].decode("ascii", "replace") if match else "0"
            hidden = None if value in ("0", "off") else value
    return hidden


def _find(pattern: re.Pattern[bytes], data: bytes, what: str) -> bytes:
    match = pattern.search(data)
    if match is None:
        raise DecodeError(what, "the line that sigscope needs is not there")
    found: bytes = match[1]
    return found
