"""Several processes at a time: the whole host, or a process and its ancestors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from sigscope.decode.host import decode_thread_count
from sigscope.errors import DecodeError
from sigscope.kernel.collection import no_collection
from sigscope.kernel.passive import BPF
from sigscope.kernel.process import read_or_gap, read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process

if TYPE_CHECKING:
    from sigscope.kernel.readers import Progress

COMING = 8
"""Threads that may begin or end while a few milliseconds pass; on a big host one of 256."""


def read_host(procfs: ProcFS, progress: Progress | None = None) -> Host:
    """Every process of the host; those that end meanwhile are left out.

    >>> import os
    >>> host = read_host(ProcFS())
    >>> host.processes[os.getpid()].ppid == os.getppid()
    True
    """
    from sigscope.kernel.readers import read_many

    with no_collection():
        walked = _walked(procfs)
    if walked is not None:
        return walked
    pids = procfs.pids()
    with no_collection():
        readings = read_many(procfs, pids, progress)
        found = {pid: reading for pid in pids if (reading := readings.get(pid)) is not None}
        processes = {pid: one for pid, one in found.items() if isinstance(one, Process)}
    return _host(procfs, processes, [one for one in found.values() if isinstance(one, Gap)])


def _walked(procfs: ProcFS) -> Host | None:
    """The same by a walk of the kernel's own structures, where that is permitted.

    It sees what a mount of /proc hides (hidepid), too.
    """
    tasks = procfs.passive.tasks() if procfs.live else None
    if tasks is None or isinstance(tasks, Gap):
        return None
    from sigscope.kernel.bpf.scan import read_scan

    host = procfs.host()
    try:
        processes = read_scan(tasks, host.ticks_per_second, lambda pid: _one(procfs, pid))
        _complete(procfs, processes)
    except (OSError, DecodeError) as error:
        procfs.passive.failed(error)
        return None
    engines = (*host.engines, BPF)
    return replace(host, processes=MappingProxyType(processes), gaps=(), engines=engines)


def _complete(procfs: ProcFS, processes: dict[int, Process]) -> None:
    """A security module may keep a process from such a walk: then /proc is asked for it.

    The kernel's own count of threads says whether more are missing than are born and die at the
    same time: listing all processes takes a good part of the time of the walk.
    """
    missing = {process.ppid for process in processes.values()} - processes.keys() - {0}
    for _ in range(2):
        for pid in missing:
            process = _one(procfs, pid)
            if process is not None:
                processes[pid] = process
        seen = sum(len(process.threads) for process in processes.values())
        if seen + max(COMING, seen >> 8) >= decode_thread_count(procfs.root.read("loadavg")):
            break
        missing = set(procfs.pids()) - processes.keys()


def _one(procfs: ProcFS, pid: int) -> Process | None:
    reading = read_or_gap(procfs, pid)
    return reading if isinstance(reading, Process) else None


def read_family(
    procfs: ProcFS,
    pids: Iterable[int],
    strict: bool = True,
    seen: Mapping[int, Process] = MappingProxyType({}),
) -> Host:
    """These processes and all their ancestors; those ``seen`` a moment ago are not read again.

    Raises what :func:`read_status` raises for one of ``pids``; not ``strict``: leaves it out.
    """
    processes: dict[int, Process] = {}
    gaps: list[Gap] = []
    for pid in pids:
        if pid in processes:
            continue
        if strict:
            processes[pid] = seen.get(pid) or read_status(procfs, pid)
        else:
            _add(procfs, pid, processes, gaps)
        _add_ancestors(procfs, pid, processes, gaps)
    return _host(procfs, processes, gaps)


def _add_ancestors(
    procfs: ProcFS, pid: int, processes: dict[int, Process], gaps: list[Gap]
) -> None:
    """Upwards until init, or until one that is gone or was read before."""
    while pid in processes and (parent := processes[pid].ppid) and parent not in processes:
        _add(procfs, parent, processes, gaps)
        pid = parent


def _add(procfs: ProcFS, pid: int, processes: dict[int, Process], gaps: list[Gap]) -> None:
    reading = read_or_gap(procfs, pid)
    if isinstance(reading, Process):
        processes[pid] = reading
    elif reading is not None:
        gaps.append(reading)


def _host(procfs: ProcFS, processes: dict[int, Process], gaps: list[Gap]) -> Host:
    host = procfs.host()
    return replace(host, processes=MappingProxyType(processes), gaps=host.gaps + tuple(gaps))
