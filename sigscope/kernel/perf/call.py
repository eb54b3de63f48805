"""The system call perf_event_open(2), through ctypes, for tracepoints.

The attribute block is that of Linux 4.1 (PERF_ATTR_SIZE_VER5), the first with a choice of clock.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import time

from sigscope.decode.perf_ring import SAMPLE_TYPE

NUMBERS = {
    "x86_64": 298,
    "aarch64": 241,
    "riscv64": 241,
    "loongarch64": 241,
    "ppc64le": 319,
    "s390x": 331,
}
"""perf_event_open(2) by machine, 64 bits."""
_TRACEPOINT = 2
_DISABLED, _WATERMARK, _SAMPLE_ID_ALL, _USE_CLOCKID = 1, 1 << 14, 1 << 18, 1 << 25
_CLOEXEC = 8
_SIZE = 112
_ENABLE, _SET_OUTPUT = 0x2400, 0x2405
_SET_FILTER = 0x40082406
"""_IOW of a pointer: of four bytes more where that has only 32 bits."""
_ATTRIBUTES = struct.Struct("=IIQQQQQIIQQQQIiQIHH")

_libc = ctypes.CDLL(None, use_errno=True)


def open_tracepoint(number: int, cpu: int, watermark: int) -> int:
    """An event of all tasks on one CPU, not enabled yet; wakes after so many bytes. OSError."""
    call = NUMBERS.get(os.uname().machine)
    if call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "perf_event_open")
    attributes = _ATTRIBUTES.pack(
        _TRACEPOINT,
        _SIZE,
        number,
        1,  # sample_period: each of them
        SAMPLE_TYPE,
        0,  # read_format
        _DISABLED | _WATERMARK | _SAMPLE_ID_ALL | _USE_CLOCKID,
        watermark,
        *(0,) * 6,  # breakpoints, branches, registers, stacks
        time.CLOCK_MONOTONIC,
        *(0,) * 4,
    ).ljust(_SIZE, b"\0")
    fd = int(_libc.syscall(call, attributes, -1, cpu, -1, _CLOEXEC))
    if fd < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed), "perf_event_open")
    return fd


def set_filter(fd: int, expression: str) -> None:
    """Only records for which this holds (Documentation/trace/events.rst, "Filter rules")."""
    text = ctypes.create_string_buffer(expression.encode())
    if _libc.ioctl(fd, ctypes.c_ulong(_SET_FILTER), text) < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed), expression)


def share_buffer(fd: int, other: int) -> None:
    """Its records go to the buffer of another event on the same CPU."""
    fcntl.ioctl(fd, _SET_OUTPUT, other)


def enable(fd: int) -> None:
    """From now on."""
    fcntl.ioctl(fd, _ENABLE, 0)
