"""Where the bytes of an ELF file are: in a file, or in memory; and how much is read of them."""

from __future__ import annotations

import io
import os
from typing import Protocol

from sigscope.errors import DecodeError

MOST_HEAD_BYTES = 8 << 20


class Source(Protocol):
    """Where the bytes are: a file, or memory."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Fewer where it ends before; none for places where it cannot have any."""


class FileSource:
    """An open descriptor, which this closes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """From the file as it is now; another process may change it meanwhile."""
        if not 0 <= offset < self.size:
            return b""
        return os.pread(self._descriptor, min(size, self.size - offset), offset)

    def close(self) -> None:
        """The descriptor is given back."""
        os.close(self._descriptor)


class BytesSource:
    """A file that is in memory: the vdso, or one that was unpacked."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """A piece of it."""
        return self._data[offset : offset + size] if offset >= 0 else b""


class Budgeted(io.RawIOBase):
    """A stream for pyelftools that gives up after so many bytes and reads."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._place = 0
        self._left = MOST_HEAD_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._place, self._source.size)[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._source.size if size is None or size < 0 else size
        self._left -= min(wanted, self._source.size) + 16
        if self._left < 0:
            raise DecodeError("ELF file", "its heads are larger than any program's")
        data = self._source.read_at(self._place, wanted)
        self._place += len(data)
        return data
