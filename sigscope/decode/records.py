"""The records that sigscope's own BPF programs write: one shape for who writes and who reads.

Each begins with its kind, and is a whole number of 64-bit words long, so that a stream of
different records can be taken apart without any other mark.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from sigscope.errors import DecodeError

SIZES = {"I": 4, "i": 4, "Q": 8, "q": 8}


class Record:
    """``fields`` are names with a letter of :mod:`struct`, or with a count of bytes ("16s").

    Without a ``kind`` nothing tells it from others: it stands in streams of its own.

    >>> word = Record(7, "tid I", "mask Q")
    >>> word.size, word.offset("mask"), word.width("tid")
    (16, 8, 4)
    """

    def __init__(self, kind: int | None, *fields: str) -> None:
        self.kind = kind
        self._places: dict[str, tuple[int, int]] = {}
        letters = ["<"]
        at = 0
        for field in fields if kind is None else ("kind I", *fields):
            name, letter = field.split()
            width = SIZES.get(letter) or int(letter[:-1])
            if letter in "Qq" and at % 8:
                letters.append("4x")
                at += 4
            self._places[name] = at, width
            letters.append(letter)
            at += width
        if at % 8:
            letters.append("4x")
            at += 4
        self.size = at
        self.names = tuple(self._places)
        self.struct = struct.Struct("".join(letters))
        assert self.struct.size == at

    def offset(self, name: str) -> int:
        """Bytes from the beginning of the record."""
        return self._places[name][0]

    def width(self, name: str) -> int:
        return self._places[name][1]

    def fields(self, data: bytes) -> dict[str, int | bytes]:
        """The fields by name."""
        return dict(zip(self.names, self.struct.unpack(data), strict=True))


THREAD = Record(
    1,
    "tid I", "tgid I", "state I", "exit_state I", "flags I", "restore I",
    "blocked Q", "real_blocked Q", "saved Q", "pending Q", "jobctl Q",
    "restart Q", "filter Q", "seccomp I", "filters I", "comm 16s",
)  # fmt: skip
"""``restore`` is the word that holds the flag of a saved mask, ``filter`` an address that only
serves to know equal filters."""

MOST_LEVELS = 8
"""Levels of nested pid namespaces whose numbers a record has room for."""
PROCESS = Record(
    2,
    "tid I", "tgid I", "ppid I", "uid I", "saved_uid I", "flags I", "group_stop I", "level I",
    "pgrp I", "session I", "tracer I", "privileges I", "real_armed I",
    "start Q", "pending Q", "queued Q", "queue_limit Q", "now Q",
    "posix_timers Q", "real_expires Q", "real_interval Q", "prof_expires Q", "prof_interval Q",
    "virtual_expires Q", "virtual_interval Q", "user_time Q", "system_time Q",
    f"numbers {16 * MOST_LEVELS}s",
)  # fmt: skip
"""``numbers`` are the struct upid of its pid, from our own pid namespace on inwards."""

ACTIONS = Record(3, "tid I", "tgid I", "actions 2048s")
ENTRY = Record(4, "tid I", "tgid I", "shared I", "index I", "info 48s")
QUEUE_END = Record(
    5, "tid I", "tgid I", "shared I", "index I", "status I", "node Q", "previous Q", "head Q"
)
"""``status`` 0: the queue ends here; 1: it goes on at ``node``; 2: it changed under our hands."""
WHOLE, LONGER, TORN = range(3)
FILTER = Record(
    6, "tid I", "tgid I", "length I", "begin I", "count I", "log I",
    "filter Q", "previous Q", "instructions 16384s",
)  # fmt: skip
"""A piece of a seccomp filter: ``count`` of its ``length`` instructions, from ``begin`` on."""
RESTART = Record(7, "tid I", "tgid I", "name 64s")
TIMER = Record(
    8, "tid I", "tgid I", "number i", "clock i", "base i", "owner I", "notify I",
    "status i", "queued I", "expires Q", "interval Q", "overruns q", "last_overruns q",
    "node Q", "next Q",
)  # fmt: skip
"""A POSIX timer. Its expiry is counted on the clock ``base``; where that is CPU time, on that of
the process or thread ``owner``. ``next`` is the place of the one behind it, 0 at the last."""

ROW = 48
SCANNED = Record(
    None,
    "tid I", "tgid I", "state I", "tracer I", "blocked Q", "pending Q", "comm 16s",
    "mark1 I", "tgid1 I", "ppid I", "uid I", "saved_uid I", "flags I", "privileges I",
    "seccomp I", "pgrp I", "session I", "level I", "signal_flags I",
    "mark2 I", "tgid2 I", "start Q", "shared Q", "ignored Q", "caught Q", "queued Q",
    "mark3 I", "tgid3 I", "queue_limit Q", "spare 32s",
)  # fmt: skip
"""What a scan of the whole host tells: rows of 48 bytes. Of a thread the first row alone; at the
leader three more, for what the threads share, each marked by a 0 where a tid would stand."""
NESTED = Record(
    None,
    *(
        field
        for row in range(MOST_LEVELS // 2)
        for field in (
            f"mark{row + 1} I",
            f"tgid{row + 1} I",
            f"upid{2 * row} 16s",
            f"upid{2 * row + 1} 16s",
            f"spare{row + 1} 8s",
        )
    ),
)
"""Four rows more at the leader of a process in a pid namespace below ours: its struct upid."""

RECORDS: Mapping[int, Record] = MappingProxyType(
    {
        one.kind or 0: one
        for one in (THREAD, PROCESS, ACTIONS, ENTRY, QUEUE_END, FILTER, RESTART, TIMER)
    }
)
_KIND = struct.Struct("<I")


def cut_records(data: bytes) -> Iterator[tuple[Record, bytes]]:
    """The records of a stream, each as its bytes; DecodeError for a damaged one."""
    at, kind_of = 0, _KIND.unpack_from
    while at < len(data):
        if at + _KIND.size > len(data):
            raise DecodeError("bpf", "a record is cut off")
        record = RECORDS.get(kind_of(data, at)[0])
        if record is None or at + record.size > len(data):
            raise DecodeError("bpf", "a record is cut off, or of no kind that we know")
        yield record, data[at : at + record.size]
        at += record.size


def split_records(data: bytes) -> Iterator[tuple[Record, dict[str, int | bytes]]]:
    """The same, each with its fields by name."""
    for record, piece in cut_records(data):
        yield record, record.fields(piece)
