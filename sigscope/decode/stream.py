"""One direction of a TCP connection: segments in any order, to bytes in theirs."""

from __future__ import annotations

from dataclasses import dataclass

from sigscope.model.segment import Segment, TcpFlag

MOST_HELD = 1 << 20
"""Bytes that may wait for one that is missing; beyond, that one is taken to be lost."""
MOST_SEGMENTS = 512
_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that became readable; ``lost`` counts those before them that no segment brought."""

    time: float
    data: bytes
    lost: int = 0


class Stream:
    """Puts segments in order; duplicates are dropped, holes waited for and then told.

    >>> def segment(seq, data):
    ...     return Segment(0.0, "a", "b", TcpFlag.NONE, seq, len(data), data)
    >>> stream = Stream()
    >>> [one.data for one in stream.take(segment(1, b"ab"))]
    [b'ab']
    >>> stream.take(segment(5, b"ef")), [one.data for one in stream.take(segment(3, b"cd"))]
    ([], [b'cd', b'ef'])
    """

    def __init__(self) -> None:
        self.opened = False
        """A SYN was seen: nothing came before."""
        self._next: int | None = None
        self._held: dict[int, Segment] = {}

    def take(self, segment: Segment) -> list[Piece]:
        """What can be read now."""
        seq = segment.seq
        if TcpFlag.SYN in segment.flags:
            self.opened = True
            self._held.clear()
            seq = self._next = (seq + 1) % _SPACE
        if not segment.length:
            return []
        if self._next is None:
            self._next = seq
        place = _distance(self._next, seq)
        if place + segment.length <= 0:
            return []
        known = self._held.get(seq)
        if known is None or (known.length, len(known.data)) < (segment.length, len(segment.data)):
            self._held[seq] = segment
        found = self._ready(segment.time)
        held = sum(one.length for one in self._held.values())
        if held > MOST_HELD or len(self._held) > MOST_SEGMENTS:
            found += self.flush(segment.time)
        return found

    def flush(self, when: float) -> list[Piece]:
        """Give up on what is missing: all that waits, with what was lost before it."""
        found: list[Piece] = []
        while self._held:
            assert self._next is not None
            first = min(self._held, key=lambda seq: _distance(self._next or 0, seq))
            lost = max(0, _distance(self._next, first))
            self._next = (self._next + lost) % _SPACE
            found.append(Piece(when, b"", lost))
            found += self._ready(when)
        return [one for one in found if one.data or one.lost]

    def _ready(self, when: float) -> list[Piece]:
        found = []
        while self._held:
            assert self._next is not None
            first = min(self._held, key=lambda seq: _distance(self._next or 0, seq))
            place = _distance(self._next, first)
            if place > 0:
                break
            segment = self._held.pop(first)
            fresh = segment.length + place
            if fresh <= 0:
                continue
            data = segment.data[-place:] if place else segment.data
            if data:
                found.append(Piece(when, data))
            missing = fresh - len(data)
            if missing > 0:  # the capture holds only the beginning of this segment
                found.append(Piece(when, b"", missing))
            self._next = (self._next + fresh) % _SPACE
        return found


def _distance(base: int, seq: int) -> int:
    """How far ``seq`` is ahead of ``base``, negative behind it, around the end of the numbers."""
    return (seq - base + _SPACE // 2) % _SPACE - _SPACE // 2
