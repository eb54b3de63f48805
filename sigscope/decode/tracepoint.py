"""The ``format`` file of a tracepoint (Documentation/trace/events.rst), and records by it.

Where a field lies differs from kernel to kernel: a record is only read by the file of the kernel
that wrote it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from sigscope.errors import DecodeError
from sigscope.model.value import dataclass

LONGEST_RECORD = 1 << 16
_LINE = re.compile(
    rb"\tfield:\s*(?P<kind>[^;]*?)(?P<name>[A-Za-z_]\w*)(?P<array>\[\w*\])?;"
    rb"\toffset:(?P<offset>\d{1,6});\tsize:(?P<size>\d{1,6});\tsigned:(?P<signed>[01]);"
)
_HEAD = re.compile(rb"\Aname: (\S{1,128})\nID: (\d{1,9})\nformat:\n")
_CODES = {1: "b", 2: "h", 4: "i", 8: "q"}


class Record(NamedTuple):
    """A tracepoint's bytes are ``data[at:end]``; ``tgid`` is that of the current task, if known.

    Where ``end`` is -1, ``at`` records (0: an unknown number) were lost before this time.
    """

    time: int
    tgid: int | None
    data: bytes
    at: int
    end: int


class Field(NamedTuple):
    """Bytes ``offset`` to ``offset + size`` of a record; ``kind`` is its C type."""

    kind: str
    offset: int
    size: int
    signed: bool
    array: bool = False

    @property
    def code(self) -> str:
        """For struct: a number, or bytes."""
        code = _CODES.get(self.size)
        if self.array or code is None:
            return f"{self.size}s"
        return code if self.signed else code.upper()


@dataclass(frozen=True, slots=True)
class Format:
    """One tracepoint: ``number`` is in each record's ``common_type``."""

    name: str
    number: int
    fields: Mapping[str, Field]

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def reader(self, *names: str) -> Reader:
        """What takes these fields out of a record; DecodeError if this kernel has one not."""
        try:
            wanted = [self.fields[name] for name in names]
        except KeyError as error:
            raise DecodeError(f"format of {self.name}", f"it has no field {error}") from None
        order = sorted(range(len(wanted)), key=lambda place: wanted[place].offset)
        layout, end = "=", 0
        for field in (wanted[place] for place in order):
            if field.offset < end:
                raise DecodeError(f"format of {self.name}", "its fields lie over one another")
            layout += f"{field.offset - end}x{field.code}"
            end = field.offset + field.size
        return Reader(struct.Struct(layout), order)


class Reader:
    """``unpack(data, at)`` gives the values of the fields, in the order they were asked for.

    It raises struct.error where data ends too early: ``size`` says how many bytes it reads.
    """

    def __init__(self, layout: struct.Struct, order: list[int]) -> None:
        self.size = layout.size
        self.unpack: Callable[[bytes, int], tuple[Any, ...]] = layout.unpack_from
        if order != sorted(order):
            pick = itemgetter(*(order.index(place) for place in range(len(order))))
            self.unpack = lambda data, at: pick(layout.unpack_from(data, at))


def decode_format(data: bytes) -> Format:
    r"""The file of one event.

    >>> text = b"name: beep\nID: 7\nformat:\n"
    >>> text += b"\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
    >>> beep = decode_format(text)
    >>> beep.number, beep.fields["comm"]
    (7, Field(kind='char', offset=8, size=16, signed=False, array=True))
    >>> beep.reader("comm").unpack(bytes(8) + b"php-fpm".ljust(16, b"\0"), 0)[0][:7]
    b'php-fpm'
    """
    head = _HEAD.match(data)
    if head is None:
        raise DecodeError("format", "it does not begin with name: and ID:")
    name = head[1].decode("latin-1")
    fields = decode_fields(data[head.end() :])
    if not fields:
        raise DecodeError(f"format of {name}", "it has no fields")
    return Format(name, int(head[2]), fields)


def decode_fields(data: bytes) -> dict[str, Field]:
    """The lines ``field:`` of an event, or of ``events/header_page``."""
    fields = {}
    for line in _LINE.finditer(data):
        kind = line["kind"].decode("latin-1").strip()
        array = line["array"] is not None and not kind.startswith(("__data_loc", "__rel_loc"))
        field = Field(kind, int(line["offset"]), int(line["size"]), line["signed"] == b"1", array)
        if field.offset + field.size > LONGEST_RECORD:
            raise DecodeError("format", f"a field ends at byte {field.offset + field.size}")
        fields[line["name"].decode("latin-1")] = field
    return fields


def located(data: bytes, at: int, end: int, location: int) -> bytes:
    r"""The text of a ``__data_loc`` field: its place in the record, and its length, in one word.

    >>> located(b"....ls\0", 0, 7, 3 << 16 | 4)
    b'ls'
    """
    begin = at + (location & 0xFFFF)
    text = data[begin : min(begin + (location >> 16 & 0xFFFF), end)]
    return text.partition(b"\0")[0]
