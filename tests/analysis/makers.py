"""Small makers of model values: say what matters for a test, the rest is ordinary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sigscope.analysis.case import Case
from sigscope.analysis.checks import Check
from sigscope.model.finding import Finding
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, SignalSet
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread


def signals(*names: str) -> SignalSet:
    """``signals("TERM", "HUP")``: without the SIG."""
    return SignalSet.of(*(f"SIG{name}" for name in names))


def thread(
    tid: int,
    blocked: SignalSet | None = EMPTY,
    pending: SignalSet | None = EMPTY,
    state: State = State.SLEEPING,
    comm: str = "worker",
    syscall: SystemCall | None = None,
    awaited: SignalSet | None = None,
) -> Thread:
    return Thread(tid, comm, state, blocked, pending, syscall, awaited)


def process(
    pid: int,
    blocked: SignalSet | None = EMPTY,
    *,
    threads: Iterable[Thread] = (),
    ppid: int = 1,
    comm: str = "daemon",
    state: State = State.SLEEPING,
    start_time: int = 100,
    uid: int = 0,
    pending: SignalSet | None = EMPTY,
    ignored: SignalSet | None = EMPTY,
    caught: SignalSet | None = EMPTY,
    **more: Any,
) -> Process:
    """One thread that blocks ``blocked``, unless ``threads`` are given; no signalfd."""
    more.setdefault("signalfds", ())
    return Process(
        pid=pid,
        start_time=start_time,
        ppid=ppid,
        comm=comm,
        uid=uid,
        state=state,
        threads=tuple(threads) or (thread(pid, blocked, state=state, comm=comm),),
        pending=pending,
        ignored=ignored,
        caught=caught,
        **more,
    )


def host(
    *processes: Process, uptime: float = 1000.0, users: Mapping[int, str] | None = None
) -> Host:
    return Host(
        name="box",
        time=1.7e9,
        uptime=uptime,
        ticks_per_second=100,
        processes=MappingProxyType({one.pid: one for one in processes}),
        users=users or {},
    )


def case(suspect: Process, *others: Process) -> Case:
    return Case(host(suspect, *others), suspect)


def findings(check: Check, suspect: Process, *others: Process) -> list[Finding]:
    """What this check finds in the suspect; a gap in its place fails the test."""
    said = list(check.check(case(suspect, *others)))
    assert not [one for one in said if isinstance(one, Gap)]
    return [one for one in said if isinstance(one, Finding)]


def gaps(check: Check, suspect: Process, *others: Process) -> list[Gap]:
    """What this check could not assess; a finding beside it fails the test."""
    said = list(check.check(case(suspect, *others)))
    assert not [one for one in said if isinstance(one, Finding)]
    return [one for one in said if isinstance(one, Gap)]
