"""Files of the host that a /proc tells of: of PID 1's root, which need not be ours.

In a container beside others, or with the host's /proc mounted in ours, our own /etc/passwd and
our own units say nothing of the processes that are shown there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sigscope.decode.cgroup import decode_cgroup

if TYPE_CHECKING:
    from sigscope.kernel.rooted import RootedFiles

LIVE = "/proc"
_ABOVE = b"/.."
"""How a path begins that leads out of our cgroup namespace (cgroup_namespaces(7))."""
_LONGEST = 1 << 14


def at_home() -> bool:
    """Do we share the mounts of PID 1 of our own /proc, so that its files are ours?

    By the mount namespaces; where they are not shown to us, by the cgroups: whoever sees PID 1
    outside of its own cgroup namespace, or is in a container and PID 1 is not, does not.
    """
    try:
        return os.readlink("/proc/1/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        pass
    theirs, ours = _cgroup("1"), _cgroup("self")
    return _ABOVE not in theirs and (theirs == ours or decode_cgroup(ours).container is None)


def _cgroup(who: str) -> bytes:
    try:
        with open(f"/proc/{who}/cgroup", "rb") as file:
            return file.read(_LONGEST)
    except OSError:
        return b""


def host_files(proc: str) -> RootedFiles | None:
    """The files below the root of PID 1 of this /proc; None where they may not be read.

    They are our own where we share its mounts. The caller closes them.
    """
    from sigscope.kernel.rooted import RootedFiles

    for pid in (1, os.getpid()) if proc == LIVE and at_home() else (1,):
        try:
            return RootedFiles(pid, proc)
        except OSError:
            continue
    return None


def read_host_file(proc: str, path: str, limit: int) -> bytes:
    """The contents of one; OSError if there is none, or it may not be read."""
    files = host_files(proc)
    if files is None:
        raise PermissionError(f"the root of PID 1 of {proc} may not be entered")
    with files:
        return files.read(path, limit)
