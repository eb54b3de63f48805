"""POSIX timers as the kernel keeps them, beside what the process itself is told of them."""

from __future__ import annotations

import pytest

from sigscope.model.timer import Running
from tests.conftest import TARGET_FIXTURE
from tests.harness.targets import Target
from tests.kernel.bpf.engine import depth, need_engine

SECOND = 1_000_000_000
OVERRUN = 9
"""The place of the timer that fires a thousand times a second, into a blocked signal."""


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()


def told(target: Target) -> list[tuple[int, int, int]]:
    """(id, remaining, interval) of timer_gettime(2)."""
    target.tell("")
    heard = target.hear()
    assert heard is not None
    return [(number, left, interval) for number, left, interval in heard["timers"]]


def running(pid: int) -> tuple[Running, ...]:
    found = depth(pid).posix_timers
    assert found is not None
    return found


def test_what_remains_lies_between_what_the_process_is_told_before_and_after(
    target: TARGET_FIXTURE,
) -> None:
    child = target("timers_told")
    before, seen, after = told(child), running(child.pid), told(child)
    assert [one.number for one in seen] == [number for number, _, _ in before]
    assert [one.interval for one in seen] == [interval for _, _, interval in before]
    for one, (_, most, _), (_, least, _) in list(zip(seen, before, after, strict=True))[:OVERRUN]:
        assert one.armed == (most > 0)
        # The kernel rounds what remains up to its clock's resolution when it tells.
        assert one.remaining is not None
        assert least - SECOND // 1000 <= one.remaining <= most + SECOND // 1000


def test_a_timer_that_is_not_armed_or_has_fired_has_nothing_left(target: TARGET_FIXTURE) -> None:
    *_, disarmed, fired, _ = running(target("timers_told").pid)
    assert (disarmed.armed, disarmed.remaining) == (False, 0)
    assert (fired.armed, fired.remaining) == (False, 0)


def test_overruns_are_counted_while_the_signal_waits(target: TARGET_FIXTURE) -> None:
    child = target("timers_told")
    first = running(child.pid)[OVERRUN]
    # Each look of the process itself takes a while, and so many intervals pass.
    for _ in range(200):
        told(child)
    later = running(child.pid)[OVERRUN]
    assert first.armed
    assert first.overruns is not None
    assert later.overruns is not None
    assert later.overruns > first.overruns >= 0
    assert later.remaining is not None
    assert 0 < later.remaining <= later.interval == SECOND // 1000


def test_a_process_with_more_timers_than_one_walk_tells(target: TARGET_FIXTURE) -> None:
    child = target("many_timers", 0, 1000, 300)
    seen = running(child.pid)
    assert [one.number for one in seen] == list(range(300))
    assert not any(one.armed for one in seen)


def test_a_process_without_timers_has_none(target: TARGET_FIXTURE) -> None:
    assert depth(target("sigsuspend").pid).posix_timers == ()
