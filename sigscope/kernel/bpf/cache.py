"""Files that are kept from run to run, in a directory in which nobody else can write.

For root in /run/sigscope, for others in $XDG_CACHE_HOME (else ~/.cache). Never is a link followed,
or a file trusted that is not our own: root with the environment of a user must not read what
that user has written. Where the place is not safe, nothing is kept.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct

from sigscope.model.value import dataclass

NOTES = "/sys/kernel/notes"
LARGEST = 1 << 16
_NOTE = struct.Struct("=III")
_BUILD_ID = 3
"""NT_GNU_BUILD_ID of elf.h."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Place:
    """A file in the cache; all its methods forgive: a cache that cannot be used is none."""

    directory: str
    name: str

    def read(self) -> bytes | None:
        """Its bytes; None where there is none, or none that may be trusted."""
        try:
            directory = _enter(self.directory)
        except OSError:
            return None
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self.name, flags, dir_fd=directory)
        except OSError:
            return None
        finally:
            os.close(directory)
        with open(descriptor, "rb") as file:
            return file.read(LARGEST) if _ours(descriptor, stat.S_ISREG) else None

    def write(self, data: bytes) -> None:
        """All of it or nothing: readers see the old file or the new one."""
        part = f"{self.name}.{os.getpid()}.part"
        with contextlib.suppress(OSError):
            _make(self.directory)
            directory = _enter(self.directory)
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptor = os.open(part, flags, 0o600, dir_fd=directory)
                try:
                    with open(descriptor, "wb") as file:
                        file.write(data)
                    os.rename(part, self.name, src_dir_fd=directory, dst_dir_fd=directory)
                except OSError:
                    os.unlink(part, dir_fd=directory)
            finally:
                os.close(directory)


def place(name: str) -> Place | None:
    """Where something that holds for the running kernel is kept; None where nowhere is safe."""
    kernel = build_id()
    directory = _directory()
    return Place(directory, f"{name}-{kernel}") if kernel and directory else None


def build_id(path: str = NOTES) -> str:
    """The GNU build id of the running kernel, in hex; "" where it does not tell."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST)
    except OSError:
        return ""
    at = 0
    while at + _NOTE.size <= len(data):
        name_size, size, kind = _NOTE.unpack_from(data, at)
        name = at + _NOTE.size
        content = name + (name_size + 3 & ~3)
        if kind == _BUILD_ID and data[name : name + name_size] == b"GNU\0":
            return data[content : content + size].hex()
        at = content + (size + 3 & ~3)
    return ""


def _directory() -> str | None:
    user = os.geteuid()
    if user != os.getuid():
        return None
    if user == 0:
        return "/run/sigscope"
    base = os.environ.get("XDG_CACHE_HOME", "") or os.path.expanduser("~/.cache")
    return os.path.join(base, "sigscope") if os.path.isabs(base) else None


def _make(directory: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)


def _enter(directory: str) -> int:
    """A descriptor of our own directory; PermissionError for one that others can write in."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(directory, flags)
    if not _ours(descriptor, stat.S_ISDIR):
        os.close(descriptor)
        raise PermissionError(directory)
    return descriptor


def _ours(descriptor: int, kind: object) -> bool:
    found = os.fstat(descriptor)
    right = kind(found.st_mode) if callable(kind) else False
    return bool(right) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE
