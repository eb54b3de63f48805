"""Where every process lives: its container, its unit, and whether its cgroup is frozen.

One small file a process. Many processes share a cgroup: each is decoded, and its freezer
looked up, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from sigscope.decode.cgroup import Placement, decode_cgroup
from sigscope.kernel.containers import read_containers
from sigscope.kernel.freezer import read_freezer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import gap, vanished
from sigscope.model.host import Host
from sigscope.model.process import Freezer, Process


def read_placements(
    procfs: ProcFS, host: Host, pids: Iterable[int], hostnames: bool = False, freezers: bool = True
) -> Host:
    """The host, with container, unit and freezer of these processes; kernel threads have none.

    Containers have the names that their runtimes have written down; with ``hostnames``, a file
    of each container is read, too. Freezers may be left out.
    """
    pids = tuple(pids)
    known: dict[bytes, tuple[Placement, Freezer | None]] = {}
    seen = dict(host.processes)
    for pid in pids:
        process = seen.get(pid)
        if process is None or process.kernel_thread:
            continue
        seen[pid] = _placed(procfs, process, known, freezers)
    host = replace(host, processes=MappingProxyType(seen))
    contained = [
        pid
        for pid in pids
        if (one := seen.get(pid)) is not None and (one.container is not None or len(one.nspid) > 1)
    ]
    return read_containers(procfs, host, contained, hostnames) if contained else host


def _placed(
    procfs: ProcFS,
    process: Process,
    known: dict[bytes, tuple[Placement, Freezer | None]],
    freezers: bool,
) -> Process:
    try:
        text = procfs.root.record(f"{process.pid}/cgroup")  # not by its directory: that is twice
    except OSError as error:
        return _without(procfs, process, error)
    if text not in known:
        freezer = read_freezer(procfs.root, text) if freezers else process.frozen
        known[text] = decode_cgroup(text), freezer
    placement, freezer = known[text]
    return replace(process, container=placement.container, unit=placement.unit, frozen=freezer)


def _without(procfs: ProcFS, process: Process, error: OSError) -> Process:
    """It has ended, or its cgroup is kept from us."""
    try:
        with procfs.enter(process.pid) as directory:
            if vanished(directory, error):
                return process
    except OSError:
        return process
    return replace(process, gaps=(*process.gaps, gap("cgroup", process.pid, error)))
