"""Where tracefs is; and where it is mounted nowhere, one that only we can see."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os

from sigscope.decode.text import decode_text
from sigscope.errors import NotPermitted, NotSupported
from sigscope.kernel.access import tracefs
from sigscope.kernel.closing import Closing
from sigscope.kernel.opening import opening
from sigscope.kernel.place import here

PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
MOUNT = "mount -t tracefs nodev /sys/kernel/tracing"
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
"""The same on all architectures but alpha (include/uapi/asm-generic/unistd.h), since Linux 5.2."""
_CLOEXEC, _CREATE = 1, 6
_LARGEST = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class Tracefs(Closing):
    """An opened tracefs, or a directory in one. Names are relative to it; OSError as given."""

    def __init__(self, fd: int, path: str) -> None:
        self.fd = fd
        self.path = path
        """Where a user finds it; empty where it is mounted for us alone."""

    def read(self, name: str) -> bytes:
        """A file, up to a megabyte."""
        fd = self.open(name, os.O_RDONLY)
        try:
            data = piece = os.read(fd, 1 << 16)
            while piece and len(data) < _LARGEST:
                piece = os.read(fd, 1 << 16)
                data += piece
            return data
        finally:
            os.close(fd)

    def write(self, name: str, text: str) -> None:
        """All of it in one call, as these files want it."""
        fd = self.open(name, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def open(self, name: str, flags: int) -> int:
        """A descriptor that is not inherited."""
        return os.open(name, flags | os.O_CLOEXEC, dir_fd=self.fd)

    def names(self, name: str) -> list[str]:
        """The entries of a directory."""
        fd = os.open(name, _DIRECTORY, dir_fd=self.fd)
        try:
            return os.listdir(fd)
        finally:
            os.close(fd)

    def enter(self, name: str) -> Tracefs:
        """A directory in it, such as an instance."""
        path = f"{self.path}/{name}" if self.path else ""
        return Tracefs(os.open(name, _DIRECTORY, dir_fd=self.fd), path)

    def close(self) -> None:
        """May be called twice."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def open_tracefs(what: str) -> Tracefs:
    """NotPermitted or NotSupported, for want of which ``what`` is not possible."""
    refused = ""
    for path in (*PLACES, *_mounted()):
        try:
            fd = os.open(path, _DIRECTORY)
        except PermissionError:
            refused = refused or path
            continue
        except OSError:
            continue
        try:
            os.stat("events/header_page", dir_fd=fd)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EACCES, errno.EPERM):
                refused = refused or path
            continue
        return Tracefs(fd, path)
    if refused and os.geteuid() != 0:
        raise NotPermitted(
            f"{what}: {refused} (tracefs) is for root only",
            f"{opening(here(), ('DAC_READ_SEARCH',))}; or let a group in: "
            f"mount -o remount,gid=GROUP,mode=750 {refused}",
        )
    return _open_unmounted(what)


def _mounted() -> list[str]:
    """Other places, from our own table of mounts."""
    found = []
    with contextlib.suppress(OSError), open("/proc/self/mounts", "rb") as file:
        for line in file.read(_LARGEST).splitlines():
            words = line.split(b" ")
            if len(words) > 2 and words[2] == b"tracefs" and b"\\" not in words[1]:
                found.append(decode_text(words[1]))
    return [path for path in found if path not in PLACES]


def _open_unmounted(what: str) -> Tracefs:
    """A mount that stands in no tree, and goes away with its descriptor (fsmount(2))."""
    try:
        with contextlib.ExitStack() as stack:
            context = _call(_FSOPEN, b"tracefs", _CLOEXEC)
            stack.callback(os.close, context)
            _call(_FSCONFIG, context, _CREATE, None, None, 0)
            mount = _call(_FSMOUNT, context, _CLOEXEC, 0)
            stack.callback(os.close, mount)
            return Tracefs(os.open(".", _DIRECTORY, dir_fd=mount), "")
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise NotSupported(
                f"{what}: this kernel has no tracefs", "it needs CONFIG_TRACING"
            ) from None
        if error.errno in (errno.EPERM, errno.EACCES):
            said = tracefs(here())
            why = "tracefs is not mounted, and is not to be reached without that"
            raise NotPermitted(
                f"{what}: {why if said is None else said.why}",
                "; or: ".join(filter(None, (said.hint if said else "", f"as root: {MOUNT}"))),
            ) from None
        raise NotSupported(
            f"{what}: tracefs is not mounted ({error.strerror})", f"mount it: {MOUNT}"
        ) from None


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed))
    return result
