"""The requests of ptrace(2), by number, through python-ptrace's raw ``ptrace()``.

That package knows no request younger than 2010, but passes any number on. Nothing else
of it is used: its debugger attaches with SIGSTOP, and its siginfo cuts uids to 16 bits.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import types
import warnings
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from sigscope.errors import NotSupported

CONT, SYSCALL, DETACH = 7, 24, 17
POKEUSER, GETREGS, SETREGS = 6, 12, 13
GETSIGINFO, GETEVENTMSG = 0x4202, 0x4201
GETREGSET, SETREGSET = 0x4204, 0x4205
SEIZE, INTERRUPT, LISTEN = 0x4206, 0x4207, 0x4208
PEEKSIGINFO, GETSIGMASK, SETSIGMASK = 0x4209, 0x420A, 0x420B
SECCOMP_GET_FILTER, GET_SYSCALL_INFO = 0x420C, 0x420E
"""include/uapi/linux/ptrace.h."""
O_TRACESYSGOOD = 1

Raw: TypeAlias = Callable[[int, int, int, int], int]


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Requests:
    """One tracer's hand: every request and every access to a target's memory goes through it.

    ``raw`` takes request, tid, address and data, and returns what ptrace(2) does. Errors
    are OSError (ESRCH: gone, not stopped, or not traced by this very thread).
    """

    def __init__(self, raw: Raw | None = None) -> None:
        loaded, self._error = _load()
        self._raw = raw or loaded

    def __call__(self, request: int, tid: int, address: int = 0, data: int = 0) -> int:
        try:
            return self._raw(request, tid, address, data)
        except self._error as error:
            number = getattr(error, "errno", None) or errno.EIO
            raise OSError(number, os.strerror(number)) from None

    def set(self, request: int, tid: int, address: int, value: bytes) -> int:
        """A request whose data points to something that the kernel reads."""
        buffer = ctypes.create_string_buffer(value, len(value))
        return self(request, tid, address, ctypes.addressof(buffer))

    def get(self, request: int, tid: int, address: int, size: int) -> bytes:
        """A request whose data points to a buffer that the kernel fills."""
        buffer = ctypes.create_string_buffer(size)
        self(request, tid, address, ctypes.addressof(buffer))
        return buffer.raw

    def get_set(self, tid: int, kind: int, most: int) -> bytes:
        """A register set (NT_*), as long as the kernel has it."""
        buffer = ctypes.create_string_buffer(most)
        vector = _Vector(ctypes.addressof(buffer), most)
        self(GETREGSET, tid, kind, ctypes.addressof(vector))
        return buffer.raw[: vector.length]

    def put_set(self, tid: int, kind: int, value: bytes) -> None:
        buffer = ctypes.create_string_buffer(value, len(value))
        vector = _Vector(ctypes.addressof(buffer), len(value))
        self(SETREGSET, tid, kind, ctypes.addressof(vector))

    def peek_siginfo(self, tid: int, start: int, shared: bool, most: int, size: int) -> bytes:
        """Up to ``most`` entries of a pending queue, each of ``size`` bytes."""
        buffer = ctypes.create_string_buffer(most * size)
        wanted = _PeekSigInfo(start, int(shared), most)
        found = self(PEEKSIGINFO, tid, ctypes.addressof(wanted), ctypes.addressof(buffer))
        return buffer.raw[: found * size]

    def read(self, tid: int, address: int, size: int) -> bytes:
        """Memory of the target (process_vm_readv(2)); short where its mapping ends."""
        buffer = ctypes.create_string_buffer(size)
        moved = _move(_libc().process_vm_readv, tid, buffer, address, size)
        return buffer.raw[:moved]

    def write(self, tid: int, address: int, value: bytes) -> None:
        """All of it, or OSError."""
        buffer = ctypes.create_string_buffer(value, len(value))
        if _move(_libc().process_vm_writev, tid, buffer, address, len(value)) != len(value):
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))


class _PeekSigInfo(ctypes.Structure):
    _fields_ = (("off", ctypes.c_uint64), ("flags", ctypes.c_uint32), ("nr", ctypes.c_int32))


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    for function in (libc.process_vm_readv, libc.process_vm_writev):
        vector, count = ctypes.POINTER(_Vector), ctypes.c_ulong
        function.argtypes = (ctypes.c_int, vector, count, vector, count, count)
        function.restype = ctypes.c_ssize_t
    return libc


def _move(
    function: Callable[..., int], tid: int, buffer: ctypes.Array[ctypes.c_char], there: int, n: int
) -> int:
    here = _Vector(ctypes.addressof(buffer), n)
    moved = function(tid, ctypes.byref(here), 1, ctypes.byref(_Vector(there, n)), 1, 0)
    if moved < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return moved


@cache
def _load() -> tuple[Raw, type[Exception]]:
    """Loaded when somebody traces: it costs more than all of sigscope's start.

    Its look for the C library forks ldconfig, which a process with a target in its hand should
    not do, and takes a third of that time: the library is the one that Python itself uses.
    From Python 3.12 on it warns of a deprecated call in its own code.
    """
    if "ptrace.ctypes_libc" not in sys.modules:
        found = types.ModuleType("ptrace.ctypes_libc")
        found.libc = ctypes.CDLL(None, use_errno=True)  # type: ignore[attr-defined]
        found.LIBC_FILENAME = "libc.so.6"  # type: ignore[attr-defined]
        sys.modules["ptrace.ctypes_libc"] = found
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ptrace.binding.func import ptrace
            from ptrace.error import PtraceError
    except ImportError as error:
        raise NotSupported(
            f"python-ptrace cannot be loaded: {error}", "pip install python-ptrace"
        ) from None
    return ptrace, PtraceError
