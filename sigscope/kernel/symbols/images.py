"""The file behind a mapping, opened as the very file that is mapped, and read once.

/proc/PID/map_files leads to it even if it was deleted or replaced, or lies in another mount
namespace; the kernel asks for CAP_CHECKPOINT_RESTORE (fs/proc/base.c). Without that it is opened by
its path below the root of the process, and must be the same inode: never a file of the host
that has the same path.
"""

from __future__ import annotations

import errno
import os

from sigscope.errors import DecodeError
from sigscope.kernel.closing import Closing
from sigscope.kernel.refusal import GONE, REFUSED
from sigscope.kernel.rooted import RootedFiles, opened_regular, type_of_file_system
from sigscope.kernel.symbols.elf import Elf
from sigscope.kernel.symbols.elf_source import BytesSource, FileSource
from sigscope.model.mapping import Mapping

_MOST_OPEN = 64
_MAGIC = b"\x7fELF"
_LARGEST_VDSO = 1 << 20
_FUSE = 0x65735546
_O_PATH = os.O_PATH | os.O_CLOEXEC
_ROOTED = "run sigscope as root: its file was replaced since, or lies where only root finds it"

Key = tuple[int, int, int, int]


class NoImage(Exception):
    """There is no ELF file to be read; the text says why, ``hint`` what helps."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


class Image:
    """An ELF file, and which one it is: ``key`` names the file, not its path."""

    def __init__(self, elf: Elf, source: FileSource | BytesSource, key: Key) -> None:
        self.elf = elf
        self.key = key
        self._source = source

    def close(self) -> None:
        """The file is given back."""
        if isinstance(self._source, FileSource):
            self._source.close()


class Images(Closing):
    """Files that were opened for their names; each once, however many processes map it."""

    def __init__(self) -> None:
        self._known: dict[Key, Image | NoImage] = {}

    def of(self, directory: int, mapping: Mapping, proc: str, pid: int) -> Image:
        """The file of a mapping; ``directory`` is an open /proc/PID. NoImage if there is none."""
        try:
            if mapping.path == "[vdso]":
                return self._vdso(directory, mapping)
            descriptor = _open(directory, mapping, proc, pid)
        except OSError as error:
            if error.errno in REFUSED:
                raise NoImage("its file may not be read", _ROOTED) from None
            gone = error.errno in GONE
            why = "its file is not there any more" if gone else error.strerror or "unreadable"
            raise NoImage(why, _ROOTED if gone else "") from None
        about = os.fstat(descriptor)
        key = about.st_dev, about.st_ino, about.st_ctime_ns, about.st_size
        if key not in self._known:
            self._known[key] = self._read(descriptor, key)
        else:
            os.close(descriptor)
        found = self._known[key]
        if isinstance(found, NoImage):
            raise found
        return found

    def _read(self, descriptor: int, key: Key) -> Image | NoImage:
        if sum(isinstance(one, Image) for one in self._known.values()) >= _MOST_OPEN:
            self.close()
        source = FileSource(descriptor)
        if source.read_at(0, len(_MAGIC)) != _MAGIC:
            source.close()
            return NoImage("JIT or generated code: the file that is mapped there is no program")
        try:
            return Image(Elf(source), source, key)
        except (DecodeError, OSError) as error:
            source.close()
            detail = error.detail if isinstance(error, DecodeError) else error.strerror
            return NoImage(f"its file is no ELF file that sigscope reads: {detail}")

    def _vdso(self, directory: int, mapping: Mapping) -> Image:
        """The kernel's own code in the process: it is nowhere else."""
        size = min(mapping.end - mapping.start, _LARGEST_VDSO)
        memory = os.open("mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
        try:
            source = BytesSource(os.pread(memory, size, mapping.start))
        finally:
            os.close(memory)
        try:
            return Image(Elf(source), source, (0, 0, mapping.start, size))
        except DecodeError as error:
            raise NoImage(f"the kernel's code is no ELF file: {error.detail}") from None

    def close(self) -> None:
        """All files are given back; what was found out of them stays with its owner."""
        for one in self._known.values():
            if isinstance(one, Image):
                one.close()
        self._known.clear()


def _open(directory: int, mapping: Mapping, proc: str, pid: int) -> int:
    name = f"map_files/{mapping.start:x}-{mapping.end:x}"
    try:
        place = os.open(name, _O_PATH, dir_fd=directory)
    except PermissionError:
        return _rooted(mapping, proc, pid)
    except FileNotFoundError:  # a kernel without CONFIG_CHECKPOINT_RESTORE, before 4.3
        return _rooted(mapping, proc, pid)
    try:
        if type_of_file_system(place) == _FUSE:
            raise OSError(errno.EIO, "its file is on FUSE, whose daemon need not ever answer")
        return opened_regular(place, mapping.path)
    finally:
        os.close(place)


def _rooted(mapping: Mapping, proc: str, pid: int) -> int:
    """By its path, seen from the root of the process; FileNotFoundError if it is another file."""
    if not mapping.file or mapping.deleted:
        raise FileNotFoundError(errno.ENOENT, "deleted", mapping.path)
    root = os.readlink(f"{proc}/{pid}/root").rstrip("/")
    below = mapping.file.removeprefix(root) if mapping.file.startswith(f"{root}/") else mapping.file
    with RootedFiles(pid, proc) as files:
        descriptor = files.open(below)
    about = os.fstat(descriptor)
    device = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}"
    if (device, about.st_ino) != (mapping.device, mapping.inode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "replaced", mapping.path)
    return descriptor
