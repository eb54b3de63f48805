"""The family of the first incident: a server whose workers block nearly all, and its child."""

from __future__ import annotations

from sigscope.analysis.lineage import trace
from sigscope.model.lineage import Kind, Lineage
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, LIBC_OWN
from tests.analysis.makers import host, process, signals, thread

ALRM, TERM, HUP = signals("ALRM"), signals("TERM"), signals("HUP")
MOST = ~(signals("KILL", "STOP") | LIBC_OWN)


def traced(suspect: Process, *others: Process, signal: int = 14) -> Lineage:
    return trace(host(suspect, *others), suspect, signal, Kind.BLOCKED)


def server(**more: object) -> Process:
    """An application server: main is open, three workers block nearly everything."""
    workers = [thread(10, EMPTY, comm="uwsgi"), *(thread(tid, MOST) for tid in (11, 12, 13))]
    return process(10, threads=workers, comm="uwsgi", exe="/usr/bin/uwsgi", **more)  # type: ignore[arg-type]


def child(**more: object) -> Process:
    settings: dict[str, object] = {"ppid": 10, "comm": "hping3", "exe": "/usr/sbin/hping3"}
    return process(20, MOST, start_time=200, **(settings | more))  # type: ignore[arg-type]
