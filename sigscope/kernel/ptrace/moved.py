"""What a system call of a stopped thread has read or written: copied from its memory."""

from __future__ import annotations

import struct
from enum import Enum

from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.model.syscall import SystemCall
from sigscope.model.traffic import Did

MOST = 1 << 14
"""Bytes of one call that are copied; of the rest only the number is told."""
PIECES = 64
"""Of one call, as far as they are looked at."""


class Place(Enum):
    """Where the data is: behind the second argument, in an iovec, in a msghdr; or not seen."""

    BUFFER = "buffer"
    IOVEC = "iovec"
    MESSAGE = "message"
    UNSEEN = "unseen"


MOVES = {
    "read": (Did.READ, Place.BUFFER),
    "recvfrom": (Did.READ, Place.BUFFER),
    "readv": (Did.READ, Place.IOVEC),
    "recvmsg": (Did.READ, Place.MESSAGE),
    "recvmmsg": (Did.READ, Place.UNSEEN),
    "write": (Did.WROTE, Place.BUFFER),
    "sendto": (Did.WROTE, Place.BUFFER),
    "writev": (Did.WROTE, Place.IOVEC),
    "sendmsg": (Did.WROTE, Place.MESSAGE),
    "sendmmsg": (Did.WROTE, Place.UNSEEN),
    "sendfile": (Did.WROTE, Place.UNSEEN),
}
_FLAGS = {"recvfrom": 3, "recvmsg": 2}
_PEEK = 2
_MESSAGE = struct.Struct("=16xQQ")
_PIECE = struct.Struct("=QQ")
_ABIS = ("x86_64", "aarch64")
"""Those in which a pointer has 64 bits."""


def peeks(call: SystemCall) -> bool:
    """Is what it reads read again (MSG_PEEK)?

    >>> peeks(SystemCall(45, "recvfrom", (3, 0, 9, 2, 0, 0)))
    True
    """
    position = _FLAGS.get(call.name or "")
    return position is not None and bool(call.args[position] & _PEEK)


def copied(tracee: Tracee, abi: str, call: SystemCall, result: int) -> bytes | None:
    """The beginning of it; None where that could not be read."""
    place = MOVES[call.name or ""][1]
    if place is Place.UNSEEN or abi not in _ABIS:
        return None
    try:
        return _copied(tracee, place, call, min(result, MOST)) or None
    except OSError:
        return None


def _copied(tracee: Tracee, place: Place, call: SystemCall, size: int) -> bytes:
    at, count = call.args[1], call.args[2]
    if place is Place.BUFFER:
        return tracee.read(at, size)
    if place is Place.MESSAGE:
        at, count = _MESSAGE.unpack(_whole(tracee, at, _MESSAGE.size))
    data = b""
    for base, length in _PIECE.iter_unpack(_whole(tracee, at, _PIECE.size * min(count, PIECES))):
        if length and len(data) < size:
            data += tracee.read(base, min(length, size - len(data)))
    return data


def _whole(tracee: Tracee, at: int, size: int) -> bytes:
    found = tracee.read(at, size) if size else b""
    if len(found) != size:
        raise OSError("it is cut off")
    return found
