"""All processes that are shown, and which of their doors are shut for us."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sigscope.errors import SigscopeError
from sigscope.kernel.access import process_doors
from sigscope.kernel.freezer import read_freezer
from sigscope.kernel.other import read_other
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.preflight import look_first
from sigscope.kernel.undoing import records_folder
from sigscope.model.access import Door, Layer, Refusal
from sigscope.model.outlook import Sight
from sigscope.model.place import Place
from sigscope.model.state import State


def sight(place: Place, pid: int, root: str = "") -> Sight | None:
    """One process; None if it is not shown, or has ended."""
    other = read_other(place, pid, root)
    return None if other is None else Sight(other, process_doors(place, other))


def closely(procfs: ProcFS, seen: Sight) -> Sight:
    """With what speaks against a stop of it now: what its threads do (``ptrace.preflight``)."""
    pid, doors = seen.other.pid, dict(seen.refusals)
    try:
        obstacles = [one for one in look_first(pid) if one.tid is not None]
        tids = procfs.root.names(f"{pid}/task")
        cgroup = procfs.root.read(f"{pid}/cgroup")
    except (OSError, SigscopeError):
        return seen
    if obstacles:
        first = Refusal(Layer.TARGET, obstacles[0].why, obstacles[0].hint)
        doors[Door.GENTLY] = first
        if len(obstacles) >= len(tids):
            doors[Door.GENTLY_AT_ALL] = first
    if seen.other.state is State.STOPPED or read_freezer(procfs.root, cgroup):
        why = "it is stopped or frozen already"
        doors[Door.RUNNING] = Refusal(Layer.TARGET, why, f"let it go on: kill -CONT {pid}")
    return replace(seen, refusals=doors)


def survey(place: Place, pids: Iterable[int], root: str = "") -> Iterator[Sight]:
    """Those that have something to look at: no threads of the kernel, no zombies, not us."""
    for pid in pids:
        seen = sight(place, pid, root)
        if seen is None or seen.other.kernel_thread or seen.other.dead or seen.other.itself:
            continue
        yield seen


def with_records(place: Place) -> Place:
    """The place, with where ``unblock`` keeps its records."""
    folder = records_folder()
    return replace(place, records=folder, records_writable=_writable(folder))


def _writable(folder: str) -> bool:
    """Could a file be made there? The nearest folder that is there already decides."""
    place = folder
    while not os.path.isdir(place) and place not in ("", "/"):
        place = os.path.dirname(place)
    return os.access(place or "/", os.W_OK | os.X_OK)
