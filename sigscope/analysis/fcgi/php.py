"""What PHP writes for a script: records, and the sizes of its writes.

After ``fcgi_write`` and ``fcgi_flush`` (main/fastcgi.c of php-src): a buffer of 8 KiB, written
when it is full, when the script flushes, and at the end; what is longer goes past it. php-fpm's
messages are after ``zlog_msg_ex`` and ``zlog_stream_buf_append`` (sapi/fpm/fpm/zlog.c) and
``sapi_cgi_log_fastcgi`` (sapi/fpm/fpm/fpm_main.c), of PHP 8.2; php-cgi's after
``sapi_cgi_log_message`` (sapi/cgi/cgi_main.c).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from sigscope.model.fcgi import HEADER_LENGTH, Answer, Arrival, Record, RecordType

OUT_BUFFER = 8192
LONGEST_RECORD = 0xFFF8
PREFIX = b"PHP message: "
JOINED = b"; "
LEVEL = 8
"""``NOTICE: ``: it counts against log_limit, though it does not go to the front end."""
DEFAULT_LOG_LIMIT = 1024
PIECE = 32768
"""At least so much of one write arrives at once through a UNIX socket or loopback TCP."""
REQUEST_ID = 1
DEFAULT_HEADER = b"X-Powered-By: PHP/8.2.36\r\nContent-type: text/html; charset=UTF-8\r\n\r\n"


class Writer(Enum):
    """Who writes: what becomes of a message depends on it."""

    PHP_CGI = "php-cgi"
    PHP_FPM = "php-fpm"
    RAW = "raw"


class Do(Enum):
    """What a script does: log a message, print, or flush."""

    MESSAGE = "message"
    OUTPUT = "output"
    FLUSH = "flush"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the script does, with so many bytes."""

    do: Do
    length: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Who writes and what its header is; ``log_limit`` and ``level`` (bytes) are php-fpm's."""

    writer: Writer = Writer.PHP_FPM
    header: bytes = DEFAULT_HEADER
    log_limit: int = DEFAULT_LOG_LIMIT
    level: int = LEVEL


def answer_of(steps: Iterable[Step], settings: Settings = Settings()) -> Answer:
    """What the front end gets from a script that does these things, without output_buffering.

    >>> answer = answer_of([Step(Do.MESSAGE, 923), Step(Do.OUTPUT, 2)])
    >>> [str(record) for record in answer.records]  # doctest: +NORMALIZE_WHITESPACE
    ['STDERR of request 1, 936 bytes', 'STDOUT of request 1, 70 bytes',
     'END_REQUEST of request 1, 8 bytes']
    >>> [arrival.size for arrival in answer.arrivals]
    [1040]
    """
    out = _Output()
    head = settings.header
    logged = False
    for step in steps:
        if step.do is Do.MESSAGE:
            if logged and settings.writer is Writer.PHP_FPM:
                out.write(RecordType.STDERR, JOINED)
            logged = True
            out.write(RecordType.STDERR, message(step.length, settings))
            continue
        if step.do is Do.FLUSH:  # of itself it sends no header; newer versions do
            out.flush()
        elif step.length:
            out.write(RecordType.STDOUT, head)
            head = b""
            out.write(RecordType.STDOUT, b"x" * step.length)
    out.write(RecordType.STDOUT, head)
    return out.ended()


def message(length: int, settings: Settings) -> bytes:
    """What a message of so many bytes has become on STDERR.

    >>> [len(message(length, Settings())) for length in (1001, 1002, 1003)]
    [1014, 1015, 1015]
    """
    text = b"a" * length
    if settings.writer is Writer.RAW:
        return text
    if settings.writer is Writer.PHP_CGI:
        return text + b"\n"
    text = PREFIX + text
    room = settings.log_limit - settings.level - 1
    return text if len(text) <= room else text[:room][:-3] + b"..."


class _Output:
    """PHP's buffer, and what has been written of it."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._arrivals: list[Arrival] = []
        self._used = 0
        self._kind: RecordType | None = None
        self._content = bytearray()

    def write(self, kind: RecordType, data: bytes) -> None:
        """Into the buffer as far as it goes; a long one past it."""
        if not data:
            return
        if self._kind not in (kind, None):
            self._close()
        room = OUT_BUFFER - self._used - (0 if self._kind else HEADER_LENGTH)
        room = max(0, room)
        if len(data) < room:
            self._add(kind, data)
        elif len(data) - room < OUT_BUFFER - HEADER_LENGTH:
            if room:
                self._add(kind, data[:room])
            self.flush()
            if len(data) > room:
                self._add(kind, data[room:])
        else:
            self._past(kind, data)

    def _past(self, kind: RecordType, data: bytes) -> None:
        """The header of each record goes with what is in the buffer, its content in a write."""
        self._close()
        while len(data) > 0xFFFF:
            self._direct(kind, data[:LONGEST_RECORD])
            data = data[LONGEST_RECORD:]
        rest = len(data) % 8
        self._direct(kind, data[: len(data) - rest])
        if rest:
            self._add(kind, data[-rest:])

    def _direct(self, kind: RecordType, data: bytes) -> None:
        self._records.append(Record(kind, REQUEST_ID, len(data), 0, data))
        self._used += HEADER_LENGTH
        self._send()
        self._arrive(len(data))

    def _add(self, kind: RecordType, data: bytes) -> None:
        if self._kind is None:
            self._kind = kind
            self._used += HEADER_LENGTH
        self._content += data
        self._used += len(data)

    def _close(self) -> None:
        """Records are padded to multiples of 8 bytes."""
        if self._kind is None:
            return
        content = bytes(self._content)
        padding = -len(content) % 8
        self._records.append(Record(self._kind, REQUEST_ID, len(content), padding, content))
        self._used += padding
        self._kind = None
        self._content.clear()

    def flush(self) -> None:
        """Write what is in the buffer."""
        self._close()
        self._send()

    def _send(self) -> None:
        self._arrive(self._used)
        self._used = 0

    def _arrive(self, size: int) -> None:
        while size > 0:
            self._arrivals.append(Arrival(min(size, PIECE)))
            size -= PIECE

    def ended(self) -> Answer:
        """With END_REQUEST behind it all."""
        self._close()
        self._records.append(Record(RecordType.END_REQUEST, REQUEST_ID, 8, 0, bytes(8)))
        self._used += HEADER_LENGTH + 8
        self._send()
        return Answer(tuple(self._records), tuple(self._arrivals))
