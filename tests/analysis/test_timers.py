"""Whether a timer is advancing: by the states of the threads, and by two looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.analysis.timers import by_state, judge
from sigscope.model.alarm import SECOND, Alarm, Alarms, Counts, Judged, Kind
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import Signal
from sigscope.model.state import State
from tests.analysis.makers import process, thread

PROF = Signal.named("SIGPROF")


def sleeper(*asleep_ms: float | None, state: State = State.SLEEPING) -> Process:
    threads = [
        thread(9 + number, state=state)._replace(asleep_ms=one)
        for number, one in enumerate(asleep_ms)
    ]
    return process(9, threads=threads)


@pytest.mark.parametrize(
    ("process", "counts", "advancing", "because"),
    [
        (sleeper(9000.0, 4000.0), Counts.PROCESS, False, "all 2 threads are asleep: for 4 s"),
        (sleeper(9000.0, 20.0), Counts.PROCESS, None, "but one ran 20 ms ago"),
        (sleeper(9000.0, None), Counts.PROCESS, None, "at this look all 2 threads are asleep"),
        (sleeper(None, state=State.STOPPED), Counts.PROCESS, False, "the process is stopped"),
        (sleeper(None, state=State.RUNNING), Counts.PROCESS, True, "thread 9 is running"),
        (sleeper(None, state=State.RUNNING), Counts.USER, None, "in which mode is not shown"),
        (sleeper(None, state=State.RUNNING), Counts.THREAD, True, "thread 9 is running"),
        (sleeper(1.0, 1.0, state=State.RUNNING), Counts.THREAD, None, "whose clock it is"),
        (sleeper(None, state=State.ZOMBIE), Counts.PROCESS, False, "the process has ended"),
    ],
)
def test_what_one_look_tells(
    process: Process, counts: Counts, advancing: bool | None, because: str
) -> None:
    said, why = by_state(process, counts)
    assert said is advancing
    assert because in why


def alarm(remaining: int | None, counts: Counts = Counts.PROCESS) -> Alarm:
    return Alarm(Kind.ITIMER, "ITIMER_PROF", "CPU time", counts, PROF, remaining=remaining)


def measured(before: Alarm | None, after: Alarm, used: int | None) -> Judged:
    """Two looks, a second apart, between which so much CPU time was used."""
    first = Alarms((before,) if before else (), (), 0, 0)
    second = Alarms((after,), (), SECOND, used)
    one = sleeper(None)
    (found,) = judge(Host("box", 0.0, 0.0, 100, {9: one}), one, second, first)
    return found


@pytest.mark.parametrize(
    ("before", "after", "used", "advancing", "because"),
    [
        (alarm(3 * SECOND), alarm(3 * SECOND), 0, False, "used no CPU time in 1.0 s"),
        (alarm(3 * SECOND), alarm(3 * SECOND), 2_000_000, False, "used 2.0 ms of CPU time"),
        (alarm(3 * SECOND), alarm(5 * SECOND // 2), SECOND // 2, True, "it fires in 5.0 s"),
        (alarm(SECOND), alarm(3 * SECOND), SECOND, True, "it fired, or was set again"),
        (alarm(None), alarm(None), None, None, "its CPU time could not be read"),
        (None, alarm(SECOND), 0, None, "it was set between the two looks"),
        (alarm(None, Counts.USER), alarm(None, Counts.USER), 0, False, "used no CPU time"),
        (alarm(None, Counts.USER), alarm(None, Counts.USER), SECOND, None, "what of it counts"),
    ],
)
def test_what_two_looks_tell(
    before: Alarm | None, after: Alarm, used: int | None, advancing: bool | None, because: str
) -> None:
    found = measured(before, after, used)
    assert found.measured
    assert found.advancing is advancing
    assert because in found.because


def test_a_timer_that_waits_for_its_signal_to_be_taken_does_not_go_on() -> None:
    one = sleeper(None)
    real = Alarm(Kind.ITIMER, "ITIMER_REAL", "", Counts.WALL, Signal(14), remaining=0, interval=1)
    (found,) = judge(Host("box", 0.0, 0.0, 100, {9: one}), one, Alarms((real,), (), 0, None))
    assert found.advancing is False
    assert found.because == "it starts again when its signal is taken"


@pytest.mark.parametrize(("overruns", "remarks"), [(None, 1), (0, 0), (3, 1)])
def test_what_is_said_of_overruns(overruns: int | None, remarks: int) -> None:
    posix = alarm(SECOND)
    posix = replace(posix, kind=Kind.POSIX, number=0, overruns=overruns)
    said = measured(None, posix, 0).remarks
    assert len(said) == remarks
    assert all("expirations" in one for one in said)
