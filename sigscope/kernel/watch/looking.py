"""What a watch asks /proc: who is there at the start, who a new face is, and what holds it back."""

from __future__ import annotations

from sigscope.decode.cgroup import decode_cgroup
from sigscope.decode.cmdline import LIMIT, decode_cmdline
from sigscope.decode.stat import decode_descent
from sigscope.errors import DecodeError, SigscopeError
from sigscope.kernel.freezer import read_freezer
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.model.story import Known, Look, LookedThread

_MOST_WHOLE = 4096
"""Three small files each: a quarter of a second for all of them."""


def read_census(procfs: ProcFS) -> list[Known]:
    """Every process; of the first few thousand also arguments and container.

    Who is killed is gone before anybody can ask.

    >>> import os
    >>> {one.pid: one for one in read_census(ProcFS())}[os.getpid()].parent == os.getppid()
    True
    """
    found: list[Known] = []
    for pid in procfs.pids():
        if len(found) < _MOST_WHOLE:
            if (known := read_known(procfs, pid)) is not None:
                found.append(known)
            continue
        try:
            descent = decode_descent(procfs.root.record(f"{pid}/stat"))
        except (OSError, DecodeError):  # gone meanwhile
            continue
        found.append(Known(pid, descent.ppid, descent.comm))
    return found


def read_known(procfs: ProcFS, pid: int) -> Known | None:
    """One process with its arguments and its container; None if it has gone."""
    try:
        with procfs.enter(pid) as directory:
            descent = decode_descent(directory.record("stat"))
            cmdline = decode_cmdline(directory.read("cmdline", LIMIT))
            cgroup = directory.read("cgroup")
    except (OSError, DecodeError):
        return None
    container = decode_cgroup(cgroup).container
    return Known(pid, descent.ppid, descent.comm, None, cmdline, container)


def look(procfs: ProcFS, pid: int, time: int) -> Look:
    """Masks, states and dispositions; without threads if it has gone, or may not be seen."""
    try:
        process = read_status(procfs, pid)
        with procfs.enter(pid) as directory:
            frozen = read_freezer(procfs.root, directory.read("cgroup")) is not None
    except (OSError, SigscopeError):
        return Look(time, pid)
    return Look(
        time,
        pid,
        tuple(
            LookedThread(one.tid, one.state.value, one.blocked, one.pending)
            for one in process.living
        ),
        process.pending,
        process.ignored,
        process.caught,
        process.tracer or None,
        frozen,
    )
