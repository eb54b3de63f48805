"""Who sent a signal, by the pid that we know the sender by.

A queue holds the pid that the sender has in the *target's* pid namespace, at the time of the
sending. Where that is not ours, it is looked up among the processes of that namespace.
"""

from __future__ import annotations

import os
from functools import lru_cache

from sigscope.decode.status import decode_status
from sigscope.errors import DecodeError
from sigscope.kernel.procfs import ProcFS
from sigscope.model.process import Process
from sigscope.model.siginfo import SigInfo


def told_here(process: Process, queue: tuple[SigInfo, ...]) -> tuple[SigInfo, ...]:
    """The queue with pids of our own namespace; a sender not found there stays ``inside``."""
    if len(process.nspid) <= 1 or not any(info.pid for info in queue):
        return queue
    names = _names(process.pid)
    return tuple(_told(info, names) for info in queue)


def _told(info: SigInfo, names: dict[int, int]) -> SigInfo:
    if not info.pid:
        return info
    ours = names.get(info.pid)
    return info._replace(inside=True) if ours is None else info._replace(pid=ours)


@lru_cache(maxsize=8)
def _names(pid: int) -> dict[int, int]:
    """Pid in the target's namespace -> pid in ours, of all processes in there."""
    found: dict[int, int] = {}
    try:
        namespace = os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return found
    for other in ProcFS().pids():
        try:
            if os.readlink(f"/proc/{other}/ns/pid") == namespace:
                with ProcFS().enter(other) as directory:
                    found[decode_status(directory.record("status")).nspid[-1]] = other
        except (OSError, DecodeError, IndexError):
            continue
    return found
