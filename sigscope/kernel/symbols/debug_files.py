"""The names that a distribution keeps apart from a stripped file: by build id, link, or packed.

A build id is a hash over the file's contents, so a debug file with the same one belongs to
it, wherever it lies. Without a build id the file names its debug file and the CRC of that
(.gnu_debuglink; GDB manual, Separate Debug Files). .gnu_debugdata is a small
xz-packed ELF file with the names of static functions (MiniDebugInfo, Fedora).
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator

from sigscope.errors import DecodeError
from sigscope.kernel.rooted import RootedFiles
from sigscope.kernel.symbols.elf import Elf
from sigscope.kernel.symbols.elf_source import BytesSource, FileSource

PLACES = ("/usr/lib/debug",)
_MOST_UNPACKED = 64 << 20
_MOST_MEMORY = 128 << 20
_LARGEST_CHECKED = 256 << 20
_PIECE = 1 << 20
_HEX = re.compile(r"[0-9a-f]{4,128}", re.ASCII)


def by_build_id(elf: Elf, roots: tuple[RootedFiles, ...]) -> Iterator[tuple[str, FileSource]]:
    """Debug files with the build id of this one, below the first root that has one."""
    if not _HEX.fullmatch(elf.build_id):
        return
    for root in roots:
        for place in PLACES:
            path = f"{place}/.build-id/{elf.build_id[:2]}/{elf.build_id[2:]}.debug"
            source = _opened(root, path)
            if source is not None:
                yield path, source


def by_link(
    elf: Elf, path: str, roots: tuple[RootedFiles, ...]
) -> Iterator[tuple[str, FileSource]]:
    """The file that .gnu_debuglink names, beside the program or below /usr/lib/debug."""
    section = elf.section(".gnu_debuglink")
    if section is None:
        return
    data = elf.in_section(section, 0, 4096)
    name = os.fsdecode(data.split(b"\0")[0])
    if not name or "/" in name or len(data) < len(os.fsencode(name)) + 5:
        return
    (checksum,) = struct.unpack("=I", data[-4:])
    where = os.path.dirname(path)
    beside = (f"{where}/{name}", f"{where}/.debug/{name}")
    for root in roots:
        for candidate in (*beside, *(f"{place}{where}/{name}" for place in PLACES)):
            source = None if candidate == path else _opened(root, candidate)
            if source is None:
                continue
            if _crc(source) == checksum:
                yield candidate, source
            else:
                source.close()


def packed(elf: Elf) -> Elf | None:
    """What .gnu_debugdata holds; None without it, DecodeError if it is damaged or huge."""
    section = elf.section(".gnu_debugdata")
    if section is None:
        return None
    import lzma

    try:
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
        data = unpacker.decompress(elf.in_section(section, 0, _MOST_UNPACKED), _MOST_UNPACKED)
    except (lzma.LZMAError, MemoryError) as error:
        raise DecodeError(".gnu_debugdata", str(error)) from None
    if not unpacker.eof:
        raise DecodeError(".gnu_debugdata", "it is cut off, or larger than any")
    return Elf(BytesSource(data))


def _opened(root: RootedFiles, path: str) -> FileSource | None:
    try:
        return FileSource(root.open(path))
    except OSError:
        return None


def _crc(source: FileSource) -> int | None:
    if source.size > _LARGEST_CHECKED:
        return None
    found = 0
    for place in range(0, source.size, _PIECE):
        found = zlib.crc32(source.read_at(place, _PIECE), found)
    return found
