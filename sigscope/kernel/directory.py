"""A directory below /proc, live, recorded or being recorded: the handle of every read.

A live directory is an open descriptor and reads with openat(2): once a process is gone,
its directory answers ESRCH, and a process that got the same pid cannot answer for it.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from itertools import islice

from sigscope.kernel.closing import Closing

READING = os.O_RDONLY | os.O_CLOEXEC
BLOCK = 1 << 13
RECORD = 1 << 11
"""More than a status file of today; a longer one (2,000 groups) takes more reads."""
LARGEST = 1 << 20
"""No file that sigscope reads below /proc has a reason to be longer."""
MOST_NAMES = 1 << 17
MOST_DIGITS = 10
MOST_CPUS = 1 << 16


def is_number(name: str) -> bool:
    """Is this entry a pid, a tid or a descriptor? A recorded directory may hold anything."""
    return name.isascii() and name.isdigit() and len(name) <= MOST_DIGITS


class Directory(ABC, Closing):
    """Errors are OSError, as the kernel gave them (or as they were recorded)."""

    recorded = False
    """Does it answer from a recording, made elsewhere or before?"""

    @abstractmethod
    def read(self, name: str, limit: int = LARGEST) -> bytes:
        """A whole file, up to ``limit`` bytes."""

    @abstractmethod
    def record(self, name: str) -> bytes:
        """A file that the kernel makes in one piece, such as status: a short read ends it."""

    @abstractmethod
    def read_on(self, cpu: int, name: str) -> bytes:
        """A whole file, read while we ourselves run on this CPU."""

    @abstractmethod
    def names(self, name: str) -> list[str]:
        """The entries of a directory below this one, up to 131,072; "." is this one."""

    @abstractmethod
    def link(self, name: str) -> str:
        """Where a symbolic link points to; it is never followed."""

    @abstractmethod
    def peek(self, name: str, address: int, size: int) -> bytes:
        """Bytes of a memory file (``mem``)."""

    @abstractmethod
    def enter(self, name: str) -> Directory:
        """A directory below this one, to be closed (or used in ``with``)."""


class LiveDirectory(Directory):
    """A directory that the kernel answers for now. Its descriptor is closed with it."""

    _fd = -1

    def __init__(self, path: str, parent: int | None = None) -> None:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self._fd = os.open(path, flags, dir_fd=parent)

    def read(self, name: str, limit: int = LARGEST) -> bytes:
        fd = os.open(name, READING, dir_fd=self._fd)
        try:
            data = piece = os.read(fd, min(BLOCK, limit))
            while piece and len(data) < limit:
                piece = os.read(fd, min(BLOCK, limit - len(data)))
                data += piece
            return data
        finally:
            os.close(fd)

    def record(self, name: str) -> bytes:
        fd = os.open(name, READING, dir_fd=self._fd)
        try:
            data = piece = os.read(fd, RECORD)
            while len(piece) == RECORD and len(data) < LARGEST:
                piece = os.read(fd, RECORD)
                data += piece
            return data
        finally:
            os.close(fd)

    def read_on(self, cpu: int, name: str) -> bytes:
        before = os.sched_getaffinity(0)
        if not 0 <= cpu < MOST_CPUS:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
        os.sched_setaffinity(0, (cpu,))
        try:
            return self.read(name)
        finally:
            os.sched_setaffinity(0, before)

    def names(self, name: str) -> list[str]:
        if name != ".":
            with LiveDirectory(name, self._fd) as below:
                return below.names(".")
        with os.scandir(self._fd) as entries:  # which begins at the first, and goes back to it
            return [entry.name for entry in islice(entries, MOST_NAMES)]

    def link(self, name: str) -> str:
        return os.readlink(name, dir_fd=self._fd)

    def peek(self, name: str, address: int, size: int) -> bytes:
        fd = os.open(name, READING, dir_fd=self._fd)
        try:
            return os.pread(fd, size, address)
        finally:
            os.close(fd)

    def enter(self, name: str) -> LiveDirectory:
        return LiveDirectory(name, self._fd)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()
