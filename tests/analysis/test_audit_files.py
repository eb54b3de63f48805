"""What an audit reads besides: /proc/PID/timers, as it is and damaged."""

from __future__ import annotations

import pytest

from sigscope.decode.timers import decode_timers
from sigscope.errors import DecodeError
from sigscope.model.timer import Notify

ONE = b"ID: 3\nsignal: 14/0000000000000000\nnotify: signal/pid.7\nClockID: 1\n"
NONE = b"ID: 1\nsignal: 0/0000000000000000\nnotify: none/pid.7\nClockID: -6\n"
HELPER = b"ID: 0\nsignal: 32/00007f1234567890\nnotify: signal/tid.9\nClockID: 0\n"


def test_a_process_without_timers_has_none() -> None:
    assert decode_timers(b"") == ()


def test_several_timers_are_told_in_order() -> None:
    one, none, helper = decode_timers(ONE + NONE + HELPER)
    assert (one.number, one.signal, one.tid, one.clock_name) == (3, 14, None, "CLOCK_MONOTONIC")
    assert (none.signal, none.notify, none.clock_name) == (None, Notify.NONE, "a clock of CPU time")
    assert (helper.signal, helper.tid) == (32, 9)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ONE[:-5], id="cut-off"),
        pytest.param(ONE + b"Clock: 1\n", id="another-line"),
        pytest.param(b"\n" + ONE, id="empty-line"),
        pytest.param(ONE.replace(b"14", b"99"), id="no-signal"),
        pytest.param(ONE.replace(b"signal/", b"letter/"), id="no-notify"),
    ],
)
def test_a_damaged_file_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_timers(data)
