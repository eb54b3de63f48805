"""The seccomp filters of a thread, newest first, put together from pieces."""

from __future__ import annotations

from sigscope.decode.records import split_records
from sigscope.decode.task import Fields, decode_instructions, number, text
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.model.seccomp import Filter

MOST_FILTERS = 6553
"""MAX_INSNS_PER_PATH of kernel/seccomp.c, with the penalty of four for each, lets in no more."""
MOST_PIECES = 16
_INSTRUCTION_SIZE = 8


def read_filters(tasks: Tasks, tid: int, first: int) -> tuple[Filter, ...] | None:
    """All filters; None if the thread ended meanwhile.

    Threads and processes share them: each is read once, and known again by where the kernel
    keeps it (``first``), for as long as ``tasks`` lives.
    """
    if first in tasks.filters:
        return tasks.filters[first]
    found: list[Filter] = []
    place, seen = first, []
    while place and len(found) < MOST_FILTERS:
        if place in tasks.filters:
            found += tasks.filters[place]
            break
        one, place_before = _filter(tasks, tid, place)
        if one is None:
            return None
        seen.append(place)
        found.append(one)
        place = place_before
    whole = tuple(found)
    for number_of, place in enumerate(seen):
        tasks.filters[place] = whole[number_of:]
    return whole


def _filter(tasks: Tasks, tid: int, place: int) -> tuple[Filter | None, int]:
    """One filter, and where the one before it lies."""
    piece = _piece(tasks, tid, place, 0)
    if piece is None:
        return None, 0
    previous, length = number(piece, "previous"), number(piece, "length")
    logged = bool(number(piece, "log")) if tasks.layout.has("seccomp_filter.log") else None
    data = _instructions(piece)
    for _ in range(MOST_PIECES):
        have = len(data) // _INSTRUCTION_SIZE
        if have >= length or not number(piece, "count"):
            break
        piece = _piece(tasks, tid, place, have)
        if piece is None:
            return None, 0
        data += _instructions(piece)
    whole = 0 < length == len(data) // _INSTRUCTION_SIZE
    return Filter(decode_instructions(data), logged, complete=whole), previous


def _instructions(piece: Fields) -> bytes:
    return text(piece, "instructions")[: number(piece, "count") * _INSTRUCTION_SIZE]


def _piece(tasks: Tasks, tid: int, place: int, begin: int) -> Fields | None:
    for _, fields in split_records(tasks.filter_piece(tid, place, begin)):
        if number(fields, "tid") == tid:
            return fields
    return None
