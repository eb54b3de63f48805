"""What the processes of a situation write to the report pipe: one record of a fixed size each."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import Enum

_RECORD = struct.Struct("=iiiiq")


class Kind(Enum):
    """What a record tells; the letters are those of situation.c."""

    PROCESS = "P"
    """A process exists: ``signal`` is its role's letter, ``value`` its pid."""
    READY = "R"
    """A thread is about to begin; ``value`` is its index."""
    HANDLED = "H"
    SIGWAIT = "C"
    SIGNALFD = "F"
    INTERRUPTED = "E"
    """A call returned an error; ``code`` is the call's number."""
    WAITED = "W"
    """waitid(2) told the parent: ``code`` is si_code, ``signal`` is si_status."""
    SENT = "S"
    """``code`` is the errno, 0 for success."""
    TRACED = "T"
    FAILED = "X"


@dataclass(frozen=True)
class Record:
    """``tid`` is of the writer, in its own pid namespace."""

    kind: Kind
    signal: int
    tid: int
    code: int
    value: int


class Report:
    """The reading end of the pipe. Keeps everything that it has read."""

    def __init__(self) -> None:
        self.descriptor, self.theirs = os.pipe()
        os.set_blocking(self.descriptor, False)
        self.records: list[Record] = []

    def read(self) -> list[Record]:
        """All records so far, new ones included."""
        while True:
            try:
                data = os.read(self.descriptor, _RECORD.size * 512)
            except BlockingIOError:
                return self.records
            if not data:
                return self.records
            for kind, signal, tid, code, value in _RECORD.iter_unpack(data):
                self.records.append(Record(Kind(chr(kind)), signal, tid, code, value))

    def of(self, *kinds: Kind, since: int = 0) -> list[Record]:
        return [record for record in self.read()[since:] if record.kind in kinds]

    def close(self) -> None:
        os.close(self.descriptor)
