"""The counts of events that were folded: collected by the reader, as often as a window is long.

A count only grows, so that what was read is exact at any time. An entry is taken out when its key
was idle for a while: its next event begins a window, and is told whether the entry is there
or not.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator

from sigscope.decode.watch_records import KEY
from sigscope.kernel.bpf import syscall
from sigscope.kernel.bpf.watchcode import FOLD

MOST = 1 << 14
"""Keys at a time."""
IDLE = 1_000_000_000
_BATCH = struct.Struct("=QQQQIIQQ")


class Folds:
    """The hash, and what is known of it."""

    def __init__(self) -> None:
        self.map = syscall.create_hash(KEY.size, FOLD.size, MOST)
        self._keys = ctypes.create_string_buffer(KEY.size * MOST)
        self._values = ctypes.create_string_buffer(FOLD.size * MOST)
        self._place = ctypes.create_string_buffer(KEY.size)
        self._told: dict[bytes, int] = {}
        self.total = 0
        """How many were ever collected."""

    def close(self) -> None:
        self.map.close()

    def collect(self) -> Iterator[tuple[bytes, int, int]]:
        """(key, how many more of it, when the last one was)."""
        for key, _, _, times, last in self._entries():
            new = times - self._told.get(key, 0)
            if new > 0:
                self._told[key] = times
                self.total += new
                yield key, new, last

    def clean(self, now: int) -> list[bytes]:
        """Take out what was idle, after ``collect``; these keys."""
        idle = [
            key
            for key, start, _, times, last in self._entries()
            if max(start, last) + IDLE < now and times == self._told.get(key, 0)
        ]
        for key in idle:
            syscall.remove(self.map, key)
            self._told.pop(key, None)
        return idle

    def _entries(self) -> list[tuple[bytes, int, int, int, int]]:
        attributes = ctypes.create_string_buffer(
            _BATCH.pack(
                0,
                ctypes.addressof(self._place),
                ctypes.addressof(self._keys),
                ctypes.addressof(self._values),
                MOST,
                self.map.number,
                0,
                0,
            ),
            _BATCH.size,
        )
        try:
            syscall.bpf(syscall.MAP_LOOKUP_BATCH, attributes)
        except OSError as error:
            if error.errno != errno.ENOENT:  # there are no more than these
                raise
        (count,) = struct.unpack_from("=I", attributes, 32)
        keys = ctypes.string_at(self._keys, count * KEY.size)
        values = ctypes.string_at(self._values, count * FOLD.size)
        return [
            (keys[place * KEY.size : (place + 1) * KEY.size], *value)
            for place, value in enumerate(FOLD.struct.iter_unpack(values))
        ]
