"""Our own mask and dispositions: read from /proc/self, set by the bare system calls.

sigaction(3) and sigprocmask(3) of glibc keep signals 32 and 33 from us, and posix_spawn(3)
leaves just these two ignored in what it starts. So rt_sigaction(2) and rt_sigprocmask(2)
are called directly.
"""

from __future__ import annotations

import os
import signal
import struct
from typing import TYPE_CHECKING

from sigscope.errors import NotSupported, SigscopeError
from sigscope.kernel.cleaning import CALLS
from sigscope.model.signals import (
    EMPTY,
    EVERYTHING,
    LIBC_OWN,
    UNBLOCKABLE,
    SignalSet,
)
from sigscope.model.start import Inherited, Start

if TYPE_CHECKING:
    from sigscope.kernel.procfs import ProcFS

_SIZE_OF_SET = 8
_SIG_SETMASK = 2


def read_inherited(procfs: ProcFS) -> Inherited:
    """What we were started with, as far as Python has left it as it was.

    NotSupported where /proc/self/status has no lines on signals.
    """
    # Setting is all that most calls want: what reads is loaded by the others.
    from sigscope.decode.status import decode_status
    from sigscope.kernel.process import read_status

    with procfs.root.enter("self") as own:
        status = decode_status(own.record("status"))
    if status.sets is None:
        raise NotSupported(
            "our own /proc/self/status has no Sig lines: what was inherited is not known",
            "gVisor shows none; env --default-signal needs none",
        )
    sets, parent = status.sets, os.getppid()
    try:
        process = read_status(procfs, parent)
    except SigscopeError:
        comm, ignored = "", None
    else:
        comm, ignored = process.comm, process.ignored
    return Inherited(
        Start(sets.sigblk, sets.sigign),
        pending=sets.sigpnd | sets.shdpnd,
        parent=parent,
        parent_comm=comm,
        parent_ignored=ignored,
    )


def become(start: Start) -> SignalSet:
    """Have this mask and these ignored signals, all others open and at their default.

    What could not be set is returned: 32 and 33 on a machine whose calls we do not know.
    Signals that were pending and are open now act at once.
    """
    numbers = CALLS.get((os.uname().machine, struct.calcsize("P")))
    if numbers is None:
        return _through_libc(start)
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    action, procmask = numbers
    for number in EVERYTHING - UNBLOCKABLE:
        # struct sigaction of the kernel begins with the handler; flags, restorer and mask are 0.
        handler = int(number in start.ignored)
        wanted = ctypes.create_string_buffer(struct.pack("P", handler).ljust(64, b"\0"))
        if libc.syscall(action, int(number), wanted, None, _SIZE_OF_SET) != 0:
            raise _refused(f"the disposition of {number.name}", ctypes.get_errno())
    mask = ctypes.create_string_buffer(struct.pack("=Q", start.blocked.mask))
    if libc.syscall(procmask, _SIG_SETMASK, mask, None, _SIZE_OF_SET) != 0:
        raise _refused("the mask", ctypes.get_errno())
    return EMPTY


def _through_libc(start: Start) -> SignalSet:
    for number in EVERYTHING - UNBLOCKABLE - LIBC_OWN:
        ignored = number in start.ignored
        signal.signal(int(number), signal.SIG_IGN if ignored else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [int(number) for number in start.blocked])
    return LIBC_OWN


def _refused(what: str, error: int) -> NotSupported:
    return NotSupported(
        f"cannot set {what}: {os.strerror(error)}",
        "a seccomp filter may forbid it: grep Seccomp /proc/self/status",
    )
