"""A file that somebody made to hurt: an answer or a named reason, and soon."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigscope.errors import DecodeError
from sigscope.kernel.symbols.clues import read_clues
from sigscope.kernel.symbols.elf import Elf
from sigscope.kernel.symbols.elf_source import BytesSource, FileSource
from sigscope.kernel.symbols.naming import named
from sigscope.model.mapping import Mapping
from tests.harness.build import build, compiler

BUSY = 30.0
"""Seconds: far more than any of these needs, far less than a file that is believed would take."""
_HEAD = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")


@pytest.fixture(scope="module")
def program() -> bytes:
    if compiler() is None:
        pytest.skip("no C compiler for the targets: apt-get install gcc libc6-dev")
    return build("ignores").read_bytes()


def all_of(elf: Elf) -> None:
    """Ask it for everything that sigscope asks a file for."""
    addresses = [segment.address + 16 for segment in elf.segments if segment.flags & 1][:4]
    named(elf, "/program", addresses, os.getpid(), "/proc")
    for address in addresses:
        read_clues(elf, address)
        elf.variables(".dynsym", [address])
        elf.imported([address])
    elf.variable(".dynsym", "zend_signal_globals")


def asked(data: bytes) -> None:
    begun = time.monotonic()
    with contextlib.suppress(DecodeError):
        all_of(Elf(BytesSource(data)))
    assert time.monotonic() - begun < BUSY


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_damage_is_an_answer_or_a_named_reason(program: bytes, data: st.DataObject) -> None:
    damaged = bytearray(program)
    heads = st.integers(0, 2048) | st.integers(len(program) - 4096, len(program) - 1)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(heads | st.integers(0, len(program) - 1))
        damaged[place] = data.draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)) | st.integers(0, 255))
    asked(bytes(damaged[: data.draw(st.integers(0, len(program)) | st.just(len(program)))]))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=4096))
def test_bytes_that_are_no_elf_file(data: bytes) -> None:
    asked(data)
    asked(b"\x7fELF\x02\x01\x01" + data)


def made(path: Path, sections: list[tuple[bytes, int, int, int, int]], size: int) -> Path:
    """A file with these sections (name, kind, offset, size, link), as long as it claims."""
    names = b"\0" + b"".join(name + b"\0" for name, *_ in sections) + b".shstrtab\0"
    table = 0x1000
    count = len(sections) + 2
    head = _HEAD.pack(
        b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, count, count - 1
    )
    rows = [bytes(64)]
    for name, kind, offset, length, link in sections:
        where = names.index(b"\0" + name + b"\0") + 1
        rows.append(_SECTION.pack(where, kind, 0, 0, offset, length, link, 0, 8, 24))
    where = names.index(b".shstrtab")
    rows.append(_SECTION.pack(where, 3, 0, 0, 0x800, len(names), 0, 0, 1, 0))
    with open(path, "wb") as file:
        file.write(head)
        file.seek(0x800)
        file.write(names)
        file.seek(table)
        file.write(b"".join(rows))
        file.truncate(size)
    return path


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[list[FileSource]]:
    sources: list[FileSource] = []
    yield sources
    for source in sources:
        source.close()


def read(path: Path, opened: list[FileSource]) -> Elf:
    opened.append(FileSource(os.open(path, os.O_RDONLY)))
    return Elf(opened[-1])


def test_a_table_of_a_terabyte_is_refused(tmp_path: Path, opened: list[FileSource]) -> None:
    path = made(tmp_path / "huge", [(b".symtab", 2, 1 << 20, 24 << 36, 2)], 1 << 42)
    with pytest.raises(DecodeError, match="larger than any program's"):
        read(path, opened).functions(".symtab", [0x401000])


def test_a_table_that_claims_more_than_the_file_has(
    tmp_path: Path, opened: list[FileSource]
) -> None:
    path = made(tmp_path / "short", [(b".symtab", 2, 1 << 13, 24 << 22, 2)], 1 << 14)
    assert read(path, opened).functions(".symtab", [0x401000]) == {}


def test_symbols_that_all_hold_the_address_are_given_up(
    tmp_path: Path, opened: list[FileSource]
) -> None:
    """Two million functions that span the whole address space."""
    path = made(tmp_path / "many", [(b".symtab", 2, 1 << 16, 24 << 21, 2)], 1 << 16)
    with open(path, "ab") as file:
        file.write(struct.pack("<IBBHQQ", 0, 2, 0, 1, 0, (1 << 64) - 1) * (1 << 21))
    begun = time.monotonic()
    with pytest.raises(DecodeError, match="too many symbols in one place"):
        read(path, opened).functions(".symtab", [0x401000])
    assert time.monotonic() - begun < BUSY


def test_links_in_a_circle_end(tmp_path: Path, opened: list[FileSource]) -> None:
    path = made(tmp_path / "circle", [(b".symtab", 2, 0, 240, 1)], 1 << 14)
    with pytest.raises(DecodeError, match="damaged"):
        read(path, opened)


def test_a_name_without_an_end_is_cut(tmp_path: Path, opened: list[FileSource]) -> None:
    sections = [(b".symtab", 2, 1 << 14, 24, 2), (b".strtab", 3, 1 << 15, 1 << 24, 0)]
    path = made(tmp_path / "name", sections, 1 << 15)
    with open(path, "r+b") as file:
        file.seek(1 << 14)
        file.write(struct.pack("<IBBHQQ", 1, 2, 0, 1, 0x401000, 16))
        file.seek(1 << 15)
        file.write(b"\xff" * (1 << 24))
    (symbol,) = read(path, opened).functions(".symtab", [0x401000]).values()
    assert len(symbol.names[0]) < 1 << 17


def test_section_names_without_an_end_are_given_up(
    tmp_path: Path, opened: list[FileSource]
) -> None:
    path = made(tmp_path / "names", [(b".text", 1, 0, 16, 0)], 1 << 14)
    with open(path, "r+b") as file:
        file.seek(0x800)
        file.write(b"a" * 0x800)
        file.seek(0x1000 + 128 + 24)
        file.write(struct.pack("<QQ", 0x800, 1 << 30))
        file.truncate(64 << 20)
        file.seek(0x1000 + 192)
        for _ in range(63):
            file.write(b"a" * (1 << 20))
    begun = time.monotonic()
    with contextlib.suppress(DecodeError):
        read(path, opened)
    assert time.monotonic() - begun < BUSY


def test_the_other_byte_order_is_said(program: bytes) -> None:
    other = bytearray(program)
    other[5] = 1 if sys.byteorder == "big" else 2
    with pytest.raises(DecodeError):
        Elf(BytesSource(bytes(other)))


def test_a_mapping_is_a_value() -> None:
    mapping = Mapping(4096, 8192, "r-xp", 0, "00:00", 0, "/a (deleted)")
    assert mapping.deleted
    assert "4096" not in mapping
