"""A page of a trace ring buffer, as trace_pipe_raw gives it (kernel/trace/ring_buffer.c).

Its layout is told by ``events/header_page`` and ``events/header_event``: a time, how much of
the page is used, and then records, each with the time since the one before.
"""

from __future__ import annotations

import re
import struct

from sigscope.decode.tracepoint import Record, decode_fields
from sigscope.errors import DecodeError
from sigscope.model.value import dataclass

MISSED, STORED = 1 << 31, 1 << 30
"""Bits of ``commit``: records were lost before this page; their number stands behind the rest."""
_USED = (1 << 20) - 1
_EVENT = {
    rb"type_len\s*:\s*(\d+) bits": 5,
    rb"time_delta\s*:\s*(\d+) bits": 27,
    rb"padding\s*:\s*type == (\d+)": 29,
    rb"time_extend\s*:\s*type == (\d+)": 30,
    rb"data max type_len\s*==\s*(\d+)": 28,
}
"""What has been so since Linux 2.6.31: the file is there to notice if that ever changes."""
_PADDING, _EXTEND, _STAMP = 29, 30, 31
_LOSSES = re.compile(rb"(?m)^(?:overrun|commit overrun|dropped events): (\d{1,18})$")
_WORD = struct.Struct("=I")
_COUNT = struct.Struct("=Q")


@dataclass(frozen=True, slots=True)
class PageLayout:
    """``size`` is that of a whole page; the ``commit`` is of four or of eight bytes."""

    size: int
    header: struct.Struct
    start: int


def decode_page_layout(page: bytes, event: bytes) -> PageLayout:
    """From the texts of ``events/header_page`` and ``events/header_event``."""
    fields = decode_fields(b"".join(b"\tfield:" + line for line in _parts(page)))
    try:
        time, commit, body = fields["timestamp"], fields["commit"], fields["data"]
    except KeyError as error:
        raise DecodeError("events/header_page", f"it has no field {error}") from None
    if (time.offset, time.size, commit.offset) != (0, 8, 8) or commit.size not in (4, 8):
        raise DecodeError("events/header_page", "time and commit are not where they always were")
    for pattern, value in _EVENT.items():
        found = re.search(pattern, event)
        if found is None or int(found[1]) != value:
            raise DecodeError("events/header_event", f"{pattern.decode()} is not {value}")
    header = struct.Struct("=QQ" if commit.size == 8 else "=QI")
    if body.offset < header.size or body.size < 8:
        raise DecodeError("events/header_page", "its data lie over its header")
    return PageLayout(body.offset + body.size, header, body.offset)


def _parts(page: bytes) -> list[bytes]:
    return page.split(b"\tfield:")[1:]


def decode_page(layout: PageLayout, data: bytes, base: int, found: list[Record]) -> None:
    """The records of the page that begins at ``base``, added to ``found``.

    What is left of them when a page turns out to be damaged stays in ``found``.
    """
    try:
        time, commit = layout.header.unpack_from(data, base)
        at = base + layout.start
        end = at + (commit & _USED)
        if end > min(base + layout.size, len(data)):
            raise DecodeError("trace page", f"{commit & _USED} bytes are used of {layout.size}")
        if commit & MISSED:
            found.append(Record(time, None, data, _lost(layout, data, base, commit), -1))
        _decode_records(data, at, end, time, found)
    except struct.error:
        raise DecodeError("trace page", "it is cut off") from None


def _lost(layout: PageLayout, data: bytes, base: int, commit: int) -> int:
    """How many, where the page had room to say so; else 0."""
    place = base + layout.start + (commit & _USED)
    if not commit & STORED or place + _COUNT.size > min(base + layout.size, len(data)):
        return 0
    return int(_COUNT.unpack_from(data, place)[0])


def _decode_records(data: bytes, at: int, end: int, time: int, found: list[Record]) -> None:
    add, make, word = found.append, tuple.__new__, _WORD.unpack_from
    while at < end:
        (head,) = word(data, at)
        kind, delta = head & 31, head >> 5
        if kind < _PADDING:
            if kind:
                begin = at + 4
                at = begin + kind * 4
            else:  # too long for that: the length stands in the next word, and counts itself
                (length,) = word(data, at + 4)
                begin = at + 8
                at += 4 + length
            if at > end or begin > at:
                raise DecodeError("trace page", "a record ends behind the page")
            time += delta
            add(make(Record, (time, None, data, begin, at)))
        elif kind == _PADDING:
            if not delta:
                return
            (length,) = word(data, at + 4)
            time += delta
            at += 4 + length
        else:
            (high,) = word(data, at + 4)
            full = (high << 27) + delta
            # An absolute time has 59 bits: the upper five are those of the page.
            time = time + full if kind == _EXTEND else (time >> 59 << 59) | full
            at += 8


def decode_stats(data: bytes) -> int:
    r"""``per_cpu/cpuN/stats``: the records that were written over, dropped, or found no room.

    >>> decode_stats(b"entries: 7\noverrun: 3\ncommit overrun: 0\ndropped events: 2\n")
    5
    """
    found = _LOSSES.findall(data)
    if not found:
        raise DecodeError("trace stats", "it does not count what was lost")
    return sum(map(int, found))
