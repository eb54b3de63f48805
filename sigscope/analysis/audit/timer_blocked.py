"""A timer that expires, and whose signal cannot arrive."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene, awaited
from sigscope.analysis.blame import blame, start_clean
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.naming import listed
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, LIBC_OWN, Signal, SignalSet
from sigscope.model.timer import Timer

ID = "timer-blocked"
SEVERITIES: tuple[Severity, ...] = (Severity.WARNING, Severity.NOTE)
MEANS = (
    "a POSIX timer sends a signal that is blocked wherever it could arrive, and nothing else takes"
    " it; a warning if the mask came from another program, else a note"
)
EVIDENCE = "signal and notify of /proc/PID/timers; SigBlk of every thread; no signalfd or sigwait"
REMEDY = "start it with a clean mask; in the program, open the signal or wait for it in sigwait"
SOURCE = "timer_create(2), signal(7); proc_pid_timers(5)"
INSTEAD_OF: tuple[str, ...] = ()


def looks(scene: Scene) -> Looks:
    """The timers of those that block something everywhere, or anything in the case of a tid."""
    return Looks(
        timers=frozenset(
            process.pid
            for process in scene.processes
            if (process.blocked_by_all or EMPTY) - LIBC_OWN
        )
    )


def check(scene: Scene) -> Iterator[Finding | Gap]:
    for process in scene.processes:
        case = scene.case(process)
        mute: dict[Signal, list[Timer]] = {}
        for timer in process.timers or ():
            signal = timer.signal
            if signal is None or signal in LIBC_OWN or not _shut(process, timer, signal):
                continue
            if signal in case.matters and signal not in awaited(process):
                mute.setdefault(signal, []).append(timer)
        if not mute:
            continue
        if not case.signalfds_known:
            yield case.not_assessed(ID)
            continue
        signals = SignalSet.containing(mute) - case.by_signalfd
        inherited = case.inherited(signals & case.blocked)
        for some, severity in (
            (inherited, Severity.WARNING),
            (signals - inherited, Severity.NOTE),
        ):
            if some:
                timers = [timer for signal in some for timer in mute[signal]]
                yield _finding(scene, process, some, timers, severity)


def _shut(process: Process, timer: Timer, signal: Signal) -> bool:
    if timer.tid is None:
        return signal in (process.blocked_by_all or EMPTY)
    thread = process.thread(timer.tid)
    return thread is not None and signal in (thread.blocked or EMPTY)


def _finding(
    scene: Scene, process: Process, signals: SignalSet, timers: list[Timer], severity: Severity
) -> Finding:
    case = scene.case(process)
    count = "a POSIX timer sends" if len(timers) == 1 else f"{len(timers)} POSIX timers send"
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
            f"timer {first.number} on {first.clock_name} sends {signals_of(first)} to {whom}",
            *blame(case, signals & case.blocked),
        ),
        remedies=(start_clean(case),)
        if warned
        else (Remedy("look again", f"sigscope pid --threads {process.pid}"),),
    )


def signals_of(timer: Timer) -> str:
    """The name of what a timer sends."""
    return timer.signal.name if timer.signal is not None else "nothing"
