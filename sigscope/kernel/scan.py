"""Several processes at a time: the whole host, or a process and its ancestors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from sigscope.errors import DecodeError, NoSuchTarget, NotPermitted
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process

Progress = Callable[[int, int], None]
"""Called with (processes read, processes in all)."""


def read_host(procfs: ProcFS, progress: Progress | None = None) -> Host:
    """Every process of the host; those that end meanwhile are left out.

    >>> import os
    >>> host = read_host(ProcFS())
    >>> host.processes[os.getpid()].ppid == os.getppid()
    True
    """
    pids = procfs.pids()
    processes: dict[int, Process] = {}
    gaps: list[Gap] = []
    for done, pid in enumerate(pids):
        if progress is not None:
            progress(done, len(pids))
        _add(procfs, pid, processes, gaps)
    return _host(procfs, processes, gaps)


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
    try:
        processes[pid] = read_status(procfs, pid)
    except NoSuchTarget:
        pass
    except (NotPermitted, DecodeError) as error:
        gaps.append(Gap(f"process {pid}", error.message, error.hint))


def _host(procfs: ProcFS, processes: dict[int, Process], gaps: list[Gap]) -> Host:
    host = procfs.host()
    return replace(host, processes=MappingProxyType(processes), gaps=host.gaps + tuple(gaps))
