"""Records of several buffers in one order of time."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.tracepoint import Record
from sigscope.kernel.watch.merging import ENOUGH, Merger


class Pieces:
    """A buffer that gives so many records at a time."""

    def __init__(self, times: list[int], piece: int) -> None:
        self.left = [Record(moment, None, b"", 0, 0) for moment in times]
        self.piece = piece

    def __call__(self) -> tuple[list[Record], bool]:
        given, self.left = self.left[: self.piece], self.left[self.piece :]
        return given, not self.left


TIMES = st.lists(st.integers(0, 1000), max_size=60).map(sorted)


@given(st.lists(st.tuples(TIMES, st.integers(1, 20)), min_size=1, max_size=4))
def test_all_come_out_in_order(buffers: list[tuple[list[int], int]]) -> None:
    merger = Merger([Pieces(times, piece) for times, piece in buffers])
    found, left = merger.take()
    assert not left
    assert [one.time for one in found] == sorted(time for times, _ in buffers for time in times)


def test_what_is_newer_than_the_look_waits_for_the_next() -> None:
    now = time.monotonic_ns()
    soon = now + 200_000_000
    merger = Merger([Pieces([now - 10, soon], 10), Pieces([now - 5], 10)])
    assert [one.time for one in merger.take()[0]] == [now - 10, now - 5]
    while time.monotonic_ns() <= soon:
        time.sleep(0.01)
    assert [one.time for one in merger.take()[0]] == [soon]


def test_one_buffer_that_lags_does_not_pile_up_the_others() -> None:
    read = 0

    def endless() -> tuple[list[Record], bool]:
        nonlocal read
        read += 1
        return [Record(1_000_000 + read, None, b"", 0, 0)] * ENOUGH, False

    merger = Merger([endless, Pieces([1], 1)])
    found, left = merger.take()
    assert left
    assert found[0].time == 1
    assert read <= 64
