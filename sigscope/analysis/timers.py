"""What becomes of each timer of a process: is it advancing, and would its signal arrive?

A wall clock goes on whatever the process does. What counts CPU time goes on only while the
process runs: that is told by the states of its threads, or measured by two looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sigscope.analysis.asleep import at_rest, rested, where, who_sleeps
from sigscope.analysis.catalog import documented
from sigscope.analysis.verdict import explain
from sigscope.model.alarm import SECOND, Alarm, Alarms, Counts, Judged, Kind
from sigscope.model.explanation import Explanation, Sending
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import LIBC_OWN
from sigscope.model.state import State

HARDLY = 100
"""A timer that moves by less than this part of the time between two looks stands still."""
SURE = 1000.0
"""Milliseconds of sleep after which one look is enough to say that a process sleeps."""
_HELD = (State.STOPPED, State.TRACED)


def judge(host: Host, process: Process, now: Alarms, before: Alarms | None = None) -> list[Judged]:
    """All of them, those that are armed first; with an earlier look it is measured."""
    judged = [_judged(host, process, alarm, now, before) for alarm in now.found]
    return sorted(judged, key=lambda one: one.alarm.armed is False)


def _judged(
    host: Host, process: Process, alarm: Alarm, now: Alarms, before: Alarms | None
) -> Judged:
    advancing: bool | None
    if alarm.armed is False:
        advancing, because, measured = None, "it is not armed", False
    elif _waits_for_signal(alarm):
        advancing, because, measured = False, "it starts again when its signal is taken", False
    elif not alarm.counts.cpu_time:
        advancing, because, measured = True, "it counts wall-clock time", False
    elif before is not None:
        advancing, because = _by_measure(alarm, now, before)
        measured = True
    else:
        advancing, because = by_state(process, alarm.counts)
        measured = False
    said = (
        documented(process, alarm.signal, parent=host.parent(process))
        if alarm.signal is not None
        else ()
    )
    return Judged(
        alarm,
        advancing,
        because,
        measured,
        arrives=_arrives(host, process, alarm),
        documented=tuple(one for one in said if one.holds is not False),
        remarks=tuple(_remarks(alarm)),
    )


def _waits_for_signal(alarm: Alarm) -> bool:
    """An ITIMER_REAL is not started again before its signal is dequeued (dequeue_signal)."""
    return alarm.kind is Kind.ITIMER and alarm.remaining == 0


def by_state(process: Process, counts: Counts) -> tuple[bool | None, str]:
    """Does what counts CPU time advance, as far as one look tells? And why."""
    what = f"it counts {'user ' if counts is Counts.USER else ''}CPU time"
    if process.zombie:
        return False, f"{what}, and the process has ended"
    running = [one for one in process.living if not at_rest(one)]
    if running:
        return _while_running(process, counts, f"{what}, and thread {running[0].tid} is running")
    if all(one.state in _HELD for one in process.living):
        return False, f"{what}, and the process is {process.living[0].state.word}"
    who = who_sleeps(process)
    ran = rested(process)
    if ran is None or ran < SURE:
        ago = "" if ran is None else f", but one ran {ran:.0f} ms ago"
        return None, f"{what}, and at this look {who} asleep{ago}; --interval 2s measures it"
    return False, f"{what}, and {who} asleep: {where(process)}for {ran // 1000:.0f} s"


def _while_running(process: Process, counts: Counts, said: str) -> tuple[bool | None, str]:
    if counts is Counts.PROCESS or (counts is Counts.THREAD and len(process.living) == 1):
        return True, said
    what = "in which mode" if counts is Counts.USER else "and whose clock it is"
    return None, f"{said}, {what} is not shown; --interval 2s measures it"


def _by_measure(alarm: Alarm, now: Alarms, before: Alarms) -> tuple[bool | None, str]:
    elapsed = max(1, now.at - before.at)
    took = f"in {elapsed / SECOND:.1f} s"
    earlier = next((one for one in before.found if one.key == alarm.key), None)
    if earlier is None or not earlier.armed:
        return None, "it was set between the two looks"
    used = None if now.used is None or before.used is None else now.used - before.used
    moved = None
    if alarm.remaining is not None and earlier.remaining is not None:
        moved = earlier.remaining - alarm.remaining
        if moved < 0:
            return True, f"measured: it fired, or was set again, {took}"
    spent = "" if used is None else f"the process used {_cpu_time(used)} {took}"
    if alarm.counts is Counts.PROCESS:
        amount = max((one for one in (moved, used) if one is not None), default=None)
    else:
        amount = moved if moved is not None or used else used
    if amount is None:
        return None, f"{spent or 'its CPU time could not be read'}; what of it counts is not shown"
    if amount * HARDLY < elapsed:
        return False, f"measured: {spent or f'it did not move {took}'}"
    said = f"measured: {spent or f'it moved {took}'}"
    if alarm.remaining:
        said += f"; at this rate it fires in {alarm.remaining * elapsed / amount / SECOND:.1f} s"
    return True, said


def _cpu_time(nanoseconds: int) -> str:
    if nanoseconds >= SECOND // 10:
        return f"{nanoseconds / SECOND:.2f} s of CPU time"
    return f"{nanoseconds / 1e6:.1f} ms of CPU time" if nanoseconds else "no CPU time"


def _arrives(host: Host, process: Process, alarm: Alarm) -> Explanation | None:
    """As if the kernel sent it now. Its siginfo was made with the timer: there is always room."""
    if alarm.signal is None:
        return None
    roomy = replace(process, queue=None)
    return explain(host, roomy, Sending(alarm.signal, tid=alarm.tid))


def _remarks(alarm: Alarm) -> Iterator[str]:
    if alarm.signal is not None and alarm.signal in LIBC_OWN and alarm.tid is not None:
        yield (
            f"SIGEV_THREAD: thread {alarm.tid} is glibc's helper, takes signal"
            f" {int(alarm.signal)}, and runs the function in a new thread"
        )
    if alarm.overruns and alarm.kind is Kind.TIMERFD:
        yield f"{alarm.overruns} expirations that nobody has read yet"
    elif alarm.overruns:
        yield f"it overran: {alarm.overruns} further expirations were merged into one signal"
    elif alarm.kind is Kind.POSIX and alarm.armed and alarm.overruns is None:
        yield "its signal is pending; for how many expirations is not known before it is taken"
    if alarm.kind is Kind.LIMIT and alarm.remaining == 0:
        yield "the limit is reached"
