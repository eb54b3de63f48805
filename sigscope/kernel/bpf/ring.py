"""A ring buffer that BPF programs write to and we read: Documentation/bpf/ringbuf.rst.

Its first page holds how far we have read, the second how far was written, and the data lie
behind that twice in a row, so that no record is ever in two pieces. A record begins with a
word that tells its length, and whether it is still being written, or was given up.

Positions are read and written as whole words, for the kernel looks at them at any time.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

from sigscope.kernel.bpf import syscall
from sigscope.kernel.closing import Closing

BUSY, DISCARDED = 1 << 31, 1 << 30
HEADER = 8
_PAGE = mmap.PAGESIZE


class Ring(Closing):
    """``size`` is a power of two and a multiple of the page size; OSError where it is refused."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.map = syscall.create_map(syscall.MAP_RING_BUFFER, 0, size)
        try:
            self._position = mmap.mmap(
                self.map.number, _PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE
            )
            self._memory = mmap.mmap(
                self.map.number, _PAGE + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=_PAGE
            )
        except BaseException:
            self.map.close()
            raise
        self._read = memoryview(self._position).cast("Q")
        self.data = memoryview(self._memory)
        self._written = self.data.cast("Q")
        self._words = self.data.cast("I")

    def close(self) -> None:
        """May be called twice."""
        for view in (self._read, self._written, self._words, self.data):
            view.release()
        self._position.close()
        self._memory.close()
        self.map.close()

    def waiting(self) -> int:
        """Bytes that were written, or are just being, and are not read yet."""
        return self._written[0] - self._read[0]

    def records(self) -> Iterator[tuple[int, int]]:
        """(place in ``data``, length) of each record that is whole.

        It is there until the next one is asked for: then its room is given back now and then,
        and at the end, also when the caller breaks off (the last record then counts as read).
        """
        words, mask = self._words, self.size - 1
        place = self._read[0]
        end = self._written[0]
        given = place + self.size // 8
        try:
            while place < end:
                at = _PAGE + (place & mask)
                length = words[at >> 2]
                if length & BUSY:
                    break
                place += (length & ~DISCARDED) + HEADER + 7 & ~7
                if not length & DISCARDED:
                    yield at + HEADER, length
                if place > given:
                    self._read[0] = place
                    given = place + self.size // 8
        finally:
            self._read[0] = place

    def whole(self) -> bytes:
        """All whole records as they lie there: headers, records, and what fills them up."""
        words, mask = self._words, self.size - 1
        begin = place = self._read[0]
        end = self._written[0]
        pieces = []
        while place < end:
            length = words[_PAGE + (place & mask) >> 2]
            if length & BUSY:
                break
            size = (length & ~DISCARDED) + HEADER + 7 & ~7
            if length & DISCARDED:
                pieces.append(self._piece(begin, place))
                begin = place + size
            place += size
        pieces.append(self._piece(begin, place))
        data = b"".join(pieces)
        self._read[0] = place
        return data

    def _piece(self, begin: int, end: int) -> memoryview:
        at = _PAGE + (begin & self.size - 1)
        return self.data[at : at + end - begin]
