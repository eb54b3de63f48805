"""All the TCP connections of a capture, and the FastCGI requests on them.

Who is the worker is told by the records themselves. A connection that was open before the capture
began is joined at its next request; one of which bytes are missing, at the next one after them.
"""

from __future__ import annotations

from collections import Counter

from sigscope.decode.exchange import Conversation
from sigscope.decode.fastcgi import VERSION, foreign
from sigscope.decode.stream import Piece, Stream
from sigscope.model.fcgi import HEADER_LENGTH, Ending, Exchange, RecordType
from sigscope.model.segment import Segment, TcpFlag

MOST_CONNECTIONS = 1 << 16
_ASKS = frozenset(
    (
        RecordType.BEGIN_REQUEST,
        RecordType.ABORT_REQUEST,
        RecordType.PARAMS,
        RecordType.STDIN,
        RecordType.DATA,
        RecordType.GET_VALUES,
    )
)
_BEGIN = bytes((VERSION, RecordType.BEGIN_REQUEST))
_EIGHT = bytes((0, 8))

Ends = tuple[str, str]


class Dialogues:
    """Give it the segments in the order of the capture; it gives the requests that ended."""

    def __init__(self, port: int | None = None) -> None:
        self._port = port
        self._open: dict[Ends, _Dialogue] = {}
        self.foreign: Counter[str] = Counter()
        """Connections that are no FastCGI, by what they are and whose port it is."""
        self.lost = 0
        """Bytes of FastCGI connections that the capture lacks."""
        self.connections = 0
        """Connections on which FastCGI was seen."""
        self.dropped = 0
        """Connections that were given up because there were too many at once."""

    def take(self, segment: Segment) -> list[Exchange]:
        """One segment; the requests that ended with it."""
        ends = (segment.source, segment.target)
        if self._port is not None and not any(_port(end) == self._port for end in ends):
            return []
        key: Ends = (min(ends), max(ends))
        one = self._open.get(key)
        fresh = TcpFlag.SYN in segment.flags and one is not None and one.over
        if one is None or fresh:
            if one is not None:
                self._close(key)
            if len(self._open) >= MOST_CONNECTIONS:
                self.dropped += 1
                self._close(next(iter(self._open)))
            one = self._open[key] = _Dialogue(ends, self._port)
        return one.take(segment)

    def end(self) -> list[Exchange]:
        """The capture is over: the requests that have not ended."""
        return [exchange for key in list(self._open) for exchange in self._close(key)]

    def _close(self, key: Ends) -> list[Exchange]:
        one = self._open.pop(key)
        found = one.end()
        self.lost += one.lost
        if one.is_fastcgi:
            self.connections += 1
        if one.foreign is not None:
            self.foreign[one.foreign] += 1
        return found


class _Dialogue:
    """One connection."""

    def __init__(self, ends: Ends, port: int | None) -> None:
        self._streams = {end: Stream() for end in ends}
        self._worker: str | None = None
        if port is not None and _port(ends[0]) != _port(ends[1]):
            self._worker = next(end for end in ends if _port(end) == port)
        self._talk: Conversation | None = None
        self._joined = False
        self.is_fastcgi = False
        self.foreign: str | None = None
        self.lost = 0
        self.over = False

    def take(self, segment: Segment) -> list[Exchange]:
        stream = self._streams[segment.source]
        pieces = stream.take(segment)
        ending = bool(segment.flags & (TcpFlag.FIN | TcpFlag.RST))
        if ending:
            pieces += stream.flush(segment.time)
        found = [one for piece in pieces for one in self._piece(segment, piece)]
        if ending:
            found += self._ending(segment)
        return found

    def end(self) -> list[Exchange]:
        """No more of it was captured."""
        found: list[Exchange] = []
        for stream in self._streams.values():
            for piece in stream.flush(0.0):
                self.lost += piece.lost
        if self._talk is not None:
            found = self._talk.ended(Ending.OPEN, None)
        return found

    def _piece(self, segment: Segment, piece: Piece) -> list[Exchange]:
        if self.foreign is not None:
            return []
        if piece.lost:
            return self._hole(piece)
        if self._talk is None and not self._begin(segment, piece):
            return []
        assert self._talk is not None
        if segment.source == self._worker:
            found = self._talk.answered(piece.data, piece.time)
        else:
            self._talk.asked(piece.data, piece.time)
            found = []
        if self._talk.foreign is not None:
            self._is_foreign(self._talk.foreign, segment)
        return found

    def _begin(self, segment: Segment, piece: Piece) -> bool:
        """Is this the first record of a request, or of its answer?"""
        data = piece.data
        whole = self._streams[segment.source].opened and not self._joined
        if data[:2] == _BEGIN and (len(data) < HEADER_LENGTH or data[4:6] == _EIGHT):
            worker = segment.target
        elif not whole:
            self._joined = True
            return False
        elif data[0] != VERSION:
            self._is_foreign(foreign(data[:HEADER_LENGTH]), segment)
            return False
        else:
            asks = len(data) < 2 or data[1] in _ASKS
            worker = segment.target if asks else segment.source
        self._worker = worker
        front = next(end for end in self._streams if end != worker)
        self._talk = Conversation(f"{front} > {worker}")
        self.is_fastcgi = True
        return True

    def _is_foreign(self, what: str, segment: Segment) -> None:
        ends = sorted((segment.source, segment.target), key=lambda end: _port(end) or 0)
        self.foreign = f"{ends[0]}: {what}"

    def _hole(self, piece: Piece) -> list[Exchange]:
        self.lost += piece.lost if self._talk is not None else 0
        found: list[Exchange] = []
        if self._talk is not None:
            remark = f"{piece.lost} bytes of the connection were not captured"
            found = self._talk.ended(Ending.LOST, piece.time, remark)
        self._talk = None
        self._joined = True
        return found

    def _ending(self, segment: Segment) -> list[Exchange]:
        self.over = True
        if self._talk is None:
            return []
        if segment.source != self._worker:
            how = Ending.ABORTED
        else:
            how = Ending.RESET if TcpFlag.RST in segment.flags else Ending.CLOSED
        return self._talk.ended(how, segment.time)


def _port(end: str) -> int | None:
    port = end.rpartition(":")[2]
    return int(port) if port.isdigit() else None
