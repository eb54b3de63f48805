"""A timer that fires again and again, and whose handler makes a blocking call fail each time.

A handler without SA_RESTART is no fault: many programs want to be woken so. It hurts where the
signal comes by itself, over and over, and the thread that takes it sits in a call that could
have started again. A program that retries on EINTR does not mind: so it is a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.restart import kind_of
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.process import Process
from sigscope.model.restart import RestartClass
from sigscope.model.signals import EMPTY, Signal
from sigscope.model.thread import Thread

ID = "handler-without-restart"
SEVERITIES: tuple[Severity, ...] = (Severity.NOTE,)
MEANS = (
    "an interval timer fires again and again, its handler is installed without SA_RESTART, and the"
    " thread that takes it sits in a call that fails with EINTR each time, and else would go on"
)
EVIDENCE = "sa_flags and the interval of ITIMER_REAL (BPF engine); the call in task/TID/syscall"
REMEDY = "install the handler with SA_RESTART, or make the call again on EINTR"
SOURCE = "signal(7), sigaction(2), setitimer(2)"
INSTEAD_OF: tuple[str, ...] = ()

ALRM = Signal.named("SIGALRM")
_RETRIES = ("python",)
"""Since PEP 475 the interpreter itself makes the call again."""
_SECOND = 1_000_000_000


def looks(scene: Scene) -> Looks:
    """The flags and timers of those that catch SIGALRM, and the calls of their first threads."""
    some = frozenset(
        process.pid for process in scene.processes if ALRM in (process.caught or EMPTY)
    )
    return Looks(calls=some, depths=some)


def check(scene: Scene) -> Iterator[Finding | Gap]:
    candidates = [one for one in scene.processes if ALRM in (one.caught or EMPTY)]
    if candidates and scene.host.shallow is not None:
        yield replace(scene.host.shallow, what=ID)
    for process in candidates:
        action = process.depth.action(ALRM) if process.depth is not None else None
        timer = _repeating(process)
        taker = _taker(process)
        if action is None or timer is None or taker is None or taker.syscall is None:
            continue
        if action.restarts or process.comm.startswith(_RETRIES):
            continue
        if kind_of(taker.syscall) is RestartClass.RESTART:
            yield _finding(process, taker, timer, action.flag_names)


def _repeating(process: Process) -> IntervalTimer | None:
    """ITIMER_REAL alone: the others count CPU time, and who waits in a call uses none."""
    timers = (process.depth.itimers if process.depth is not None else None) or ()
    return next((one for one in timers if one.which is Which.REAL and one.interval), None)


def _taker(process: Process) -> Thread | None:
    """The leader, if it is open for it (complete_signal of kernel/signal.c), or another."""
    return next((one for one in process.living if ALRM not in (one.blocked or EMPTY)), None)


def _finding(
    process: Process, taker: Thread, timer: IntervalTimer, flags: tuple[str, ...]
) -> Finding:
    call = taker.syscall.name if taker.syscall is not None else ""
    return Finding(
        id=ID,
        severity=Severity.NOTE,
        pid=process.pid,
        tid=taker.tid if len(process.living) > 1 else None,
        signals=(ALRM,),
        title=f"SIGALRM comes every {timer.interval / _SECOND:g} s and makes its {call} fail",
        detail="its handler has no SA_RESTART: each time the call returns EINTR, and must be made"
        " again",
        evidence=(
            f"ITIMER_REAL with an interval of {timer.interval / _SECOND:g} s",
            f"the handler of SIGALRM has the flags {' '.join(flags) or 'none'}",
            f"thread {taker.tid} sits in {call}",
        ),
        remedies=(Remedy("look", f"sigscope handlers {process.pid}"),),
    )
