"""A timer of CPU time in a process that waits: told only if it has waited for longer than it."""

from __future__ import annotations

import pytest

from sigscope.analysis.case import Case
from sigscope.analysis.checks.timer_not_advancing import check
from sigscope.model.depth import ProcessDepth
from sigscope.model.host import Host
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.process import Process
from sigscope.model.state import State
from tests.analysis.makers import process, thread

SECOND = 1_000_000_000


def waiting(
    timer: IntervalTimer, asleep_ms: float | None = 12_000.0, state: State = State.SLEEPING
) -> Process:
    threads = [thread(9, state=state)._replace(asleep_ms=asleep_ms)]
    return process(9, threads=threads, depth=ProcessDepth("bpf", itimers=(timer,)))


def said(process: Process) -> list[str]:
    found = check(Case(Host("box", 0.0, 0.0, 100, {9: process}), process))
    return [getattr(one, "title", "gap") for one in found]


@pytest.mark.parametrize(("which", "name"), [(Which.PROF, "SIGPROF"), (Which.VIRTUAL, "SIGVTALRM")])
def test_a_limit_is_told_with_its_signal(which: Which, name: str) -> None:
    title = f"{which.value} stands still: {name} does not come while it waits"
    assert said(waiting(IntervalTimer(which, 3 * SECOND, 0))) == [title]
    assert said(waiting(IntervalTimer(which, 3 * SECOND, 5 * SECOND))) == [title]


@pytest.mark.parametrize(
    "process",
    [
        pytest.param(waiting(IntervalTimer(Which.REAL, 3 * SECOND, 0)), id="a wall clock"),
        pytest.param(waiting(IntervalTimer(Which.PROF, 10**7, 10**7)), id="a profiler's"),
        pytest.param(waiting(IntervalTimer(Which.PROF, 30 * SECOND, 0)), id="much is left"),
        pytest.param(waiting(IntervalTimer(Which.PROF, 1, 0), None), id="since when is not known"),
        pytest.param(waiting(IntervalTimer(Which.PROF, 1, 0), state=State.RUNNING), id="it runs"),
        pytest.param(process(9), id="without the engine"),
    ],
)
def test_else_nothing_is_said(process: Process) -> None:
    assert said(process) == []
