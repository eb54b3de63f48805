"""Open a file as a process sees it, and never anything outside its root.

A process in a container has its own mounts and its own root, and whoever lives in
there decides what its paths lead to. So the path is resolved by the kernel itself within
/proc/PID/root: openat2(2) with RESOLVE_IN_ROOT keeps absolute links and ".." inside, and
RESOLVE_NO_MAGICLINKS refuses the links of /proc that lead out. Doing this by hand,
component by component, would lose the race against somebody who renames directories.

What is opened is a regular file of a real file system and nothing else: a FIFO would hold us
for ever, a device may do anything when it is opened, and reading /proc/kmsg takes messages
away from others. O_PATH looks first, without opening; the file itself is then reopened through
the descriptor, which no rename can change any more.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat

from sigscope.kernel.closing import Closing

_OPENAT2 = 437
"""The same on every architecture since Linux 5.6 (include/uapi/asm-generic/unistd.h)."""
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_IN_ROOT = 0x10
_O_PATH = os.O_PATH | os.O_CLOEXEC
_O_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_KERNEL_MADE = {
    0x9FA0: "proc",
    0x62656572: "sysfs",
    0x64626720: "debugfs",
    0x74726163: "tracefs",
    0x73636673: "securityfs",
    0x1CD1: "devpts",
    0x27E0EB: "cgroup",
    0x63677270: "cgroup2",
    0xCAFE4A11: "bpf",
}
"""f_type of statfs(2): file systems where a read is a question to the kernel (linux/magic.h)."""
LARGEST = 1 << 20
MOST_NAMES = 4096
_TRIES = 8


class _OpenHow(ctypes.Structure):
    """struct open_how of openat2(2)."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class RootedFiles(Closing):
    """The files below the root of one process; close it, or use it in ``with``.

    OSError with the path in ``filename`` for everything that cannot be read: ENOSYS where the
    kernel has no openat2, ELOOP for a link of /proc, EINVAL for what is no
    regular file, EFBIG for one that is too large.

    >>> with RootedFiles(os.getpid()) as files:
    ...     files.read("/dev/null")
    Traceback (most recent call last):
        ...
    OSError: [Errno 22] not a regular file: '/dev/null'
    """

    def __init__(self, pid: int, proc: str = "/proc", start: str = "/") -> None:
        """``start`` is where relative paths begin, as the process names it."""
        self._root = os.open(f"{proc}/{pid}/root", _O_PATH | os.O_DIRECTORY)
        self._start = start

    @property
    def file_system(self) -> int:
        """f_type of statfs(2) of the root itself."""
        return type_of_file_system(self._root)

    def read(self, path: str, limit: int = LARGEST) -> bytes:
        """The whole of a regular file of at most ``limit`` bytes."""
        fd = self._regular(path)
        try:
            data = bytearray()
            while piece := os.read(fd, limit + 1 - len(data)):
                data += piece
                if len(data) > limit:
                    raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
            return bytes(data)
        finally:
            os.close(fd)

    def exists(self, path: str) -> bool:
        """Is there such a directory, and may it be entered?"""
        try:
            os.close(self._resolve(path, _O_PATH | os.O_DIRECTORY))
        except OSError:
            return False
        return True

    def names(self, path: str) -> list[str]:
        """The entries of a directory, sorted; EFBIG if there are more than 4,096."""
        place = self._resolve(path, _O_PATH | os.O_DIRECTORY)
        try:
            fd = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        finally:
            os.close(place)
        try:
            found: list[str] = []
            with os.scandir(fd) as entries:
                for entry in entries:
                    found.append(entry.name)
                    if len(found) > MOST_NAMES:
                        raise OSError(errno.EFBIG, f"more than {MOST_NAMES} entries", path)
            return sorted(found)
        finally:
            os.close(fd)

    def open(self, path: str) -> int:
        """A descriptor of a regular file, for reading; the caller closes it."""
        return self._regular(path)

    def _regular(self, path: str) -> int:
        place = self._resolve(path, _O_PATH)
        try:
            return opened_regular(place, path)
        finally:
            os.close(place)

    def _resolve(self, path: str, flags: int) -> int:
        if "\0" in path or not path:
            raise OSError(errno.EINVAL, "not a path", path)
        where = os.fsencode(os.path.join(self._start, path))
        resolve = _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS
        for _ in range(_TRIES):
            try:
                return _openat2(self._root, where, _OpenHow(flags, 0, resolve))
            except BlockingIOError:
                # Something was renamed meanwhile, and ".." could not be trusted (openat2(2)).
                continue
            except OSError as error:
                raise OSError(error.errno, error.strerror, path) from None
        raise OSError(errno.EAGAIN, "renamed again and again while it was opened", path)

    def close(self) -> None:
        os.close(self._root)


def opened_regular(place: int, path: str) -> int:
    """What an O_PATH descriptor stands for, opened for reading if it is a regular file.

    Not by name again: the descriptor is what was looked at. ``path`` is for the error.
    """
    if not stat.S_ISREG(os.fstat(place).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    if kind := _KERNEL_MADE.get(type_of_file_system(place)):
        raise OSError(errno.EINVAL, f"a file of {kind}, which is not read", path)
    return os.open(f"/proc/self/fd/{place}", _O_READ)


def type_of_file_system(fd: int) -> int:
    """f_type of statfs(2): a long, and the first field on the machines that we know."""
    buffer = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None, use_errno=True).fstatfs(ctypes.c_int(fd), buffer) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return ctypes.c_ulong.from_buffer(buffer).value & 0xFFFFFFFF


def _openat2(directory: int, path: bytes, how: _OpenHow) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    fd: int = libc.syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(directory),
        ctypes.c_char_p(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return fd
