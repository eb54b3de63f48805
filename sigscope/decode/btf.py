"""BTF, the kernel's description of its own types: where a field lies, found by its name.

/sys/kernel/btf/vmlinux holds some 125,000 types of varying length, so all of them are walked
once to learn where each begins; names are compared only for those that are asked for
(Documentation/bpf/btf.rst, include/uapi/linux/btf.h).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Collection, Iterator
from typing import NamedTuple

from sigscope.errors import DecodeError

MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
INT, POINTER, ARRAY, STRUCT, UNION, ENUM, TYPEDEF, FUNCTION = 1, 2, 3, 4, 5, 6, 8, 12
PROTOTYPE, ENUM64 = 13, 19
_ALIASES = frozenset((8, 9, 10, 11, 18))
"""typedef, volatile, const, restrict and type_tag: another name for the type they refer to."""
_COMPOUND = (STRUCT, UNION)
_WORDS = {
    **dict.fromkeys((2, 7, 8, 9, 10, 11, 12, 16, 18), (3, 0)),
    **dict.fromkeys((INT, 14, 17), (4, 0)),
    ARRAY: (6, 0),
    **dict.fromkeys((STRUCT, UNION, 15, ENUM64), (3, 3)),
    **dict.fromkeys((ENUM, 13), (3, 2)),
}
"""Kind -> words of 32 bits it takes, and for each of its members."""
DEEPEST = 32
"""No type of a kernel is nested this deep; a damaged one may lead in circles."""
_POINTER_SIZE = 8


class Field(NamedTuple):
    """Bytes from the beginning of its struct, its size, and for a bit field which bit of these.

    >>> Field(1200, 4, 5).mask
    32
    """

    offset: int
    size: int
    bit: int | None = None

    @property
    def mask(self) -> int:
        """The bit, as a mask over the field's bytes; all of them where it is no bit field."""
        return (1 << 8 * self.size) - 1 if self.bit is None else 1 << self.bit


