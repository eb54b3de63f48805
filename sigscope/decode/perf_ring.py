"""The records of a perf ring buffer (perf_event_open(2), "MMAP layout").

Read as they are written for ``PERF_SAMPLE_TID|TIME|CPU|RAW`` with ``sample_id_all``.
"""

from __future__ import annotations

import struct

from sigscope.decode.tracepoint import Record
from sigscope.errors import DecodeError

SAMPLE_TID, SAMPLE_TIME, SAMPLE_CPU, SAMPLE_RAW = 1 << 1, 1 << 2, 1 << 7, 1 << 10
SAMPLE_TYPE = SAMPLE_TID | SAMPLE_TIME | SAMPLE_CPU | SAMPLE_RAW
_LOST, _SAMPLE = 2, 9
_HEADER = struct.Struct("=IHH")
_BODY = struct.Struct("=IHHI4xQ8xI")
_LOSS = struct.Struct("=IHH8xQ8xQ8x")


def decode_ring(data: bytes) -> list[Record]:
    r"""All of these records; those of other kinds (throttling, exits) are passed over.

    >>> body = struct.pack("=IIQIII", 7, 8, 1000, 0, 0, 4) + b"\x05\x01\0\0"
    >>> found = decode_ring(_HEADER.pack(_SAMPLE, 0, 8 + len(body)) + body)
    >>> found[0].time, found[0].tgid, found[0].at, found[0].end
    (1000, 7, 36, 40)
    """
    found: list[Record] = []
    add, make = found.append, tuple.__new__
    at, whole = 0, len(data)
    sample, header = _BODY.unpack_from, _HEADER.unpack_from
    try:
        while at < whole:
            kind, _, size = header(data, at)
            if size < 8 or at + size > whole:
                raise DecodeError("perf ring", f"a record of {size} bytes where {whole - at} are")
            if kind == _SAMPLE:
                _, _, _, tgid, time, length = sample(data, at)
                begin = at + 36
                if begin + length > at + size:
                    raise DecodeError("perf ring", f"{length} bytes in a record of {size}")
                add(make(Record, (time, tgid, data, begin, begin + length)))
            elif kind == _LOST:
                if size < _LOSS.size:
                    raise DecodeError("perf ring", f"{size} bytes tell of a loss")
                _, _, _, lost, time = _LOSS.unpack_from(data, at)
                add(Record(time, None, data, lost, -1))
            at += size
    except struct.error:
        raise DecodeError("perf ring", "the last record is cut off") from None
    return found
