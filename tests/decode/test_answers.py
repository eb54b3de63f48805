"""What getitimer and timer_gettime give back, of timers that are armed and that are not."""

from __future__ import annotations

import struct

import pytest

from sigscope.decode.answers import decode_itimerspec, decode_itimerval
from sigscope.model.itimer import IntervalTimer, Which

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("which", "fields", "told"),
    [
        (Which.REAL, (0, 0, 2, 500_000), (2_500_000_000, 0)),
        (Which.REAL, (0, 0, 0, 0), None),
        (Which.REAL, (0, 250, 0, 0), (0, 250_000)),  # its signal is pending: it waits for that
        (Which.PROF, (0, 250, 0, 0), None),  # setitimer keeps the interval of one that is off
        (Which.VIRTUAL, (1, 0, 0, 1), (1000, SECOND)),
    ],
)
def test_interval_timers(
    which: Which, fields: tuple[int, int, int, int], told: tuple[int, int] | None
) -> None:
    expected = None if told is None else IntervalTimer(which, *told)
    assert decode_itimerval(struct.pack("=4q", *fields), which) == expected


def test_a_posix_timer_that_is_off_has_nothing_left() -> None:
    assert decode_itimerspec(struct.pack("=4q", 7, 0, 0, 0)) == (0, 7 * SECOND)
