"""Why a read failed: gone, or refused; and then the gap that says so."""

from __future__ import annotations

import errno

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


_OF_THE_OWNER = ("syscall", "fd", "mem", "stack", "auxv", "timers", "connections")
"""Who may trace a process may not yet open these: their mode is for its owner."""


def more_power(what: str) -> str:
    """What lets us read this file of a process, here."""
    from sigscope.kernel.opening import READING, TRACING, opening
    from sigscope.kernel.place import here

    kind = what.rsplit("/", 1)[-1]
    hint = opening(here(), READING if kind in _OF_THE_OWNER else TRACING)
    return hint or "root is refused, too: another user namespace, a security module, or a sandbox"


def beyond_hidepid() -> str:
    """What lets us see the processes of others, here."""
    from sigscope.kernel.opening import TRACING, opening
    from sigscope.kernel.place import here

    place = here()
    hint = opening(place, TRACING)
    return f"{hint}; or be in group {place.hidepid_gid}" if place.hidepid_gid else hint


def not_there(live: bool) -> str:
    """No such process is shown: it has ended, or it is one of another pid namespace."""
    from sigscope.kernel.opening import sharing
    from sigscope.kernel.place import here

    hint = "it may have ended; what runs: sigscope tree --all"
    if not live or here().initial_pid_namespace is not False:
        return hint
    return f"{hint}; if it runs outside of this container, {sharing(here())}"


def gap(what: str, pid: int, error: OSError | DecodeError) -> Gap:
    """The gap for one file of one process."""
    name = f"{what} of {pid}"
    if isinstance(error, DecodeError):
        return Gap(name, error.detail, f"look at it: cat /proc/{pid}/{what}")
    if error.errno in REFUSED:
        recorded = isinstance(error, RecordedRefusal)
        hint = "take the snapshot as root" if recorded else more_power(what)
        return Gap(name, "permission denied", hint, refused=True)
    if error.errno == NOT_RECORDED:
        return Gap(name, "it was left out of the snapshot", "take it without --redact")
    if error.errno in GONE:
        hint = _ABSENT_HINTS.get(what.rsplit("/", 1)[-1], "")
        return Gap(name, "this kernel or snapshot has no such file", hint)
    return Gap(name, error.strerror or errno.errorcode.get(error.errno or 0, "unreadable"))
