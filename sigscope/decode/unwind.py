"""Where functions begin and end, by the table for unwinding: it is there in stripped files, too.

.eh_frame_hdr is a sorted table of (function, description); the description in .eh_frame
has the length (Linux Standard Base 5.0, Core, chapter 10.6). Only the encodings are read that
GNU ld, gold and lld write: offsets of four bytes from the table itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from sigscope.errors import DecodeError

At = Callable[[int, int], bytes]
"""The bytes at a virtual address of the file; fewer where it has no more."""

_HEAD = b"\x01\x1b\x03\x3b"
"""Version 1; pcrel sdata4, udata4, datarel sdata4."""
_COUNT = struct.Struct("<I")
_ROW = struct.Struct("<ii")
_DESCRIPTION = struct.Struct("<IIiI")
MOST_FUNCTIONS = 1 << 24


def function_around(at: At, table: int, address: int) -> tuple[int, int] | None:
    """(beginning, size) of the function that holds the address; None if none does.

    ``table`` is the address of .eh_frame_hdr. DecodeError where it is not of this kind.
    """
    head = at(table, 12)
    if len(head) < 12 or head[:4] != _HEAD:
        raise DecodeError("eh_frame_hdr", "it is not the sorted table that linkers write")
    (count,) = _COUNT.unpack_from(head, 8)
    if count > MOST_FUNCTIONS:
        raise DecodeError("eh_frame_hdr", f"it claims {count} functions")
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if table + _row(at, table, middle)[0] <= address:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return None
    begin, description = (table + value for value in _row(at, table, low - 1))
    data = at(description, _DESCRIPTION.size)
    if len(data) < _DESCRIPTION.size:
        raise DecodeError("eh_frame", "it ends within a description")
    size: int = _DESCRIPTION.unpack(data)[3]
    return (begin, size) if begin <= address < begin + size else None


def _row(at: At, table: int, number: int) -> tuple[int, int]:
    data = at(table + 12 + _ROW.size * number, _ROW.size)
    if len(data) < _ROW.size:
        raise DecodeError("eh_frame_hdr", "it is shorter than it claims")
    begin, description = _ROW.unpack(data)
    return begin, description
