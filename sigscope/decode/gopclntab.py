"""Go's own table of functions, which stays in a stripped program: its tracebacks need it.

The layouts of Go 1.2, 1.16, 1.18 and 1.20 are known (src/debug/gosym/pclntab.go and
src/runtime/symtab.go, pcHeader).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from sigscope.errors import DecodeError

Read = Callable[[int, int], bytes]
"""Bytes of the table, by offset and size; fewer where it has no more."""

_MAGICS = {0xFFFFFFFB: 2, 0xFFFFFFFA: 16, 0xFFFFFFF0: 18, 0xFFFFFFF1: 20}
_MOST_FUNCTIONS = 1 << 23
_LONGEST_NAME = 512


def go_function(read: Read, text: int, address: int) -> tuple[str, int] | None:
    """(name, beginning) of the function at this address; None if the table has none.

    ``text`` is where .text begins, for programs that do not say it in the table. The table has
    no sizes: a function ends where the next one begins. DecodeError for a table of
    another layout.

    >>> go_function(lambda offset, size: b"", 0x401000, 0x401000)
    Traceback (most recent call last):
        ...
    sigscope.errors.DecodeError: gopclntab: it is shorter than its head
    """
    table = _Table(read)
    begins = table.words(8, 3)[2] if table.version >= 18 else 0
    told = bool(begins)
    base = (begins or text) if table.version >= 18 else 0
    found = table.find(address - base)
    if found is None:
        return None
    entry, name = found
    # Where only .text says where the code begins, a name that fits exactly is no accident.
    if table.version >= 18 and not told and entry + base != address:
        return None
    return name, entry + base


class _Table:
    def __init__(self, read: Read) -> None:
        self._read = read
        head = self._exactly(0, 8, "its head")
        magic, pointer = struct.unpack_from("<I", head)[0], head[7]
        if magic not in _MAGICS or pointer not in (4, 8):
            raise DecodeError("gopclntab", f"its layout {magic:#x} is not known")
        self.version = _MAGICS[magic]
        self._pointer = pointer
        self._word = "Q" if pointer == 8 else "I"
        self.count = self.words(8, 1)[0]
        if self.count > _MOST_FUNCTIONS:
            raise DecodeError("gopclntab", f"it claims {self.count} functions")
        if self.version == 2:
            self._names, self._functions, self._rows = 0, 0, 8 + pointer
        else:
            fields = self.words(8, 8)
            skipped = 3 if self.version >= 18 else 2
            self._names = fields[skipped]
            self._functions = self._rows = fields[skipped + 4]
        self._entry = "I" if self.version >= 18 else self._word

    def words(self, offset: int, count: int) -> tuple[int, ...]:
        data = self._exactly(offset, count * self._pointer, "its head")
        return struct.unpack(f"<{count}{self._word}", data)

    def _exactly(self, offset: int, size: int, what: str) -> bytes:
        data = self._read(offset, size)
        if len(data) < size:
            raise DecodeError("gopclntab", f"it is shorter than {what}")
        return data

    def _row(self, number: int) -> tuple[int, int]:
        size = struct.calcsize(f"<2{self._entry}")
        data = self._exactly(self._rows + number * size, size, "it claims")
        begin, function = struct.unpack(f"<2{self._entry}", data)
        return begin, function

    def find(self, address: int) -> tuple[int, str] | None:
        """(beginning, name), the beginning counted as the table does."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self._row(middle)[0] <= address:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return None
        entry, function = self._row(low - 1)
        if low == self.count:  # behind the last row stands where the last function ends
            size = struct.calcsize(f"<{self._entry}")
            end = self._exactly(self._rows + low * 2 * size, size, "it claims")
            if address >= struct.unpack(f"<{self._entry}", end)[0]:
                return None
        layout = f"<{self._entry}i"
        place = self._functions + function
        data = self._exactly(place, struct.calcsize(layout), "it claims")
        name = self._read(self._names + struct.unpack(layout, data)[1], _LONGEST_NAME)
        return entry, name.split(b"\0")[0].decode("utf-8", "backslashreplace")
