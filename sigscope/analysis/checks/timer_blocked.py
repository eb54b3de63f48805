"""A timer that expires, and whose signal cannot arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sigscope.analysis.blame import blame, start_clean
from sigscope.analysis.case import Case
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, LIBC_OWN, Signal, SignalSet

ID = "timer-blocked"
MEANS = (
    "a timer sends a signal that is blocked wherever it could arrive, and nothing else takes"
    " it; a warning if the mask came from another program, else a note"
)


class _Mute(NamedTuple):
    """What a timer sends, and to which thread; ``name`` is what it is called."""

    signal: Signal
    tid: int | None
    name: str


def candidates(processes: Iterable[Process]) -> frozenset[int]:
    """Of whom the POSIX timers are read: they block something in all threads."""
    return frozenset(
        one.pid
        for one in processes
        if not one.kernel_thread and not one.zombie and (one.blocked_by_all or EMPTY) - LIBC_OWN
    )


def check(case: Case) -> Iterator[Finding | Gap]:
    process = case.process
    mute: dict[Signal, list[_Mute]] = {}
    for timer in (*_posix(process), *_interval(process)):
        if timer.signal in LIBC_OWN or not _shut(process, timer):
            continue
        if timer.signal in case.matters and timer.signal not in case.awaited:
            mute.setdefault(timer.signal, []).append(timer)
    if not mute:
        return
    if not case.signalfds_known:
        yield case.not_assessed(ID)
        return
    signals = SignalSet.containing(mute) - case.by_signalfd
    inherited = case.inherited(signals & case.blocked)
    for some, severity in ((inherited, Severity.WARNING), (signals - inherited, Severity.NOTE)):
        if some:
            timers = [timer for signal in some for timer in mute[signal]]
            yield _finding(case, some, timers, severity)


def _posix(process: Process) -> Iterator[_Mute]:
    for timer in process.timers or ():
        if timer.signal is not None:
            name = f"timer {timer.number} on {timer.clock_name}"
            yield _Mute(timer.signal, timer.tid, name)


def _interval(process: Process) -> Iterator[_Mute]:
    """Those that are armed; of one that has fired blocked-pending tells."""
    for timer in (process.depth.itimers if process.depth is not None else None) or ():
        signal = Signal.named(timer.which.signal_name)
        if signal not in (process.pending or EMPTY):
            yield _Mute(signal, None, timer.which.value)


def _shut(process: Process, timer: _Mute) -> bool:
    if timer.tid is None:
        return timer.signal in (process.blocked_by_all or EMPTY)
    thread = process.thread(timer.tid)
    return thread is not None and timer.signal in (thread.blocked or EMPTY)


def _finding(
    case: Case, signals: SignalSet, timers: Sequence[_Mute], severity: Severity
) -> Finding:
    process = case.process
    count = "a timer sends" if len(timers) == 1 else f"{len(timers)} timers send"
    verb = "are" if len(signals) > 1 else "is"
    fired = signals & (process.pending or EMPTY)
    first = timers[0]
    whom = f"thread {first.tid}" if first.tid is not None else "the process"
    warned = severity is Severity.WARNING
    return Finding(
        id=ID,
        severity=severity,
        pid=process.pid,
        signals=tuple(signals),
        title=f"{count} {listed(signals)}, which {verb} blocked where it could arrive",
        detail=(
            f"{process.comm} was started with this mask, and does not know of it"
            if warned
            else "a program may do this on purpose, and open the mask or call sigwait at times"
        )
        + ("; the timer has fired, and its signal is pending" if fired else ""),
        evidence=(
            f"{first.name} sends {first.signal.name} to {whom}",
            *blame(case, signals & case.blocked),
        ),
        remedies=(start_clean(case),)
        if warned
        else (Remedy("look again", f"sigscope timers {process.pid}"),),
    )
