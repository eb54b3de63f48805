"""All that will signal a process by itself: from /proc, and what the engine has told before.

Interval timers are nowhere in /proc; of POSIX timers it does not show what remains. Both come
from ``Process.depth``. Nothing of this moves a timer: no CPU time of the target is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from sigscope.decode.fdinfo import decode_timerfd
from sigscope.decode.limits import decode_cpu_limit
from sigscope.decode.stat import decode_cpu_ticks
from sigscope.decode.timers import decode_timers
from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory, is_number
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap, vanished
from sigscope.kernel.signalfds import TIMERFD
from sigscope.model.alarm import SECOND, Alarm, Alarms, Counts, Kind
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.itimer import Which
from sigscope.model.process import Process
from sigscope.model.signals import Signal
from sigscope.model.subject import Subject
from sigscope.model.timer import Notify, Timer, clock_name

XCPU, KILL = Signal.named("SIGXCPU"), Signal.named("SIGKILL")
_PER_THREAD = 4
"""CPUCLOCK_PERTHREAD_MASK of linux/posix-timers_types.h."""
_THREAD_CLOCK = 3
_COUNTS = {
    Which.REAL: (Counts.WALL, "CLOCK_MONOTONIC"),
    Which.VIRTUAL: (Counts.USER, "user CPU time"),
    Which.PROF: (Counts.PROCESS, "CPU time"),
}


def read_alarms(procfs: ProcFS, host: Host, process: Process) -> Alarms:
    """Those of one process that was looked at closely (``kernel.closer``)."""
    at, used = time.monotonic_ns(), None
    found: list[Alarm] = []
    gaps: list[Gap] = []
    if process.depth is not None and process.depth.itimers is not None:
        found += _itimers(process)
    else:
        gaps.append(_gap(host, process, Subject.ITIMERS, "interval timers are nowhere in /proc"))
    try:
        with procfs.enter(process.pid) as directory:
            used = _cpu_time(procfs, host, directory, process.pid)
            reads: tuple[tuple[str, Callable[[], Iterator[Alarm]]], ...] = (
                ("timers", partial(_posix, directory, process)),
                ("fd", partial(_timerfds, directory)),
                ("limits", partial(_limits, directory, used)),
            )
            for name, read in reads:
                try:
                    found += read()
                except (OSError, DecodeError) as error:
                    if isinstance(error, OSError) and vanished(directory, error):
                        break
                    gaps.append(gap(name, process.pid, error))
    except OSError as error:
        gaps.append(gap("timers", process.pid, error))
    if any(one.kind is Kind.POSIX and one.armed is None for one in found):
        gaps.append(_gap(host, process, Subject.TIMERS, "/proc shows POSIX timers without it"))
    return Alarms(tuple(found), tuple(gaps), at, used)


def _gap(host: Host, process: Process, subject: Subject, besides: str) -> Gap:
    """The one that a stop has left, or why nothing was read without one."""
    what = subject.of(process.pid)
    for one in process.gaps:
        if one.what == what:
            return one
    said = host.shallow or Gap("", "its structures could not be read")
    return replace(said, what=what, why=f"{said.why}; {besides}")


def _cpu_time(procfs: ProcFS, host: Host, directory: Directory, pid: int) -> int | None:
    """Nanoseconds that the process has used; its clock is finer than what stat shows."""
    if procfs.live:
        try:
            return time.clock_gettime_ns(~pid << 3 | 2)
        except OSError:
            pass
    try:
        ticks = decode_cpu_ticks(directory.record("stat"))
    except (OSError, DecodeError):
        return None
    return ticks * SECOND // host.ticks_per_second


def _itimers(process: Process) -> Iterator[Alarm]:
    assert process.depth is not None
    for timer in process.depth.itimers or ():
        counts, clock = _COUNTS[timer.which]
        yield Alarm(
            Kind.ITIMER,
            timer.which.value,
            clock,
            counts,
            Signal.named(timer.which.signal_name),
            remaining=timer.remaining,
            interval=timer.interval,
        )


def _posix(directory: Directory, process: Process) -> Iterator[Alarm]:
    """/proc tells whom they signal, the engine what remains: joined by their ids."""
    depth = process.depth
    known = depth.posix_timers if depth is not None else None
    running = {one.number: one for one in known or ()}
    for timer in decode_timers(directory.read("timers")):
        one = running.get(timer.number)
        yield Alarm(
            Kind.POSIX,
            f"POSIX timer {timer.number}",
            clock_name(timer.clock),
            _counted(timer),
            timer.signal if timer.notify is not Notify.NONE else None,
            timer.tid,
            timer.number,
            armed=one.armed if one is not None else None,
            remaining=one.remaining if one is not None else None,
            interval=one.interval if one is not None else None,
            overruns=one.overruns if one is not None else None,
        )


def _counted(timer: Timer) -> Counts:
    if not timer.counts_cpu_time:
        return Counts.WALL
    threads = timer.clock == _THREAD_CLOCK or (timer.clock < 0 and timer.clock & _PER_THREAD)
    return Counts.THREAD if threads else Counts.PROCESS


def _timerfds(directory: Directory) -> Iterator[Alarm]:
    for number in sorted(filter(is_number, directory.names("fd")), key=int):
        try:
            if directory.link(f"fd/{number}") != TIMERFD:
                continue
            timer = decode_timerfd(directory.read(f"fdinfo/{number}"))
        except OSError as error:
            if error.errno in GONE:
                continue
            raise
        yield Alarm(
            Kind.TIMERFD,
            f"timerfd {number}",
            clock_name(timer.clock),
            Counts.WALL,
            None,
            number=int(number),
            armed=bool(timer.remaining),
            remaining=timer.remaining,
            interval=timer.interval,
            overruns=timer.ticks,
        )


def _limits(directory: Directory, used: int | None) -> Iterator[Alarm]:
    """At the soft limit SIGXCPU, and again each second; at the hard one SIGKILL."""
    soft, hard = decode_cpu_limit(directory.read("limits"))
    for name, limit, signal, interval in (("soft", soft, XCPU, SECOND), ("hard", hard, KILL, 0)):
        if limit is None or (name == "soft" and limit == hard):
            continue
        yield Alarm(
            Kind.LIMIT,
            f"RLIMIT_CPU ({name})",
            "CPU time",
            Counts.PROCESS,
            signal,
            remaining=None if used is None else max(0, limit * SECOND - used),
            interval=interval,
        )
