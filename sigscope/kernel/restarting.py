"""What a judgement on restarts rests on, beside the closer look: filters by thread, files, sockets.

A thread may have a seccomp mode of its own: its status file tells. What a descriptor is, the link
in /proc/PID/fd tells. SO_RCVTIMEO and SO_SNDTIMEO of a socket are nowhere in /proc; they are
asked for on demand only, through a second descriptor for the same socket (pidfd_getfd(2)).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from types import MappingProxyType

from sigscope.decode.status import decode_status
from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.restart import Ground

_PIDFD_GETFD = 438
"""The same number on every architecture but Alpha (Documentation, 2020: one table for all)."""
_TIMEVAL = struct.Struct("@ll")
SOCKET = "socket:"
"""What the link of a socket begins with; the inode follows."""


def read_ground(
    procfs: ProcFS, process: Process, descriptors: Iterable[int], sockets: bool = False
) -> tuple[Ground, tuple[Gap, ...]]:
    """The ground for a process, with these of its descriptors; and what is missing.

    ``sockets``: their timeouts, too. The process is not stopped for it, and notices nothing; for
    an instant each of these sockets has one more holder.
    """
    gaps: list[Gap] = []
    modes: dict[int, int] = {}
    files: dict[int, str] | None = {}
    try:
        with procfs.enter(process.pid) as directory:
            modes = _modes(directory, process)
            own = f"task/{process.living[0].tid}/" if process.leader_dead else ""
            files = _files(directory, f"{own}fd", descriptors, process, gaps)
    except OSError:  # gone meanwhile: whoever asked finds that out
        pass
    numbers = [number for number, link in (files or {}).items() if link.startswith(SOCKET)]
    timed = _timeouts(process, numbers, gaps) if sockets and procfs.live and numbers else {}
    ground = Ground(
        procfs.machine,
        MappingProxyType(modes),
        None if files is None else MappingProxyType(files),
        MappingProxyType(timed),
    )
    return ground, tuple(gaps)


def _modes(directory: Directory, process: Process) -> dict[int, int]:
    if len(process.threads) == 1 and process.seccomp is not None:
        return {process.pid: process.seccomp}
    found: dict[int, int] = {}
    for thread in process.living:
        try:
            mode = decode_status(directory.record(f"task/{thread.tid}/status")).seccomp
        except (OSError, DecodeError):
            continue
        if mode is not None:
            found[thread.tid] = mode
    return found


def _files(
    directory: Directory,
    name: str,
    descriptors: Iterable[int],
    process: Process,
    gaps: list[Gap],
) -> dict[int, str] | None:
    """What each descriptor is; None where that is not shown to us."""
    found: dict[int, str] = {}
    for number in sorted(set(descriptors)):
        try:
            found[number] = directory.link(f"{name}/{number}")
        except OSError as error:
            if error.errno in GONE:
                continue
            if not any(one.what.startswith(f"{name} of") for one in process.gaps):
                gaps.append(gap(name, process.pid, error))
            return None
    return found


def _timeouts(
    process: Process, numbers: Iterable[int], gaps: list[Gap]
) -> dict[int, tuple[float, float]]:
    """(SO_RCVTIMEO, SO_SNDTIMEO) of each socket, in seconds; 0 for none (socket(7))."""
    found: dict[int, tuple[float, float]] = {}
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError as error:
        gaps.append(gap("timeouts of the sockets", process.pid, error))
        return found
    try:
        for number in numbers:
            with socket.socket(fileno=_duplicate(pidfd, number)) as one:
                found[number] = (
                    _timeout(one, socket.SO_RCVTIMEO),
                    _timeout(one, socket.SO_SNDTIMEO),
                )
    except OSError as error:
        gaps.append(gap("timeouts of the sockets", process.pid, error))
    finally:
        os.close(pidfd)
    return found


def _duplicate(pidfd: int, number: int) -> int:
    """pidfd_getfd(2), which the C library offers since glibc 2.36 only."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.syscall(_PIDFD_GETFD, pidfd, number, 0)
    if descriptor < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return descriptor


def _timeout(one: socket.socket, option: int) -> float:
    seconds, microseconds = _TIMEVAL.unpack(
        one.getsockopt(socket.SOL_SOCKET, option, _TIMEVAL.size)
    )
    return float(seconds + microseconds / 1e6)
