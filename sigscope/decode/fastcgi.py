"""FastCGI records, of both directions (FastCGI specification 1.0, sections 3 to 5).

Bytes come in whatever pieces they were read in. What is no FastCGI is a
:class:`BadRecord` that says where and what; nothing else is raised.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from sigscope.errors import NotSupported
from sigscope.model.fcgi import HEADER_LENGTH, LONGEST_CONTENT, Record, RecordType

_HEADER = struct.Struct(">BBHHBx")
_LONG = struct.Struct(">I")
VERSION = 1
_LAST_TYPE = max(RecordType)
_OTHERS = (
    (b"\x16\x03", "a TLS handshake"),
    (b"HTTP/", "an HTTP answer"),
    (b"SSH-", "SSH"),
    (b"PROXY ", "the PROXY protocol"),
    (b"\r\n\r\n\0\r\nQUIT\n", "the PROXY protocol"),
    (b"PRI * HTTP/2", "HTTP/2"),
    (b"\0", "something like uwsgi's own protocol or SCGI"),
)
_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ")


class BadRecord(NotSupported):
    """Bytes that are no FastCGI record; ``offset`` counts from the start of the stream."""

    def __init__(self, offset: int, detail: str) -> None:
        super().__init__(
            f"at byte {offset}: {detail}", "is this the FastCGI port, and not the web server's?"
        )
        self.offset = offset
        self.detail = detail


class Decoder:
    """Records out of a stream of bytes; at most ``keep`` bytes of the content of each are held.

    >>> decoder = Decoder()
    >>> [str(one) for one in decoder.feed(bytes([1, 7, 0, 1, 0, 2, 6, 0]) + b"no")]
    []
    >>> [str(one) for one in decoder.feed(bytes(6))]
    ['STDERR of request 1, 2 bytes']
    """

    def __init__(self, keep: int = LONGEST_CONTENT) -> None:
        self._keep = keep
        self._head = b""
        self._content = bytearray()
        self._seen = 0
        self._begun: tuple[int, int, int, int] | None = None
        """Type, request, length and padding of a record whose header has come."""
        self.offset = 0
        """Where in the stream the record that is not whole yet begins."""

    @property
    def partial(self) -> Record | None:
        """A record whose header has come and whose end has not."""
        return None if self._begun is None else Record(*self._begun, bytes(self._content))

    @property
    def missing(self) -> int:
        """Bytes that the record which has begun still lacks; 0 between two records."""
        if self._begun is not None:
            return self._begun[2] + self._begun[3] - self._seen
        return HEADER_LENGTH - len(self._head) if self._head else 0

    def feed(self, data: bytes) -> list[Record]:
        """The records that are whole with this; raises BadRecord, after which it is of no use."""
        found: list[Record] = []
        start, size = 0, len(data)
        while True:
            if self._begun is None:
                if not self._head and size - start >= HEADER_LENGTH:
                    head = data[start : start + HEADER_LENGTH]
                    start += HEADER_LENGTH
                else:
                    take = HEADER_LENGTH - len(self._head)
                    head = self._head + data[start : start + take]
                    start += take
                    if len(head) < HEADER_LENGTH:
                        self._head = head
                        self._suspect()
                        return found
                    self._head = b""
                self._begun = self._header(head)
                self._seen = 0
                self._content.clear()
            _, _, length, padding = self._begun
            body = length + padding
            take = min(body - self._seen, size - start)
            if take > 0:
                room = min(length, self._keep) - self._seen
                if room > 0:
                    self._content += data[start : start + min(take, room)]
                self._seen += take
                start += take
            if self._seen < body:
                return found
            found.append(self._whole())
            if start >= size:
                return found

    def skip(self, count: int) -> list[Record]:
        """So many bytes came whose value is not known; BadRecord if a header is among them."""
        left = self.missing if self._begun is not None else 0
        if count > left:
            raise BadRecord(self.offset, f"{count} bytes are not known, and a header is in them")
        self._seen += count
        return [self._whole()] if count and count == left else []

    def _whole(self) -> Record:
        assert self._begun is not None
        made = Record(*self._begun, bytes(self._content))
        self._begun = None
        self.offset += made.size
        return made

    def finish(self) -> None:
        """The stream has ended here; BadRecord if that is in the middle of a record."""
        if self._begun is not None:
            detail = f"{self.partial} is cut off, {self.missing} bytes are missing"
            raise BadRecord(self.offset, detail)
        if self._head:
            raise BadRecord(self.offset, f"a record's header is cut off after {len(self._head)}")

    def _suspect(self) -> None:
        """Few bytes are enough to know that it is something else."""
        if self._head and self._head[0] != VERSION:
            raise BadRecord(self.offset, foreign(self._head))

    def _header(self, head: bytes) -> tuple[int, int, int, int]:
        version, kind, number, length, padding = _HEADER.unpack(head)
        if version != VERSION:
            raise BadRecord(self.offset, foreign(head))
        if not 1 <= kind <= _LAST_TYPE:
            raise BadRecord(self.offset, f"there is no record type {kind}")
        return kind, number, length, padding


def foreign(data: bytes) -> str:
    """What these first bytes are instead of a record.

    >>> foreign(b"GET / HTTP/1.1")
    'an HTTP request, not FastCGI'
    >>> foreign(b"2")
    'not FastCGI: version 50'
    """
    if any(data.startswith(method) or method.startswith(data[:8]) for method in _METHODS):
        return "an HTTP request, not FastCGI"
    for start, name in _OTHERS:
        if data and data[: len(start)] == start[: len(data)]:
            return f"{name}, not FastCGI"
    return f"not FastCGI: version {data[0]}" if data else "nothing"


def decode_all(data: bytes) -> list[Record]:
    """The records of a whole stream; raises BadRecord for one that is cut off, too."""
    decoder = Decoder()
    found = decoder.feed(data)
    decoder.finish()
    return found


def encode(record: Record) -> bytes:
    """The bytes of a record whose content is whole.

    >>> encode(Record(7, 1, 2, 6, b"no")).hex()
    '01070001000206006e6f000000000000'
    """
    if len(record.content) != record.length:
        raise ValueError(f"{record}: {len(record.content)} bytes of it are known")
    head = _HEADER.pack(
        record.version, record.kind, record.request_id, record.length, record.padding
    )
    return head + record.content + bytes(record.padding)


def encode_all(records: Iterable[Record]) -> bytes:
    """The bytes of several records, one behind the other."""
    return b"".join(map(encode, records))


def decode_params(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values out of the joined contents of PARAMS records; raises BadRecord.

    >>> decode_params(bytes([1, 2]) + b"aok")
    [(b'a', b'ok')]
    """
    return list(_pairs(data))


def _pairs(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place < len(data):
        start = place
        name, place = _length(data, place, start)
        value, place = _length(data, place, start)
        end = place + name + value
        if end > len(data):
            detail = f"a parameter of {name} + {value} bytes where {len(data) - place} are left"
            raise BadRecord(start, detail)
        yield data[place : place + name], data[place + name : end]
        place = end


def _length(data: bytes, place: int, start: int) -> tuple[int, int]:
    """One byte, or four with the first bit set. ``start`` is where its pair begins."""
    if place >= len(data):
        raise BadRecord(start, "a parameter's length is missing")
    if data[place] < 0x80:
        return data[place], place + 1
    if place + 4 > len(data):
        raise BadRecord(start, "a parameter's length is cut off")
    return _LONG.unpack_from(data, place)[0] & 0x7FFFFFFF, place + 4


def encode_params(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Names and values as the content of PARAMS.

    >>> encode_params([(b"a", b"ok")]).hex()
    '0102616f6b'
    """
    return b"".join(
        _encoded_length(len(name)) + _encoded_length(len(value)) + name + value
        for name, value in pairs
    )


def _encoded_length(length: int) -> bytes:
    return bytes((length,)) if length < 0x80 else _LONG.pack(length | 0x80000000)
