"""Why a read failed: gone, or refused; and then the gap that says so."""

from __future__ import annotations

import errno
import os

from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory
from sigscope.model.gap import Gap

GONE = (errno.ENOENT, errno.ESRCH)
REFUSED = (errno.EACCES, errno.EPERM)
NOT_RECORDED = errno.ENODATA
"""What a recorded tree answers for a file that was left out on purpose."""

_ABSENT_HINTS = {
    "children": "the kernel needs CONFIG_PROC_CHILDREN",
    "syscall": "the kernel needs CONFIG_HAVE_ARCH_TRACEHOOK",
    "sched": "the kernel needs CONFIG_SCHED_DEBUG",
}


class RecordedRefusal(OSError):
    """What the kernel answered when a recording was made; nothing can be done about it here."""


def vanished(directory: Directory, error: OSError) -> bool:
    """Is the whole process gone, and not just this file absent?

    A missing file and a dead process both answer ENOENT: the process is gone if its status
    is gone, too.
    """
    if error.errno not in GONE:
        return False
    try:
        return not directory.record("status")
    except OSError as again:
        return again.errno in GONE


def _more_power(error: OSError) -> str:
    if isinstance(error, RecordedRefusal):
        return "take the snapshot as root"
    if os.geteuid() == 0:
        return "root is refused, too: another user namespace, a security module, or a sandbox"
    return "run sigscope as root, or as the owner of the process"


def gap(what: str, pid: int, error: OSError | DecodeError) -> Gap:
    """The gap for one file of one process."""
    name = f"{what} of {pid}"
    if isinstance(error, DecodeError):
        return Gap(name, error.detail, f"look at it: cat /proc/{pid}/{what}")
    if error.errno in REFUSED:
        return Gap(name, "permission denied", _more_power(error))
    if error.errno == NOT_RECORDED:
        return Gap(name, "it was left out of the snapshot", "take it without --redact")
    if error.errno in GONE:
        hint = _ABSENT_HINTS.get(what.rsplit("/", 1)[-1], "")
        return Gap(name, "this kernel or snapshot has no such file", hint)
    return Gap(name, error.strerror or errno.errorcode.get(error.errno or 0, "unreadable"))
