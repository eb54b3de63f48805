"""The files that tell of timers, damaged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sigscope.decode.fdinfo import decode_timerfd
from sigscope.decode.limits import decode_cpu_limit
from sigscope.decode.stat import decode_cpu_ticks
from sigscope.errors import DecodeError

TIMERFD = b"clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (4, 9)\nit_interval: (1, 0)\n"


@pytest.mark.parametrize(
    ("decode", "data"),
    [
        pytest.param(decode_timerfd, b"", id="no lines of a timerfd"),
        pytest.param(decode_timerfd, TIMERFD[:60], id="a timerfd, cut off"),
        pytest.param(decode_timerfd, TIMERFD.replace(b"(4", b"(-4"), id="a negative time"),
        pytest.param(decode_cpu_limit, b"Max file size  1 1 bytes\n", id="no limit of CPU time"),
        pytest.param(decode_cpu_limit, b"Max cpu time  few 1 seconds\n", id="a word as a limit"),
        pytest.param(decode_cpu_ticks, b"7 (a) R 1 7 7", id="stat, cut off"),
        pytest.param(decode_cpu_ticks, b"7 (a) R" + b" x" * 20, id="words as ticks"),
    ],
)
def test_what_is_damaged_is_said_to_be(decode: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data)


def test_a_limit_may_be_set_or_not() -> None:
    line = b"Max cpu time              unlimited            70                   seconds   \n"
    assert decode_cpu_limit(b"Limit\n" + line) == (None, 70)
