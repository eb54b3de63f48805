"""The signals that are on their way, and what was told of each."""

from __future__ import annotations

from collections import Counter, deque
from heapq import heappush

from sigscope.analysis.watch.record import Record
from sigscope.model.story import Fate, Story

MS = 1_000_000
FRESH = 40 * MS
"""After that time, /proc is asked. Most signals are taken within a millisecond."""
MOST_OPEN = 1 << 16
MOST_CREDITS = 4096
CREDIT = 500 * MS
"""Folded events may tell of a delivery before they tell of the send."""


class Ledger:
    """``counts`` has the first fate of every signal, ``let_go`` how many were given up."""

    def __init__(self) -> None:
        self.counts: Counter[Fate] = Counter()
        self.let_go = 0
        self._open: dict[tuple[int, int], deque[Record]] = {}
        self._all: dict[int, Record] = {}
        self._due: list[tuple[int, int, Record]] = []
        self._turn = 0
        self._credits: dict[tuple[int, int], tuple[int, int, Fate, int]] = {}
        self._told: list[Story] = []

    def _enter(self, record: Record) -> None:
        self._all[record.number] = record.target.open[record.number] = record
        if len(self._all) > MOST_OPEN:
            self._give_up()

    def _await(self, record: Record, alike: deque[Record] | None) -> None:
        """It is in a queue now; folded deliveries may have been told of before."""
        key = record.target.pid, record.sent.info.signal
        self._enter(record)
        if alike is None:
            alike = self._open[key] = deque()
        alike.append(record)
        if key in self._credits:
            self._spend(key, record)
        if record.open:
            self._again(record, record.sent.time + FRESH)

    def _spend(self, key: tuple[int, int], record: Record) -> None:
        """Of a delivery that was told of before its send."""
        times, time, fate, tid = self._credits[key]
        if time < record.sent.time - (CREDIT if record.sent.times > 1 else 0):
            return  # it was of an earlier one
        del self._credits[key]
        spent = min(times, record.left)
        self._tell(record, fate, "", max(time, record.sent.time), spent, tid)
        if times > spent:
            self._credits[key] = times - spent, time, fate, tid

    def _lend(self, key: tuple[int, int], times: int, time: int, fate: Fate, tid: int) -> None:
        """More deliveries than sends so far: those are told of a little later."""
        before = self._credits.pop(key, None)
        if before is not None and before[1] > time - CREDIT:
            times += before[0]
        self._credits[key] = times, time, fate, tid
        if len(self._credits) > MOST_CREDITS:
            del self._credits[next(iter(self._credits))]

    def _first(self, pid: int, signal: int, tid: int) -> Record | None:
        """The next in the queue: a thread's own come before those of its process."""
        queue = self._open.get((pid, signal))
        if not queue:
            return None
        own = (one for one in queue if not one.sent.group and one.sent.target.tid == tid)
        shared = (one for one in queue if one.sent.group)
        return next(own, None) or next(shared, None) or queue[0]

    def _again(self, record: Record, when: int) -> None:
        self._turn += 1  # which keeps records from being compared
        heappush(self._due, (when, self._turn, record))

    def _give_up(self) -> None:
        record = next(iter(self._all.values()))
        if record.waits:
            self._drop(record)
        else:
            self._tell(record, Fate.UNKNOWN, "too many wait: it was let go", record.sent.time)
        self.let_go += 1

    def _tell(
        self,
        record: Record,
        fate: Fate,
        because: str,
        time: int,
        times: int = 0,
        thread: int | None = None,
        into: int | None = None,
    ) -> None:
        times = times or record.left
        if not record.waits:
            self.counts[fate] += times
        self._told.append(record.story(fate, time, because, times, thread, into))
        record.fate = fate
        if fate.lasts:
            record.left -= times
            if not record.left:
                self._drop(record)
        else:
            record.waits = True

    def _drop(self, record: Record) -> None:
        record.left = 0
        self._all.pop(record.number, None)
        record.target.open.pop(record.number, None)
        key = record.target.pid, record.sent.info.signal
        if (queue := self._open.get(key)) is not None:
            if record in queue:
                queue.remove(record)
            if not queue:
                del self._open[key]

    def _flush(self) -> list[Story]:
        told, self._told = self._told, []
        return told
