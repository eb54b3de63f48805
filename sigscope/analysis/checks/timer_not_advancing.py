"""A time limit that counts CPU time, in a process that waits: it never fires while that lasts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sigscope.analysis.asleep import at_rest, rested, where, who_sleeps
from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, Signal, SignalSet

ID = "timer-not-advancing"
MEANS = (
    "an interval timer that counts CPU time (ITIMER_PROF, ITIMER_VIRTUAL) is armed, and the process"
    " has been asleep for longer than what is left of it: while it waits, the signal does not come"
)
CPU_TIMERS = SignalSet.of("SIGPROF", "SIGVTALRM")
_SECOND = 1_000_000_000


def candidates(processes: Iterable[Process]) -> frozenset[int]:
    """Of whom an audit reads the timers: they have a handler for what such a timer sends."""
    return frozenset(one.pid for one in processes if (one.caught or EMPTY) & CPU_TIMERS)


def check(case: Case) -> Iterator[Finding | Gap]:
    """One that repeats within less than a second is a profiler's, and is meant to stand still."""
    process = case.process
    timers = (process.depth.itimers if process.depth is not None else None) or ()
    limits = [one for one in timers if one.which.counts_cpu_time and not 0 < one.interval < _SECOND]
    if not limits or not all(map(at_rest, process.living)):
        return
    ran = rested(process)
    for timer in limits:
        if ran is None or ran / 1000 <= timer.remaining / _SECOND:
            continue
        name, left = timer.which.signal_name, timer.remaining / _SECOND
        yield Finding(
            id=ID,
            severity=Severity.NOTE,
            pid=process.pid,
            signals=(Signal.named(name),),
            title=f"{timer.which.value} stands still: {name} does not come while it waits",
            detail=(
                f"it counts CPU time, {left:.3g} s of it are left, and {process.comm} uses none: as"
                " a time limit it does not count what is waited for"
            ),
            evidence=(f"{who_sleeps(process)} asleep: {where(process)}for {ran // 1000:.0f} s",),
            remedies=(Remedy("look", f"sigscope timers {process.pid}"),),
        )
