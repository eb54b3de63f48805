"""/proc/PID/fdinfo/FD of signalfds and epolls (proc_pid_fdinfo(5))."""

from __future__ import annotations

import re

from sigscope.errors import DecodeError
from sigscope.model.signals import SignalSet

_SIGMASK = rb"(?m)^sigmask:\t([0-9a-f]{16})$"
_WATCHED = rb"(?m)^tfd: +(\d{1,9}) "


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
