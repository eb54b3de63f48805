"""What the code of a function without a name refers to: calls, texts, tables.

Only x86-64 code is understood, and only functions that the table for unwinding bounds. The
rows of static data come from the process's memory, where the loader has put real addresses in.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterable

from sigscope.decode.machine_code import Use, references
from sigscope.decode.unwind import function_around
from sigscope.errors import DecodeError
from sigscope.kernel.symbols.elf import Elf
from sigscope.model.location import Clues
from sigscope.model.mapping import Mapping

_LONGEST_FUNCTION = 1 << 14
_MOST_BELOW = 24
_MOST_CONSTANTS = 96
_LONGEST_TEXT = 120
_SHORTEST_TEXT = 3
_RAW = 32
_MOST_ROWS = 24
_ROW_WORDS = 3
_LARGEST_DATA = 2 << 20
_MOST_DATA = 8 << 20
_LARGEST_NUMBER = 1 << 16
_WRITE = 2
_WORD = struct.Struct("=Q")
_STUB = b"\xff\x25"
"""jmp *slot(%rip): the linkage table's way to an imported function."""


def read_clues(elf: Elf, address: int) -> Clues | None:
    """For a function that begins at this address of the file; None where nothing can be said."""
    unwinding = next((one for one in elf.segments if one.kind == "PT_GNU_EH_FRAME"), None)
    if elf.machine != "EM_X86_64" or unwinding is None:
        return None
    try:
        around = function_around(elf.at, unwinding.address, address)
        if around is None or around[0] != address:
            return None
        return _Reading(elf, unwinding.address).clues(around)
    except (DecodeError, OSError):
        return None


class _Reading:
    def __init__(self, elf: Elf, unwinding: int) -> None:
        self._elf = elf
        self._unwinding = unwinding
        self._calls: set[str] = set()
        self._data: dict[int, None] = {}

    def clues(self, function: tuple[int, int]) -> Clues:
        """The function's own code, its parts that lie elsewhere, and what it calls without name."""
        seen = {function}
        below = self._look(function)
        for target in sorted(below):
            around = function_around(self._elf.at, self._unwinding, target)
            if around is not None and around not in seen and len(seen) <= _MOST_BELOW:
                seen.add(around)
                self._look(around)
        text, data = self._constants()
        variables = self._elf.variables(".dynsym", self._data)
        return Clues(
            frozenset(self._calls),
            frozenset(one.names[0] for one in variables.values()),
            text,
            data,
        )

    def _look(self, function: tuple[int, int]) -> set[int]:
        """Notes what this code refers to; the functions that it calls and that have no name."""
        begin, size = function
        code = self._elf.at(begin, min(size, _LONGEST_FUNCTION))
        targets, slots = set[int](), set[int]()
        for address, use in references(code, begin, self._elf.fixed):
            if use is Use.SLOT:
                slots.add(address)
            elif use is Use.DATA:
                self._data.setdefault(address)
            elif not begin <= address < begin + size:
                targets.add(address)
        named = self._elf.functions(".dynsym", targets)
        exact = {address for address, one in named.items() if one.begin == address}
        self._calls.update(named[address].names[0] for address in exact)
        stubs = {target: slot for target in targets - exact if (slot := self._stub(target))}
        imported = self._elf.imported({*slots, *stubs.values()})
        self._calls.update(name for name in imported.values() if name)
        return {
            target
            for target in targets - exact - stubs.keys()
            if (segment := self._elf.segment_of(target)) is not None and segment.flags & 1
        }

    def _stub(self, target: int) -> int | None:
        """The slot through which this entry of the linkage table jumps."""
        segment = self._elf.segment_of(target)
        if segment is None or not segment.flags & 1:
            return None
        code = self._elf.at(target, 16)
        place = code.find(_STUB)
        if not 0 <= place <= 5 or len(code) < place + 6:
            return None
        (offset,) = struct.unpack_from("<i", code, place + 2)
        return target + place + 6 + int(offset)

    def _constants(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        texts, others = dict[str, None](), dict[str, None]()
        for address in self._data:
            segment = self._elf.segment_of(address)
            if segment is None or segment.flags & _WRITE:
                continue
            data = self._elf.at(address, _LONGEST_TEXT)
            text = text_of(data)
            if text and len(texts) < _MOST_CONSTANTS:
                texts.setdefault(text)
            elif not text and len(others) < _MOST_CONSTANTS:
                others.setdefault(data[:_RAW].hex())
        return tuple(texts), tuple(others)


def text_of(data: bytes) -> str:
    """The text that begins here, if it is one: printable, and ended by a zero."""
    piece, zero, _ = data.partition(b"\0")
    text = piece.decode("ascii", "replace").strip("\n")
    fits = zero and len(piece) >= _SHORTEST_TEXT and text.isascii() and text.isprintable()
    return text if fits else ""


def read_rows(
    memory: int, mappings: Collection[Mapping], address: int
) -> tuple[tuple[int | str, ...], ...]:
    """What stands before each pointer to the address in the static data of its file.

    ``memory`` is an open /proc/PID/mem, ``mappings`` are those of the file.
    """
    needle, rows = _WORD.pack(address), list[tuple[int | str, ...]]()
    left = _MOST_DATA
    for mapping in mappings:
        size = mapping.end - mapping.start
        if mapping.executable or size > _LARGEST_DATA or "r" not in mapping.permissions:
            continue
        left -= size
        if left < 0:
            break
        try:
            data = os.pread(memory, size, mapping.start)
        except OSError:
            continue
        place = -1
        while (place := data.find(needle, place + 1)) >= 0 and len(rows) < _MOST_ROWS:
            before = place - _ROW_WORDS * _WORD.size
            if place % _WORD.size == 0 and before >= 0:
                words = struct.unpack_from(f"={_ROW_WORDS}Q", data, before)
                rows.append(tuple(_word(memory, mappings, word) for word in words))
    return tuple(rows)


def _word(memory: int, mappings: Iterable[Mapping], word: int) -> int | str:
    """The text that it points to in the same file, or the small number that it is, or 0."""
    if word < _LARGEST_NUMBER:
        return word
    if not any(word in mapping for mapping in mappings):
        return 0
    try:
        piece, zero, _ = os.pread(memory, _LONGEST_TEXT, word).partition(b"\0")
    except OSError:
        return 0
    text = piece.decode("ascii", "replace")
    return text if zero and text.isascii() and (text.isprintable() or not text) else 0