class Btf:
    """The types of these ``names``, and all that they lead to.

    DecodeError where the bytes are no BTF, or hold a kind of type that is not known before all
    the names were found: its length is not known then, and nothing behind it can be.
    """

    def __init__(self, data: bytes, names: Collection[str]) -> None:
        self._data = data
        self._read_header()
        self._index(names)

    def _read_header(self) -> None:
        data = self._data
        if len(data) < _HEADER.size:
            raise DecodeError("btf", "it is cut off")
        magic, version, _, length, types, types_size, strings, strings_size = _HEADER.unpack_from(
            data
        )
        if magic != MAGIC or version != 1:
            raise DecodeError("btf", "it does not begin as BTF of version 1 and this byte order")
        self._strings = length + strings
        self._strings_end = self._strings + strings_size
        begin = length + types
        if begin + types_size > len(data) or self._strings_end > len(data) or types_size % 4:
            raise DecodeError("btf", "its sections reach beyond its end")
        self._words = array("I", data[begin : begin + types_size])
        if self._words.itemsize != 4:
            raise DecodeError("btf", "this Python has no array of 32-bit words")

    def _index(self, names: Collection[str]) -> None:
        """Where each type begins (in words), and the ids of the types that have a wanted name."""
        words, wanted = self._words, dict(self._offsets(names))
        found: dict[str, list[int]] = {name: [] for name in names}
        places = array("I", [0])
        keep = places.append
        at, end = 0, len(words)
        fixed = [_WORDS.get(kind, (0, 0))[0] for kind in range(32)]
        each = [_WORDS.get(kind, (0, 0))[1] for kind in range(32)]
        try:
            while at < end:
                info = words[at + 1]
                kind = info >> 24 & 31
                if not fixed[kind]:
                    break
                keep(at)
                if (name := words[at]) in wanted:
                    found[wanted[name]].append(len(places) - 1)
                at += fixed[kind] + each[kind] * (info & 0xFFFF)
        except IndexError:
            at = end + 1
        if at > end:
            raise DecodeError("btf", "its last type is cut off")
        if at < end and not all(found.values()):
            raise DecodeError("btf", f"type {len(places)} is of kind {kind}, which is not known")
        self._places, self._found = places, found

    def _offsets(self, names: Collection[str]) -> Iterator[tuple[int, str]]:
        """String offset -> name. (pahole stores each string once.)"""
        for name in names:
            place = self._data.find(f"\0{name}\0".encode(), self._strings, self._strings_end)
            if place >= 0:
                yield place + 1 - self._strings, name

    def _name(self, offset: int) -> str:
        begin = self._strings + offset
        end = self._data.find(b"\0", begin, self._strings_end)
        if end < 0:
            raise DecodeError("btf", "a name reaches beyond the end")
        return self._data[begin:end].decode("ascii", "replace")

    def _type(self, number: int) -> tuple[int, int, int, int]:
        """(place in words, kind, number of members, size or type referred to)."""
        if not 0 < number < len(self._places):
            raise DecodeError("btf", f"there is no type {number}")
        at = self._places[number]
        info = self._words[at + 1]
        return at, info >> 24 & 31, info & 0xFFFF, self._words[at + 2]

    def _plain(self, number: int) -> int:
        """The type itself, behind typedefs and qualifiers."""
        for _ in range(DEEPEST):
            _, kind, _, target = self._type(number)
            if kind not in _ALIASES:
                return number
            number = target
        raise DecodeError("btf", "its typedefs lead in circles")

    def id_of(self, name: str, kind: int) -> int | None:
        """The id of a type, as bpf(2) wants it for a function; None if there is none."""
        return next((one for one in self._found.get(name, ()) if self._type(one)[1] == kind), None)

    def parameters(self, name: str, kind: int = FUNCTION) -> int | None:
        """How many a function has, or the type of a pointer to one; None if it is not there."""
        number = self.id_of(name, kind)
        for _ in range(DEEPEST):
            if not number:
                return None
            _, found, count, target = self._type(self._plain(number))
            if found == PROTOTYPE:
                return count
            number = target if found in (POINTER, FUNCTION) else None
        raise DecodeError("btf", "its pointers lead in circles")

    def size_of(self, number: int) -> int:
        """Bytes of a type; 0 for one that has no size."""
        total = 1
        for _ in range(DEEPEST):
            number = self._plain(number) if number else 0
            if not number:
                return 0
            at, kind, _, size = self._type(number)
            if kind == ARRAY:
                total *= self._words[at + 5]
                number = self._words[at + 3]
                continue
            return total * (_POINTER_SIZE if kind == POINTER else size if kind in _SIZED else 0)
        raise DecodeError("btf", "its arrays are nested without an end")

    def field(self, path: str) -> Field | None:
        """ "task_struct.pending.signal": members of members; unnamed ones are looked through.

        "->" follows a pointer, and the offset counts from the struct that it points to.
        None where this kernel has no such struct or member.
        """
        struct_name, _, rest = path.partition(".")
        number = self.id_of(struct_name, STRUCT)
        found, bits = None, 0
        for hop in rest.split("->"):
            bits = 0
            if found is not None:
                number = self._pointed(found[1])
            for name in hop.split("."):
                number = self._plain(number) if number else None
                found = self._member(number, name, DEEPEST) if number else None
                if found is None:
                    return None
                bits += found[0]
                number = found[1]
        assert found is not None
        size, width = self.size_of(found[1]), found[2]
        return Field(bits // 8, size) if not width else Field(bits // 8, 1, bits % 8)

    def _pointed(self, number: int) -> int | None:
        _, kind, _, target = self._type(self._plain(number))
        return target if kind == POINTER and target else None

    def _member(self, number: int, name: str, depth: int) -> tuple[int, int, int] | None:
        """(bits from the beginning, type, width of a bit field or 0)."""
        if not depth:
            raise DecodeError("btf", "its structs are nested without an end")
        at, kind, count, _ = self._type(number)
        if kind not in _COMPOUND:
            return None
        packed = self._words[at + 1] >> 31
        unnamed = []
        for member in range(at + 3, at + 3 + 3 * count, 3):
            called, target, place = self._words[member : member + 3]
            width = place >> 24 if packed else 0
            place = place & 0xFFFFFF if packed else place
            if called == 0:
                unnamed.append((place, target))
            elif self._name(called) == name:
                return place, target, width
        for place, target in unnamed:
            plain = self._plain(target)
            if self._type(plain)[1] in _COMPOUND:
                inside = self._member(plain, name, depth - 1)
                if inside is not None:
                    return place + inside[0], inside[1], inside[2]
        return None

    def enumerator(self, name: str) -> int | None:
        """The value of a name of the enum that ``names`` asked for: ``"rlimit_type.UCOUNT_X"``."""
        enum, _, value = name.partition(".")
        number = self.id_of(enum, ENUM)
        if number is None:
            return None
        at, _, count, _ = self._type(number)
        for place in range(at + 3, at + 3 + 2 * count, 2):
            if self._name(self._words[place]) == value:
                return self._words[place + 1]
        return None


_SIZED = (INT, STRUCT, UNION, ENUM, 16, ENUM64)
