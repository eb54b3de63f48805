"""One ELF file, as far as it tells the names of addresses; it may come from anybody.

pyelftools reads heads, sections, segments and notes, through a stream that ends after so many
bytes: whatever a file claims, reading it ends. The tables of symbols are gone through
in pieces here: pyelftools makes an object of each of the two million symbols of a browser.
"""

from __future__ import annotations

import struct
import sys
from bisect import bisect_left
from collections.abc import Collection, Iterator
from typing import IO, NamedTuple, cast

from sigscope.errors import DecodeError
from sigscope.kernel.symbols.elf_source import Budgeted, Source

MOST_SECTIONS = 4096
MOST_SEGMENTS = 256
MOST_TABLE_BYTES = 1 << 28
LONGEST_NAME = 1 << 14
_PIECE = 3 << 19
"""A multiple of the sizes of a symbol (24 and 16 bytes)."""
_FUNCTION, _OBJECT, _INDIRECT, _UNTYPED = 2, 1, 10, 0
_GLOBAL, _WEAK = 1, 2
_MOST_STEPS = 1 << 20
_MOST_ALIASES = 16


class Section(NamedTuple):
    """One head of the section table."""

    name: str
    kind: str
    address: int
    offset: int
    size: int
    link: int


class Segment(NamedTuple):
    """One head of the program table; ``flags`` 1 execute, 2 write, 4 read."""

    kind: str
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int


class Symbol(NamedTuple):
    """One symbol: where it begins, its size, and its names, the best one first."""

    begin: int
    size: int
    names: tuple[str, ...]


