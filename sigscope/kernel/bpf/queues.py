"""The pending queues: lists that the kernel locks and we do not, so each step is checked.

An entry counts only if its way back leads to the one before it. Where it does not, somebody
took a signal just then, and the walk begins again. And since the kernel uses the memory of an
entry that was taken for the next that comes, a queue counts only if two walks in turn say the same.
"""

from __future__ import annotations

from typing import NamedTuple

from sigscope.decode.records import ENTRY, LONGER, QUEUE_END, WHOLE, split_records
from sigscope.decode.siginfo import decode_siginfo
from sigscope.decode.task import Fields, number, text
from sigscope.errors import DecodeError
from sigscope.kernel.bpf.tasks import ELSEWHERE, Cursor, Tasks
from sigscope.model.siginfo import SigInfo

TRIES = 8
"""Walks over queues that change under our hands, before they are given up."""
MOST_ENTRIES = 4096
"""Of a longer queue the rest is only counted."""
MOST_WALKS = 1024

Key = tuple[int, bool]
"""(tid, is it the queue of the process?)"""


class Queue(NamedTuple):
    """``entries``, oldest first, and how many there are in all."""

    entries: tuple[SigInfo, ...]
    total: int


def read_queues(tasks: Tasks, pid: int) -> dict[Key, Queue | None]:
    """The queues of a process and of its threads; None for one that would not hold still."""
    settled: dict[Key, Queue | None] = {}
    before: dict[Key, Queue | None] = {}
    for walk in range(TRIES):
        entries, ends = _sorted(tasks.queues(pid))
        now = {key: _whole(tasks, key, entries.get(key, []), end) for key, end in ends.items()}
        for key, queue in now.items():
            if settled.get(key) is None:
                settled[key] = queue if queue == before.get(key) else None
        if walk and all(queue is not None for queue in settled.values()):
            break
        before = now
    return settled


def _sorted(data: bytes) -> tuple[dict[Key, list[Fields]], dict[Key, Fields]]:
    entries: dict[Key, list[Fields]] = {}
    ends: dict[Key, Fields] = {}
    for record, fields in split_records(data):
        key = number(fields, "tid"), bool(number(fields, "shared"))
        if record is ENTRY:
            entries.setdefault(key, []).append(fields)
        elif record is QUEUE_END:
            ends[key] = fields
    return entries, ends


def _whole(tasks: Tasks, key: Key, entries: list[Fields], end: Fields) -> Queue | None:
    """With what did not fit into the first walk; None if it was torn."""
    tid, shared = key
    for _ in range(MOST_WALKS):
        if number(end, "status") != LONGER:
            break
        place = Cursor(number(end, "node"), number(end, "previous"), 0, number(end, "index"))
        cursors = (ELSEWHERE, place) if shared else (place, ELSEWHERE)
        more, ends = _sorted(tasks.long_queues(tid, cursors))
        if key not in ends:
            return None
        end = ends[key]
        if len(entries) < MOST_ENTRIES:
            entries = entries + more.get(key, [])
    if number(end, "status") != WHOLE:
        return None
    try:
        infos = tuple(decode_siginfo(text(one, "info")) for one in entries[:MOST_ENTRIES])
    except DecodeError:
        return None
    return Queue(infos, number(end, "index"))
