"""What ``unblock`` is to do: which threads, which bits, and what each freed signal will do.

A thread is left alone where opening its mask would not help, or would break what works: a mask
that ppoll(2) or sigsuspend(2) has put in place for one call comes back with the next call, and
a signal that a sigwait(3) awaits is taken by that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from sigscope.analysis.verdict import explain
from sigscope.model.explanation import Explanation, Outcome, Sending
from sigscope.model.host import Host
from sigscope.model.naming import listed
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, Signal, SignalSet
from sigscope.model.thread import Thread
from sigscope.model.unblock import Change, LeftOut, Plan

ENDS = frozenset((Outcome.TERMINATED, Outcome.DUMPED, Outcome.UNKNOWN))


def planned(
    host: Host,
    process: Process,
    signals: SignalSet,
    tids: Collection[int] = (),
    obstacles: Mapping[int, str] | None = None,
) -> Plan:
    """The plan for these threads, all if none are named. ``obstacles`` tells why some must wait."""
    changes, left_out = [], []
    for thread in process.living:
        if tids and thread.tid not in tids:
            continue
        why = _better_not(thread, signals) or (obstacles or {}).get(thread.tid, "")
        blocked = (thread.blocked or EMPTY) & signals
        if why and (blocked or _hidden(thread) & signals):
            left_out.append(LeftOut(thread.tid, why))
        elif blocked:
            before = thread.lasting_mask or EMPTY
            changes.append(Change(thread.tid, before, before - signals))
    return Plan(
        pid=process.pid,
        start_time=process.start_time,
        comm=process.comm,
        changes=tuple(changes),
        left_out=tuple(left_out),
        forecasts=tuple(_forecasts(host, process, changes)),
        warnings=tuple(_warnings(process, changes)),
    )


def _hidden(thread: Thread) -> SignalSet:
    """What it blocks for good, though it is open just now."""
    saved = thread.depth.saved if thread.depth is not None else None
    return (thread.awaited or EMPTY) | (saved or EMPTY)


def _warnings(process: Process, changes: Collection[Change]) -> Iterator[str]:
    """A signal that a sigwait or a signalfd takes must be blocked in all threads."""
    opened = SignalSet.containing({signal for change in changes for signal in change.opened})
    for thread in process.living:
        if taken := (thread.awaited or EMPTY) & opened:
            yield (
                f"{listed(taken)} is taken by a sigwait of thread {thread.tid}: a thread that is"
                " open for it may get it instead"
            )
    for one in process.signalfds or ():
        if taken := one.signals & opened:
            yield (
                f"{listed(taken)} is for the signalfd {one.fd}: a thread that is open for it gets"
                " it instead"
            )


def _better_not(thread: Thread, signals: SignalSet) -> str:
    call = thread.syscall
    if thread.awaited is not None and thread.awaited & signals:
        return "it waits for it in sigwait, which takes it"
    if has_temporary_mask(thread):
        name = call.name if call is not None else "its call"
        return f"its mask is that of this {name} only: it changes by itself, and comes back"
    return ""


def has_temporary_mask(thread: Thread) -> bool:
    """Does a ppoll, pselect, epoll_pwait or sigsuspend hold a mask of its own in place?"""
    if thread.syscall is None or not thread.syscall.opens_mask:
        return False
    if thread.depth is not None:
        return thread.depth.saved is not None
    return thread.syscall.gives_mask


def _forecasts(host: Host, process: Process, changes: Collection[Change]) -> Iterator[Explanation]:
    """The verdict on each pending signal, as if it were sent to the process as it will be.

    Each is judged by itself: where the first one ends the process, the others do not matter.
    """
    after = {change.tid: change for change in changes}
    opened = SignalSet.containing({signal for change in changes for signal in change.opened})
    pending = [(signal, None) for signal in (process.pending or EMPTY) & opened]
    directed: list[tuple[Signal, int | None]] = [
        (signal, thread.tid)
        for thread in process.living
        if thread.tid in after
        for signal in (thread.pending or EMPTY) & after[thread.tid].opened
    ]
    for signal, tid in (*pending, *directed):
        later = _later(process, after, SignalSet.containing((signal,)))
        processes = MappingProxyType({**host.processes, later.pid: later})
        yield explain(replace(host, processes=processes), later, Sending(signal, tid))


def _later(process: Process, after: Mapping[int, Change], signal: SignalSet) -> Process:
    """With the new masks, and before this signal was sent."""
    threads = tuple(
        thread._replace(
            blocked=after[thread.tid].after if thread.tid in after else thread.blocked,
            pending=thread.pending - signal if thread.pending is not None else None,
            awaited=None if thread.tid in after else thread.awaited,
        )
        for thread in process.threads
    )
    pending = process.pending - signal if process.pending is not None else None
    return replace(process, threads=threads, pending=pending)


def ends_it(plan: Plan) -> tuple[Explanation, ...]:
    """The forecasts by which the process would end, or of which that is not known."""
    return tuple(one for one in plan.forecasts if not ENDS.isdisjoint(one.outcomes))
