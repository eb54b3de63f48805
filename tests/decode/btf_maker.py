"""BTF by hand: types are added one by one, and refer to each other by their numbers."""

from __future__ import annotations

import struct

HEADER = 24
INT, POINTER, ARRAY, STRUCT, UNION, ENUM, TYPEDEF, CONST, FUNCTION = 1, 2, 3, 4, 5, 6, 8, 10, 12


class BtfMaker:
    """``bytes(maker)`` is the file."""

    def __init__(self) -> None:
        self._strings = b"\0"
        self._types: list[bytes] = []

    def text(self, name: str) -> int:
        """Where a name stands; each once, as pahole writes it."""
        if not name:
            return 0
        place = self._strings.find(b"\0" + name.encode() + b"\0")
        if place >= 0:
            return place + 1
        self._strings += name.encode() + b"\0"
        return len(self._strings) - len(name) - 1

    def raw(
        self, name: str, kind: int, count: int, size: int, more: bytes = b"", flag: int = 0
    ) -> int:
        """Any type; its number."""
        info = flag << 31 | kind << 24 | count
        self._types.append(struct.pack("<III", self.text(name), info, size) + more)
        return len(self._types)

    def number(self, size: int) -> int:
        return self.raw("int", INT, 0, size, struct.pack("<I", 8 * size))

    def pointer(self, to: int) -> int:
        return self.raw("", POINTER, 0, to)

    def alias(self, to: int, kind: int = TYPEDEF) -> int:
        return self.raw("alias", kind, 0, to)

    def array(self, of: int, count: int) -> int:
        return self.raw("", ARRAY, 0, 0, struct.pack("<III", of, of, count))

    def struct(
        self, name: str, size: int, *members: tuple[str, int, int], kind: int = STRUCT
    ) -> int:
        """Members are (name, type, bytes from the beginning)."""
        more = b"".join(struct.pack("<III", self.text(one), of, 8 * at) for one, of, at in members)
        return self.raw(name, kind, len(members), size, more)

    def bits(self, name: str, size: int, *members: tuple[str, int, int, int]) -> int:
        """Members are (name, type, bits from the beginning, width or 0)."""
        more = b"".join(
            struct.pack("<III", self.text(one), of, width << 24 | at)
            for one, of, at, width in members
        )
        return self.raw(name, STRUCT, len(members), size, more, flag=1)

    def enum(self, name: str, **values: int) -> int:
        more = b"".join(struct.pack("<II", self.text(one), value) for one, value in values.items())
        return self.raw(name, ENUM, len(values), 4, more)

    def function(self, name: str) -> int:
        return self.raw(name, FUNCTION, 0, 0)

    def __bytes__(self) -> bytes:
        types = b"".join(self._types)
        head = struct.pack(
            "<HBBIIIII", 0xEB9F, 1, 0, HEADER, 0, len(types), len(types), len(self._strings)
        )
        return head + types + self._strings