class Elf:
    """Raises DecodeError for everything that is no ELF file of this machine's byte order.

    >>> from sigscope.kernel.symbols.elf_source import BytesSource
    >>> with open("/proc/self/exe", "rb") as file:
    ...     Elf(BytesSource(file.read())).segments != ()
    True
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        try:
            self._read_heads()
        except DecodeError:
            raise
        except Exception as error:  # a parser of what strangers wrote fails in any way it likes
            raise DecodeError(
                "ELF file", f"damaged, or none ({type(error).__name__}: {error})"
            ) from None
        self._entry = struct.Struct("=IBBHQQ" if self.wide else "=IIIBBH")

    def _read_heads(self) -> None:
        from elftools.elf.elffile import ELFFile
        from elftools.elf.sections import NoteSection

        file = ELFFile(cast(IO[bytes], Budgeted(self._source)))
        if file.little_endian is not (sys.byteorder == "little"):
            raise DecodeError("ELF file", "it is for machines of the other byte order")
        self.wide: bool = file.elfclass == 64
        self.machine = str(file.header["e_machine"])
        self.fixed = str(file.header["e_type"]) == "ET_EXEC"
        if file.num_sections() > MOST_SECTIONS or file.num_segments() > MOST_SEGMENTS:
            raise DecodeError("ELF file", "it claims more sections than any program has")
        self.segments = tuple(
            Segment(
                str(head["p_type"]),
                head["p_flags"],
                head["p_offset"],
                head["p_vaddr"],
                head["p_filesz"],
                head["p_memsz"],
            )
            for head in (segment.header for segment in file.iter_segments())
        )
        sections = []
        self.build_id = ""
        self.go = False
        for section in file.iter_sections():
            head = section.header
            sections.append(
                Section(
                    str(section.name),
                    str(head["sh_type"]),
                    head["sh_addr"],
                    head["sh_offset"],
                    head["sh_size"],
                    head["sh_link"],
                )
            )
            if isinstance(section, NoteSection) and section.name.startswith(".note.g"):
                note = next(iter(section.iter_notes()), None)
                if note is not None and note["n_type"] == "NT_GNU_BUILD_ID":
                    self.build_id = str(note["n_desc"])
            self.go |= section.name.startswith((".gopclntab", ".note.go"))
        self.sections = tuple(sections)

    @property
    def weight(self) -> int:
        """How many bytes of symbols there are to go through."""
        tables = (self.section(".symtab"), self.section(".dynsym"))
        return sum(min(one.size, self._source.size) for one in tables if one is not None)

    def section(self, *names: str) -> Section | None:
        """The first that has one of these names, and contents."""
        fitting = (one for one in self.sections if one.name in names and one.kind != "SHT_NOBITS")
        return next(fitting, None)

    def in_section(self, section: Section, offset: int, size: int) -> bytes:
        """Bytes of a section; never any behind its end."""
        if not 0 <= offset < section.size:
            return b""
        return self._source.read_at(section.offset + offset, min(size, section.size - offset))

    def segment_of(self, address: int) -> Segment | None:
        """The PT_LOAD segment in whose file part this address lies."""
        for one in self.segments:
            if one.kind == "PT_LOAD" and one.address <= address < one.address + one.file_size:
                return one
        return None

    def at(self, address: int, size: int) -> bytes:
        """The bytes at an address of the file's own, as far as the segment reaches."""
        segment = self.segment_of(address)
        if segment is None:
            return b""
        into = address - segment.address
        return self._source.read_at(segment.offset + into, min(size, segment.file_size - into))

    def address_of(self, offset: int) -> int | None:
        """The address that symbols have for this place of the file; None if none is loaded."""
        for one in self.segments:
            if one.kind == "PT_LOAD" and one.offset <= offset < one.offset + one.file_size:
                return one.address + offset - one.offset
        return None

    def functions(self, table: str, addresses: Collection[int]) -> dict[int, Symbol]:
        """The functions of a table (".symtab", ".dynsym") that hold these addresses."""
        return self._holding(table, addresses, (_FUNCTION, _INDIRECT, _UNTYPED))

    def variables(self, table: str, addresses: Collection[int]) -> dict[int, Symbol]:
        """The variables that hold these addresses."""
        return self._holding(table, addresses, (_OBJECT,))

    def _holding(
        self, table: str, addresses: Collection[int], kinds: tuple[int, ...]
    ) -> dict[int, Symbol]:
        wanted = sorted(set(addresses))
        section = self.section(table)
        if section is None or not wanted:
            return {}
        best: dict[int, list[tuple[int, ...]]] = {}
        steps = 0
        for entry in self._between(section, wanted):
            begin, size = (entry[4], entry[5]) if self.wide else (entry[1], entry[2])
            info, index = (entry[1], entry[3]) if self.wide else (entry[3], entry[5])
            if info & 15 not in kinds or not index or not (size or info & 15 == _FUNCTION):
                continue
            for address in wanted[bisect_left(wanted, begin) :]:
                steps += 1
                if address >= begin + max(size, 1):
                    break
                found = best.setdefault(address, [])
                if not found or begin > found[0][0]:
                    found[:] = [(begin, size, info, entry[0])]
                elif begin == found[0][0] and len(found) < _MOST_ALIASES:
                    found.append((begin, size, info, entry[0]))
            if steps > _MOST_STEPS:
                raise DecodeError("ELF file", f"its {table} has too many symbols in one place")
        return {
            address: Symbol(found[0][0], found[0][1], self._names(section, found))
            for address, found in best.items()
        }

    def _between(self, section: Section, wanted: list[int]) -> Iterator[tuple[int, ...]]:
        """The symbols that begin at or before the last, and end behind the first, of these."""
        if section.size > MOST_TABLE_BYTES:
            raise DecodeError("ELF file", f"its {section.name} is larger than any program's")
        size = self._entry.size
        words = size // (8 if self.wide else 4)
        first, last = wanted[0], wanted[-1]
        for place in range(0, section.size, _PIECE):
            data = self.in_section(section, place, _PIECE)
            data = data[: len(data) // size * size]
            if not data:
                return
            numbers = memoryview(data).cast("Q" if self.wide else "I")
            begins, lengths = numbers[1::words].tolist(), numbers[2::words].tolist()
            for number, begin in enumerate(begins):
                if begin <= last and begin + (lengths[number] or 1) > first:
                    yield self._entry.unpack_from(data, number * size)

    def _names(self, section: Section, found: list[tuple[int, ...]]) -> tuple[str, ...]:
        """Without repetition; global names first, and of those the ones without underscores."""
        if not section.link < len(self.sections):
            return ("",)
        strings = self.sections[section.link]
        named: dict[str, tuple[int, bool, int, str]] = {}
        for _, _, info, offset in found:
            text = self.in_section(strings, offset, LONGEST_NAME).split(b"\0")[0]
            name = text.decode("utf-8", "backslashreplace")
            binding = (_GLOBAL, _WEAK).index(info >> 4) if info >> 4 in (_GLOBAL, _WEAK) else 2
            if name:
                named.setdefault(name, (binding, name.startswith("_"), len(name), name))
        return tuple(sorted(named, key=named.__getitem__)) or ("",)

    def variable(self, table: str, name: str) -> Symbol | None:
        """The variable of this name, if the table has it."""
        section = self.section(table)
        if section is None or not section.link < len(self.sections):
            return None
        strings = self.sections[section.link]
        text = self.in_section(strings, 0, MOST_TABLE_BYTES)
        places, place = set[int](), -1
        needle = name.encode() + b"\0"
        while (place := text.find(needle, place + 1)) >= 0:
            places.add(place)
        if not places:
            return None
        for entry in self._between(section, [0, (1 << 64) - 1]):
            info = entry[1] if self.wide else entry[3]
            if entry[0] in places and info & 15 == _OBJECT:
                begin, size = (entry[4], entry[5]) if self.wide else (entry[1], entry[2])
                return Symbol(begin, size, (name,))
        return None

    def imported(self, slots: Collection[int]) -> dict[int, str]:
        """The functions whose addresses the loader writes into these slots (64-bit files)."""
        table = self.section(".dynsym")
        if not self.wide or table is None or not slots:
            return {}
        found: dict[int, str] = {}
        entry = struct.Struct("=QQq")
        for name in (".rela.plt", ".rela.dyn"):
            section = self.section(name)
            if section is None:
                continue
            data = self.in_section(section, 0, MOST_TABLE_BYTES)
            for slot, info, _ in entry.iter_unpack(data[: len(data) // entry.size * entry.size]):
                if slot in slots and info >> 32:
                    raw = self.in_section(table, (info >> 32) * self._entry.size, self._entry.size)
                    if len(raw) == self._entry.size:
                        symbol = self._entry.unpack(raw)
                        (found[slot], *_) = self._names(table, [(0, 0, symbol[1], symbol[0])])
        return found
