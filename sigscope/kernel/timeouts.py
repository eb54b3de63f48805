"""How much of a timeout is left: from the arguments of a call, and the memory they point to.

nanosleep(2) and clock_nanosleep(2) write the rest to their last argument when they are interrupted,
select(2), pselect6 and ppoll(2) to the timeout itself. Of an absolute one the clock tells.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from sigscope.model.syscall import SystemCall

Read = Callable[[int, int], bytes]
"""(address, size) -> bytes of the process; OSError."""

_PAIR = struct.Struct("@qq")
_NANO, _MICRO = 1e9, 1e6
TIMER_ABSTIME, FUTEX_CLOCK_REALTIME, FUTEX_COMMANDS, WAIT_BITSET = 1, 256, 127, 9
_MOST = 1e9
"""Seconds; more than that is no timeout that anybody waits for."""


def requested(call: SystemCall, read: Read) -> float | None:
    """Seconds that the call was to wait from its beginning; None for a deadline or none at all."""
    if call.narrow or not call.args:
        return None
    args = call.args
    match call.name:
        case "poll" | "epoll_wait" | "epoll_pwait":
            wait = call.timeout
            return None if wait is None or wait < 0 else wait / 1000
        case "nanosleep":
            return _pair(read, args[0], _NANO)
        case "clock_nanosleep" if not args[1] & TIMER_ABSTIME:
            return _pair(read, args[2], _NANO)
        case "futex" if args[1] & FUTEX_COMMANDS == 0 and args[3]:
            return _pair(read, args[3], _NANO)
        case "rt_sigtimedwait" | "ppoll":
            return _pair(read, args[2], _NANO)
        case "semtimedop" | "epoll_pwait2":
            return _pair(read, args[3], _NANO)
        case "pselect6":
            return _pair(read, args[4], _NANO)
        case "select":
            return _pair(read, args[4], _MICRO)
    return None


def remaining(call: SystemCall, read: Read) -> float | None:
    """Seconds that are left, after the call was interrupted; None where nothing tells."""
    if call.narrow or not call.args:
        return None
    args = call.args
    match call.name:
        case "nanosleep":
            return _pair(read, args[1], _NANO)
        case "clock_nanosleep" if args[1] & TIMER_ABSTIME:
            return _until(read, args[2], args[0])
        case "clock_nanosleep":
            return _pair(read, args[3], _NANO)
        case "futex" if args[1] & FUTEX_COMMANDS == WAIT_BITSET and args[3]:
            realtime = bool(args[1] & FUTEX_CLOCK_REALTIME)
            return _until(read, args[3], time.CLOCK_REALTIME if realtime else time.CLOCK_MONOTONIC)
        case "ppoll":
            return _pair(read, args[2], _NANO)
        case "pselect6":
            return _pair(read, args[4], _NANO)
        case "select":
            return _pair(read, args[4], _MICRO)
    return None


def _pair(read: Read, address: int, fraction: float) -> float | None:
    """struct timespec or timeval of a 64-bit program."""
    if not address:
        return None
    try:
        seconds, rest = _PAIR.unpack(read(address, _PAIR.size))
    except (OSError, struct.error):
        return None
    found = float(seconds + rest / fraction)
    return found if 0 <= found < _MOST else None


def _until(read: Read, address: int, clock: int) -> float | None:
    try:
        seconds, rest = _PAIR.unpack(read(address, _PAIR.size))
        return float(seconds + rest / _NANO - time.clock_gettime(clock))
    except (OSError, struct.error):
        return None
