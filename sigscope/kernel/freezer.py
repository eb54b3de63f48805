"""Is a process frozen by its cgroup? (cgroups(7); Documentation/admin-guide/cgroup-v*.)"""

from __future__ import annotations

from sigscope.kernel.directory import Directory
from sigscope.model.process import Freezer

V1_STATE = "/sys/fs/cgroup/freezer"
V2_ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


def read_freezer(root: Directory, cgroup: bytes) -> Freezer | None:
    """By the text of its cgroup file; None if it runs, or if the cgroups are not mounted here.

    ``root`` reads absolute paths too: openat(2) with one leaves the directory aside.
    """
    for line in cgroup.splitlines():
        hierarchy, _, rest = line.decode("utf-8", "surrogateescape").partition(":")
        controllers, _, path = rest.partition(":")
        if path == "/" or ".." in path.split("/"):
            continue
        if controllers == "freezer" and _holds(root, f"{V1_STATE}{path}/freezer.state", b"FROZEN"):
            return Freezer.V1
        if hierarchy == "0" and any(
            _holds(root, f"{mount}{path}/cgroup.events", b"frozen 1") for mount in V2_ROOTS
        ):
            return Freezer.V2
    return None


def _holds(root: Directory, path: str, word: bytes) -> bool:
    try:
        return word in root.read(path)
    except OSError:
        return False
