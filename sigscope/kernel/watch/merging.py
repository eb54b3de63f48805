"""Records of several buffers, one for each CPU, in one order of time."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TypeAlias

from sigscope.decode.tracepoint import Record

ENOUGH = 1 << 12
"""Records of one buffer that wait for those of the others, before it is read again."""
_TURNS = 64
_time = itemgetter(0)

Buffer: TypeAlias = Callable[[], tuple[list[Record], bool]]
"""Reads some records, and tells whether these were all."""


class Merger:
    """What is newer than the beginning of a look waits for the next: another buffer, which was
    read a moment earlier, may hold something that came before it.
    """

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self._buffers = buffers
        self._waiting: list[list[Record]] = [[] for _ in buffers]
        self._drained = [True] * len(buffers)

    def take(self) -> tuple[list[Record], bool]:
        """The next records in order, and whether some were left in a buffer.

        All that there are, unless they come faster than they are read.
        """
        found: list[Record] = []
        for _ in range(_TURNS):
            found += self._turn()
            if all(self._drained):
                return found, False
        return found, True

    def _turn(self) -> list[Record]:
        cut = time.monotonic_ns()
        for place, buffer in enumerate(self._buffers):
            waiting = self._waiting[place]
            if len(waiting) < ENOUGH:
                records, self._drained[place] = buffer()
                if records:
                    waiting += records
                    waiting.sort(key=_time)  # an interrupt may have been faster
            if not self._drained[place] and waiting:
                cut = min(cut, waiting[-1].time)
        found: list[Record] = []
        for waiting in self._waiting:
            if waiting:
                place = bisect_right(waiting, cut, key=_time)
                found += waiting[:place]
                del waiting[:place]
        found.sort(key=_time)
        return found
