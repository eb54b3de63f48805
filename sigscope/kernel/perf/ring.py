"""The ring buffer of one CPU, into which several tracepoints write (perf_event_open(2))."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from collections.abc import Mapping

from sigscope.kernel.perf import call

PAGE = mmap.PAGESIZE
_ENDS = slice(1024, 1040)
_HEAD, _TAIL = 0, 1
"""data_head and data_tail of struct perf_event_mmap_page; each is read and written at once."""
_SMALLEST = 8
"""Pages of a buffer that is worth having."""


class Ring:
    """``filters``: an expression (or none) for each id of a tracepoint. OSError as given.

    The kernel never writes over what was not read: it counts what found no room instead.
    """

    def __init__(self, cpu: int, filters: Mapping[int, str], size: int) -> None:
        self.cpu = cpu
        self.events: dict[int, int] = {}
        self._map: mmap.mmap | None = None
        self._ends = memoryview(b"")
        self.size = 0
        pages = 1 << max(0, (max(size // PAGE, _SMALLEST)).bit_length() - 1)
        try:
            for number, expression in filters.items():
                fd = call.open_tracepoint(number, cpu, pages * PAGE // 2)
                self.events[number] = fd
                if self._map is None:
                    self._map = self._mapped(fd, pages)
                    self._ends = memoryview(self._map)[_ENDS].cast("Q")
                else:
                    call.share_buffer(fd, self.fd)
                if expression:
                    call.set_filter(fd, expression)
        except BaseException:
            self.close()
            raise

    def _mapped(self, fd: int, pages: int) -> mmap.mmap:
        """As large as it may be: others than root have perf_event_mlock_kb and RLIMIT_MEMLOCK."""
        while True:
            try:
                found = mmap.mmap(fd, (pages + 1) * PAGE)
            except PermissionError:
                if pages <= _SMALLEST:
                    raise
                pages //= 2
                continue
            self.size = pages * PAGE
            return found

    @property
    def fd(self) -> int:
        """For poll(2): readable when it is half full."""
        return next(iter(self.events.values()))

    def enable(self) -> None:
        for fd in self.events.values():
            call.enable(fd)

    def read(self, most: int) -> tuple[bytes, bool]:
        """About ``most`` bytes of whole records, and whether that is all that is there."""
        tail = self._ends[_TAIL]
        length = self._ends[_HEAD] - tail
        if not length:
            return b"", True
        data = self._copy(tail, min(length, most))
        if length > most:
            data = data[: _whole(data)]
        self._ends[_TAIL] = tail + len(data)
        return data, len(data) == length

    def _copy(self, tail: int, length: int) -> bytes:
        assert self._map is not None
        begin = PAGE + tail % self.size
        first = min(length, PAGE + self.size - begin)
        return self._map[begin : begin + first] + self._map[PAGE : PAGE + length - first]

    def close(self) -> None:
        """The kernel takes the events off. May be called twice."""
        if self._map is not None:
            self._ends.release()
            self._map.close()
            self._map = None
        while self.events:
            with contextlib.suppress(OSError):
                os.close(self.events.popitem()[1])


def _whole(data: bytes) -> int:
    """How many of these bytes are whole records."""
    at = 0
    while at + 8 <= len(data):
        size = data[at + 6] | data[at + 7] << 8
        if size < 8 or at + size > len(data):
            break
        at += size
    return at


GONE = (errno.ENODEV, errno.ENXIO)
"""What the kernel answers for a CPU that is not there, or switched off."""
