"""A scanned host, with more read of some: what an audit asks for, and again a moment later."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from types import MappingProxyType

from sigscope.kernel.closer import look_closer
from sigscope.kernel.depths import look_deeper
from sigscope.kernel.details import read_calls, read_deaths, read_timers, read_waits
from sigscope.kernel.placement import read_placements
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.host import Host

Pids = Collection[int]


def read_further(
    procfs: ProcFS,
    host: Host,
    close: Pids = (),
    calls: Pids = (),
    timers: Pids = (),
    waits: Pids = (),
    deaths: Pids = (),
    depths: Pids = (),
) -> Host:
    """The host with a full look at ``close``, and these details of the others."""
    host = look_closer(procfs, host, close)
    host = read_calls(procfs, host, calls)
    host = read_timers(procfs, host, timers)
    host = read_waits(procfs, host, waits)
    host = read_deaths(procfs, host, deaths)
    return look_deeper(procfs, host, set(depths) - set(close))


def read_again(procfs: ProcFS, host: Host, pids: Pids) -> Host:
    """The host with these processes and their ancestors as they are now; the dead are left out."""
    fresh = read_family(procfs, pids, strict=False)
    known = {pid: process for pid, process in host.processes.items() if pid not in pids}
    known.update(fresh.processes)
    later = replace(host, time=fresh.time, uptime=fresh.uptime, processes=MappingProxyType(known))
    return read_placements(procfs, later, fresh.processes)
