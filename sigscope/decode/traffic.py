"""Records of the programs that follow connections (kernel.bpf.trafficcode)."""

from __future__ import annotations

import struct

from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.model.traffic import Did, Event

HEAD = struct.Struct("=QIIIIIIqI16sI")
"""Time in ns; tid, tgid; kind, flags; descriptor or pid, by the kernel; result; how much was
copied; comm; how many events were lost before."""


def decode_event(record: bytes) -> Event:
    """One record; DecodeError for one of another shape.

    >>> decode_event(HEAD.pack(10**9, 7, 7, 3, 0, 5, 0, 5, 0, b"", 0)).did
    <Did.ACCEPTED: 3>
    """
    if len(record) < HEAD.size:
        raise DecodeError("event", f"{len(record)} bytes")
    time, _, pid, kind, flags, other, kernel, result, copied, comm, lost = HEAD.unpack_from(record)
    if not 1 <= kind <= max(Did) or copied > len(record) - HEAD.size:
        raise DecodeError("event", f"kind {kind}, {copied} bytes copied")
    data = bytes(record[HEAD.size : HEAD.size + copied])
    name = decode_text(comm.split(b"\0", 1)[0]) if kind == Did.SIGNALLED else ""
    whole, by_kernel = not flags & 1, bool(kernel)
    return Event(time / 1e9, pid, Did(kind), other, result, data, whole, name, by_kernel, lost)
