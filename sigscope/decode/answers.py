"""What a process is told by rt_sigaction, getitimer and timer_gettime (x86-64)."""

from __future__ import annotations

import struct

from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import SignalSet

_SIGACTION = struct.Struct("=4Q")
_PAIR = struct.Struct("=4q")
SIGACTION_SIZE = _SIGACTION.size
PAIR_SIZE = _PAIR.size
_SECOND = 1_000_000_000


def decode_sigaction(data: bytes) -> SigAction:
    """The kernel's struct sigaction: handler, flags, restorer, mask.

    >>> decode_sigaction(struct.pack("=4Q", 0x401000, 0x4000000, 0x402000, 2)).mask
    SignalSet(mask=2)
    """
    handler, flags, restorer, mask = _SIGACTION.unpack(data)
    return SigAction(handler, flags & 0xFFFFFFFF, SignalSet(mask), restorer)


def decode_itimerval(data: bytes, which: Which) -> IntervalTimer | None:
    """struct itimerval: interval, then what remains; None for a timer that is not armed.

    An ITIMER_REAL whose signal is pending starts again when that is taken: nothing remains.

    >>> decode_itimerval(struct.pack("=4q", 0, 0, 3, 500000), Which.PROF)
    IntervalTimer(which=<Which.PROF: 'ITIMER_PROF'>, remaining=3500000000, interval=0)
    """
    interval, interval_us, left, left_us = _PAIR.unpack(data)
    remaining, again = left * _SECOND + left_us * 1000, interval * _SECOND + interval_us * 1000
    if not remaining and not (again and which is Which.REAL):
        return None
    return IntervalTimer(which, remaining, again)


def decode_itimerspec(data: bytes) -> tuple[int, int]:
    """struct itimerspec: what remains (0: it is not armed), and the interval; nanoseconds.

    >>> decode_itimerspec(struct.pack("=4q", 1, 0, 0, 7))
    (7, 1000000000)
    """
    interval, interval_ns, left, left_ns = _PAIR.unpack(data)
    return left * _SECOND + left_ns, interval * _SECOND + interval_ns
