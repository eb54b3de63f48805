"""/proc/PID/fdinfo/FD of signalfds, epolls and timerfds (proc_pid_fdinfo(5))."""

from __future__ import annotations

import re
from typing import NamedTuple

from sigscope.errors import DecodeError
from sigscope.model.signals import SignalSet

_SIGMASK = rb"(?m)^sigmask:\t([0-9a-f]{16})$"
_WATCHED = rb"(?m)^tfd: +(\d{1,9}) "
_TIMERFD = (
    rb"(?m)^clockid: (\d{1,9})\nticks: (\d{1,20})\nsettime flags: \d+\n"
    rb"it_value: \((\d{1,19}), (\d{1,9})\)\nit_interval: \((\d{1,19}), (\d{1,9})\)$"
)
_SECOND = 1_000_000_000


def decode_signalfd(data: bytes) -> SignalSet:
    r"""The set that a signalfd takes.

    >>> decode_signalfd(b"pos:\t0\nflags:\t02\nsigmask:\t0000000000004000\n")
    SignalSet(mask=16384)
    """
    match = re.search(_SIGMASK, data)
    if match is None:
        raise DecodeError("fdinfo/FD", "a signalfd without a sigmask line")
    return SignalSet(int(match[1], 16))


def decode_epoll(data: bytes) -> frozenset[int]:
    r"""The descriptors that an epoll watches.

    >>> sorted(decode_epoll(b"pos:\t0\ntfd:        5 events:       19 data: 5\n"))
    [5]
    """
    return frozenset(int(number) for number in re.findall(_WATCHED, data))


class TimerFd(NamedTuple):
    """``clock`` as clock_gettime(2) numbers it; ``ticks`` are expirations that nobody has read.

    ``remaining`` and ``interval`` are nanoseconds, 0 for none.
    """

    clock: int
    ticks: int
    remaining: int
    interval: int


def decode_timerfd(data: bytes) -> TimerFd:
    r"""What timerfd_gettime(2) would tell, and the clock.

    >>> decode_timerfd(b"clockid: 1\nticks: 2\nsettime flags: 00\n"
    ...                b"it_value: (4, 999896607)\nit_interval: (1, 0)\n")
    TimerFd(clock=1, ticks=2, remaining=4999896607, interval=1000000000)
    """
    match = re.search(_TIMERFD, data)
    if match is None:
        raise DecodeError("fdinfo/FD", "a timerfd without its lines")
    clock, ticks, seconds, rest, interval, interval_rest = map(int, match.groups())
    return TimerFd(clock, ticks, seconds * _SECOND + rest, interval * _SECOND + interval_rest)
