"""What files say of their functions: maps, the table for unwinding, Go's table, machine code."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.gopclntab import go_function
from sigscope.decode.machine_code import Use, references
from sigscope.decode.maps import decode_maps
from sigscope.decode.unwind import function_around
from sigscope.errors import DecodeError
from sigscope.kernel.symbols.elf import Elf
from sigscope.kernel.symbols.elf_source import BytesSource
from tests.harness.build import build, directory, required
from tests.model.strategies import hostile_text


def test_every_mapping_of_this_process_is_read() -> None:
    data = Path("/proc/self/maps").read_bytes()
    mappings = list(decode_maps(data))
    assert len(mappings) == data.count(b"\n")
    assert all(one.start < one.end for one in mappings)
    assert any(one.file == os.path.realpath("/proc/self/exe") for one in mappings)
    assert any(one.path == "[stack]" and not one.file for one in mappings)


def test_a_path_may_hold_anything() -> None:
    line = (
        b"00400000-00401000 r-xp 00000000 08:01 7                          /a\\012b  c\r(deleted)\n"
    )
    (mapping,) = decode_maps(line)
    assert mapping.path == "/a\nb  c\r(deleted)"
    assert list(decode_maps(b"")) == []


@pytest.mark.parametrize("line", [b"x", b"00400000-00401000 r-xp", b"1-2 rwx 0 0:0 0 /a"])
def test_what_is_no_mapping_is_refused(line: bytes) -> None:
    with pytest.raises(DecodeError):
        list(decode_maps(line))


@given(hostile_text | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_maps(text: str) -> None:
    with contextlib.suppress(DecodeError):
        list(decode_maps(text.encode("utf-8", "surrogatepass")))


@pytest.fixture(scope="module")
def program() -> Elf:
    return Elf(BytesSource(build("handler_places").read_bytes()))


def test_the_table_for_unwinding_bounds_what_the_symbols_do(program: Elf) -> None:
    listing = subprocess.run(
        ["nm", "-S", str(build("handler_places"))], capture_output=True, text=True, check=True
    )
    match = re.search(r"^(\w+) (\w+) t own_handler$", listing.stdout, re.MULTILINE)
    assert match is not None
    begin, size = int(match[1], 16), int(match[2], 16)
    table = next(one for one in program.segments if one.kind == "PT_GNU_EH_FRAME")
    for address in (begin, begin + 1, begin + size - 1):
        assert function_around(program.at, table.address, address) == (begin, size)
    assert function_around(program.at, table.address, 1) is None


@given(st.binary(max_size=100), st.integers(0, 1 << 64))
def test_any_table_for_unwinding(data: bytes, address: int) -> None:
    def at(place: int, size: int) -> bytes:
        return data[place : place + size] if place >= 0 else b""

    for text in (data, b"\x01\x1b\x03\x3b" + data):
        data = text
        with contextlib.suppress(DecodeError):
            function_around(at, 0, address)


def test_calls_jumps_and_loads_are_seen() -> None:
    code = bytes.fromhex(
        "e8 11000000"  # call 0x1016
        "0f85 20000000"  # jne 0x102b
        "488d3d 00010000"  # lea 0x1112(%rip)
        "ff25 00020000"  # jmp *0x1218(%rip)
        "bf 78563400"  # mov $0x345678,%edi
    )
    found = {(one.address, one.use) for one in references(code, 0x1000, absolute=True)}
    assert {(0x1016, Use.CODE), (0x102B, Use.CODE), (0x1112, Use.DATA), (0x1218, Use.SLOT)} <= found
    assert (0x345678, Use.DATA) in found
    assert (0x345678, Use.DATA) not in set(references(code, 0x1000, absolute=False))


GO = 'package main\n\nimport "time"\n\nfunc main() { time.Sleep(1000 * time.Second) }\n'


@pytest.fixture(scope="module")
def golang() -> Path:
    program = required("go", "golang-go")
    source = directory() / "asleep.go"
    source.write_text(GO)
    built = source.with_suffix("")
    environment = {**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0", "GOFLAGS": ""}
    environment |= {"GOCACHE": str(directory() / "go-cache"), "GOTOOLCHAIN": "local"}
    command = [program, "build", "-o", str(built), str(source)]
    subprocess.run(command, check=True, env=environment, timeout=300)
    return built


def test_gos_table_names_what_the_symbols_name(golang: Path) -> None:
    """Every hundredth function, at its beginning and inside."""
    elf = Elf(BytesSource(golang.read_bytes()))
    listing = subprocess.run(["nm", "-S", golang], capture_output=True, text=True, check=True)
    rows = re.findall(r"^(\w{16}) (\w{16}) [tT] ([\w.]+)$", listing.stdout, re.MULTILINE)
    table, text = elf.section(".gopclntab"), elf.section(".text")
    assert table is not None
    assert text is not None

    def read(place: int, size: int) -> bytes:
        assert table is not None
        return elf.in_section(table, place, size)

    checked = 0
    for begin, size, name in rows[::100]:
        first = int(begin, 16)
        if int(size, 16) < 2 or not text.address <= first < text.address + text.size:
            continue
        for address in (first, first + 1):
            known = go_function(read, text.address, address)
            if known is not None:
                assert known == (name.removesuffix(".abi0"), first)
                checked += 1
    assert checked > 10


def old_table(version: int) -> bytes:
    """The layouts of Go 1.2 and 1.16, with two functions at 0x1000 and 0x1040."""
    names = b"main.first\0main.second\0"
    if version == 2:
        head = struct.pack("<IBBBBQ", 0xFFFFFFFB, 0, 0, 1, 8, 2)
        rows_at, base = len(head), 0
        functions_at = rows_at + 5 * 8
        names_at = functions_at + 32
    else:
        names_at = 8 + 7 * 8
        base = rows_at = names_at + 24
        functions_at = 5 * 8
        head = struct.pack(
            "<IBBBB7Q", 0xFFFFFFFA, 0, 0, 1, 8, 2, 0, names_at, 0, 0, 0, rows_at
        ) + names.ljust(24, b"\0")
    first, second = (0, 11) if version == 16 else (names_at, names_at + 11)
    rows = struct.pack("<5Q", 0x1000, functions_at, 0x1040, functions_at + 16, 0x1080)
    functions = struct.pack("<QiiQii", 0x1000, first, 0, 0x1040, second, 0)
    assert base in (0, rows_at)
    return head + rows + functions + (names if version == 2 else b"")


@pytest.mark.parametrize("version", [2, 16])
def test_the_layouts_of_old_go(version: int) -> None:
    data = old_table(version)

    def read(place: int, size: int) -> bytes:
        return data[place : place + size]

    assert go_function(read, 0, 0x1000) == ("main.first", 0x1000)
    assert go_function(read, 0, 0x107F) == ("main.second", 0x1040)
    assert go_function(read, 0, 0x1080) is None
    assert go_function(read, 0, 0xFFF) is None


@given(st.binary(max_size=200), st.integers(0, 1 << 64))
def test_any_table_of_go(data: bytes, address: int) -> None:
    for magic in (
        b"\xfb\xff\xff\xff",
        b"\xfa\xff\xff\xff",
        b"\xf0\xff\xff\xff",
        b"\xf1\xff\xff\xff",
    ):
        table = magic + b"\0\0\1\x08" + data

        def read(place: int, size: int, table: bytes = table) -> bytes:
            return table[place : place + size] if place >= 0 else b""

        with contextlib.suppress(DecodeError):
            go_function(read, 0x1000, address)
