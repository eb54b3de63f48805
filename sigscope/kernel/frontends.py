"""The front ends that run here: nginx, and which of its locations lead where."""

from __future__ import annotations

from sigscope.decode.settings.nginx_fastcgi import fastcgi_passes
from sigscope.kernel.names import read_names
from sigscope.kernel.process import read_or_gap
from sigscope.kernel.procfs import LIVE, ProcFS
from sigscope.kernel.settings import read_with
from sigscope.model.fcgi import FastcgiPass
from sigscope.model.gap import Gap
from sigscope.model.process import Process

MOST_MASTERS = 16


def read_passes(procfs: ProcFS) -> tuple[tuple[FastcgiPass, ...], tuple[Gap, ...]]:
    """Every fastcgi_pass of every nginx that runs here, and what could not be read of them."""
    passes: list[FastcgiPass] = []
    gaps: list[Gap] = []
    for pid in _masters(procfs)[:MOST_MASTERS]:
        for one in read_with(fastcgi_passes, pid, procfs.path or LIVE):
            if isinstance(one, Gap):
                gaps.append(one)
            else:
                passes.append(one)
    return tuple(dict.fromkeys(passes)), tuple(gaps)


def _masters(procfs: ProcFS) -> list[int]:
    """Those called nginx whose parent is not."""
    pids = {pid for pid, comm in read_names(procfs) if comm == "nginx"}
    return sorted(pid for pid in pids if _parent(procfs, pid) not in pids)


def _parent(procfs: ProcFS, pid: int) -> int | None:
    found = read_or_gap(procfs, pid)
    return found.ppid if isinstance(found, Process) else None
