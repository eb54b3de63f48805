"""siginfo_t: what the kernel keeps with a queued signal, 48 bytes, and a tracer gets as 128.

Which of its overlapping members hold is decided by signal and code, as siginfo_layout() of
kernel/signal.c does.
"""

from __future__ import annotations

import struct

from sigscope.errors import DecodeError
from sigscope.model.siginfo import SI_KERNEL, SI_USER, SigInfo
from sigscope.model.signals import Signal

SIZE, KERNEL_SIZE = 128, 48
"""Of sigaction(2)'s siginfo_t, and of struct kernel_siginfo: the shorter one is how it begins."""
MOST_CHILD = 6
"""NSIGCHLD: codes of SIGCHLD that tell of a child."""
_HEAD = struct.Struct("=iii4x")
_SENDER = struct.Struct("=iIQ")
_TIMER = struct.Struct("=iiQ")
SI_TIMER, SI_SIGIO = -2, -5


def decode_siginfo(data: bytes) -> SigInfo:
    r"""One entry, in the layout of a 64-bit kernel (a tracer gets that of a 32-bit target, too).

    >>> decode_siginfo(struct.pack("=iii4xiI", 15, 0, 0, 812, 1000).ljust(128, b"\0"))
    SigInfo(signal=<SIGTERM>, code=0, pid=812, uid=1000, value=None, timer=None, inside=False)
    """
    if len(data) < KERNEL_SIZE:
        raise DecodeError("siginfo", f"{len(data)} bytes instead of {KERNEL_SIZE}")
    number, _, code = _HEAD.unpack_from(data)
    if not 1 <= number <= 64:
        raise DecodeError("siginfo", f"it tells of a signal {number}")
    signal = Signal(number)
    if code == SI_TIMER:
        timer, _, value = _TIMER.unpack_from(data, 16)
        return SigInfo(signal, code, value=value, timer=timer)
    pid, uid, value = _SENDER.unpack_from(data, 16)
    if SI_USER < code < SI_KERNEL:  # an address, a descriptor or a call; no sender
        if signal.name == "SIGCHLD" and code <= MOST_CHILD:
            return SigInfo(signal, code, pid, uid)
        return SigInfo(signal, code)
    if code == SI_SIGIO:
        return SigInfo(signal, code)
    return SigInfo(signal, code, pid, uid, value if code < 0 and code != -6 else None)
