"""The directory of one very process, kept open: it never answers for another of the same pid."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sigscope.decode.stat import decode_stat
from sigscope.decode.status import decode_status
from sigscope.errors import DecodeError
from sigscope.model.process import Process

_LARGEST_MAPS = 32 << 20
_PIECE = 1 << 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def entered(proc: str, process: Process) -> Iterator[int]:
    """The open directory of this very process; ProcessLookupError if it has ended.

    A dead leader has given its memory away: then it is that of a thread which lives.
    """
    directory = os.open(f"{proc}/{process.pid}", _DIRECTORY)
    try:
        if decode_stat(read_whole(directory, "stat", _PIECE)).start_time != process.start_time:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        if process.leader_dead:
            living = os.open(f"{proc}/{process.living[0].tid}", _DIRECTORY)
            os.close(directory)
            directory = living
            if decode_status(read_whole(directory, "status", _PIECE)).tgid != process.pid:
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        yield directory
    finally:
        os.close(directory)


def read_maps(directory: int) -> bytes:
    """The file maps; DecodeError if it is longer than any program needs, or empty."""
    data = read_whole(directory, "maps", _LARGEST_MAPS)
    if not data:
        raise DecodeError("maps", "it has no memory any more: it is ending")
    if len(data) >= _LARGEST_MAPS:
        raise DecodeError("maps", "it is longer than sigscope reads")
    return data


def read_whole(directory: int, name: str, limit: int) -> bytes:
    """A file below an open directory, up to ``limit`` bytes."""
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        data = bytearray()
        while len(data) < limit and (piece := os.read(descriptor, _PIECE)):
            data += piece
        return bytes(data)
    finally:
        os.close(descriptor)
