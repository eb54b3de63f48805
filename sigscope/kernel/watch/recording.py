"""Record files of a watch: written line by line while it runs, read again whole or cut off."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from sigscope.decode.watch_record import (
    LONGEST_LINE,
    Closed,
    Entry,
    Header,
    decode_entry,
    decode_header,
    entry_line,
    header_line,
)
from sigscope.errors import CannotWrite, DecodeError, UsageError

_BUFFER = 1 << 18
_BOOT = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Of the running kernel; "" where it is not shown."""
    try:
        with open(_BOOT, encoding="ascii") as file:
            return file.read(64).strip()
    except OSError:
        return ""


def header_of(engine: str) -> Header:
    """Of a watch that begins now, on this host."""
    names = os.uname()
    now = time.monotonic_ns()
    return Header(names.nodename, boot_id(), names.release, engine, time.time_ns() - now, now)


class Recorder:
    """A new file, or CannotWrite; ``flush`` writes whole lines, so that a cut is at a line.

    After an error (a full disk) no more is written: ``failed`` says why, and what was written
    before stays readable.
    """

    def __init__(self, path: str, header: Header) -> None:
        self.path = path
        self.failed = ""
        self._lines: list[bytes] = [header_line(header)]
        self._size = 0
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._fd = os.open(path, flags, 0o600)
        except OSError as error:
            hint = "name another file: --record FILE"
            raise CannotWrite(f"cannot write {path}: {error.strerror}", hint) from None

    def add(self, entry: Entry) -> None:
        """It is written with the next ``flush``, or when there is much of it."""
        if self.failed:
            return
        line = entry_line(entry)
        self._lines.append(line)
        self._size += len(line)
        if self._size > _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is there; a line that does not fit any more is cut off, and the last."""
        if self.failed or not self._lines:
            return
        data, self._lines, self._size = b"".join(self._lines), [], 0
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            self.failed = error.strerror or "it cannot be written"

    def close(self, closed: Closed | None = None) -> None:
        """May be called twice."""
        if self._fd < 0:
            return
        if closed is not None:
            self.add(closed)
        self.flush()
        os.close(self._fd)
        self._fd = -1


class Recording:
    """A file that a ``Recorder`` wrote: its ``header``, and by iteration its entries.

    ``whole`` is true after the last line; ``damaged`` counts lines that were left out, and
    ``trouble`` says what was wrong with the first of them. Raises UsageError if it is no such
    file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.whole = False
        self.damaged = 0
        self.trouble = ""
        self.lost: int | None = None
        try:
            self._file = open(path, "rb", buffering=_BUFFER)  # noqa: SIM115  closed by entries()
            first = self._file.readline(LONGEST_LINE)
        except OSError as error:
            raise UsageError(
                f"cannot read {path}: {error.strerror}", "sigscope watch --record FILE writes one"
            ) from None
        try:
            self.header = decode_header(first)
        except DecodeError:
            self._file.close()
            raise UsageError(
                f"{path} is no record of a watch", "sigscope watch --record FILE writes one"
            ) from None

    def entries(self) -> Iterator[Entry]:
        """One after the other; damaged lines are left out, and counted."""
        with self._file as file:
            while line := file.readline(LONGEST_LINE):
                if not line.endswith(b"\n"):
                    self._damage("a line is cut off")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST_LINE)
                    continue
                try:
                    entry = decode_entry(line)
                except DecodeError as error:
                    self._damage(error.detail)
                    continue
                if isinstance(entry, Closed):
                    self.whole, self.lost = True, entry.lost
                yield entry

    def _damage(self, what: str) -> None:
        self.damaged += 1
        self.trouble = self.trouble or what


def record_all(recorder: Recorder, entries: Iterable[Entry]) -> None:
    """Several at once."""
    for entry in entries:
        recorder.add(entry)
