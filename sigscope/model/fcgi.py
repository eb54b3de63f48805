"""What passes between a front end and a FastCGI worker, and what the front end makes of it."""

from __future__ import annotations

from enum import Enum, IntEnum

from sigscope.model.value import dataclass

HEADER_LENGTH = 8
"""Bytes before the content of each record (FastCGI specification 1.0, section 3.3)."""
LONGEST_CONTENT = 0xFFFF
"""The length of the content has two bytes."""


class RecordType(IntEnum):
    """FastCGI specification 1.0, section 8."""

    BEGIN_REQUEST = 1
    ABORT_REQUEST = 2
    END_REQUEST = 3
    PARAMS = 4
    STDIN = 5
    STDOUT = 6
    STDERR = 7
    DATA = 8
    GET_VALUES = 9
    GET_VALUES_RESULT = 10
    UNKNOWN_TYPE = 11


@dataclass(frozen=True, slots=True)
class Record:
    """One record: ``length`` and ``padding`` in bytes, as its header has them.

    ``content`` is as much of it as was kept: all of it, the beginning, or nothing.

    >>> str(Record(7, 1, 936, 0))
    'STDERR of request 1, 936 bytes'
    """

    kind: int
    request_id: int
    length: int
    padding: int = 0
    content: bytes = b""
    version: int = 1

    @property
    def size(self) -> int:
        """Bytes on the wire: header, content and padding."""
        return HEADER_LENGTH + self.length + self.padding

    @property
    def name(self) -> str:
        """The specification's word for the type, or its number."""
        try:
            return RecordType(self.kind).name
        except ValueError:
            return f"type {self.kind}"

    def __str__(self) -> str:
        return f"{self.name} of request {self.request_id}, {self.length} bytes"


@dataclass(frozen=True, slots=True)
class Arrival:
    """``size`` bytes that become readable at once: a write, or a segment of it.

    ``settled``: what came before had time to be read; else the reader may see them together.
    """

    size: int
    settled: bool = False


class End(Enum):
    """How the worker's side of the connection ended after its last byte."""

    OPEN = "open"
    CLOSED = "closed"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker sent for one request, and in which pieces it arrived."""

    records: tuple[Record, ...]
    arrivals: tuple[Arrival, ...]
    end: End = End.CLOSED

    @property
    def size(self) -> int:
        """Bytes that arrived; less than the records have if the last one is cut off."""
        return sum(arrival.size for arrival in self.arrivals)


class Reason(Enum):
    """Why the front end answered as it did; the value is the message in nginx's error log."""

    HEADER_COMPLETE = ""
    TOO_BIG_HEADER = "upstream sent too big header"
    INVALID_HEADER = "upstream sent invalid header"
    INVALID_STATUS = "upstream sent invalid status"
    INVALID_LENGTH = "upstream sent invalid or duplicate Content-Length"
    INVALID_ENCODING = "upstream sent unknown or duplicate Transfer-Encoding"
    VERSION = "upstream sent unsupported FastCGI protocol version"
    RECORD_TYPE = "upstream sent invalid FastCGI record type"
    REQUEST_ID = "upstream sent unexpected FastCGI request id"
    UNEXPECTED_RECORD = "upstream sent unexpected FastCGI record"
    STDOUT_CLOSED = "upstream prematurely closed FastCGI stdout"
    CONNECTION_CLOSED = "upstream prematurely closed connection"
    CONNECTION_RESET = "recv() failed (104: Connection reset by peer)"
    NO_HEADER_YET = "upstream timed out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that the front end may do: HTTP ``status``, and where in the stream it knew.

    ``at`` counts the bytes of the worker's answer that were read by then; ``note`` says what the
    status depends on besides.
    """

    status: int
    reason: Reason
    at: int
    note: str = ""

    @property
    def failed(self) -> bool:
        """The front end made this status up; the worker did not send it."""
        return self.reason is not Reason.HEADER_COMPLETE


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Every outcome that a buffer of ``buffer`` bytes can have; several if it is a race."""

    buffer: int
    outcomes: tuple[Outcome, ...]

    @property
    def race(self) -> bool:
        """Whether two reads or one meet the same bytes decides the status."""
        return len({outcome.status for outcome in self.outcomes}) > 1

    @property
    def failed(self) -> bool:
        """At least one of the outcomes is an error of the front end's own making."""
        return any(outcome.failed for outcome in self.outcomes)

    @property
    def says(self) -> str:
        """``200``, or ``200 or 502``; ``unknown`` where too many orders were possible."""
        statuses = sorted({outcome.status for outcome in self.outcomes})
        return " or ".join(map(str, statuses)) or "unknown"


@dataclass(frozen=True, slots=True)
class Interval:
    """A run of lengths, both ends included, with the same answer."""

    first: int
    last: int
    says: str


class Ending(Enum):
    """How a request ended, as seen on the connection."""

    COMPLETE = "END_REQUEST"
    ABORTED = "aborted by the front end"
    CLOSED = "closed by the worker"
    RESET = "reset by the worker"
    LOST = "not all of it was captured"
    OPEN = "not ended yet"


class Cause(Enum):
    """Why a request failed."""

    KILLED = "killed by a signal"
    LIMIT = "cut off by a limit"
    WAITING = "still waiting"
    LOST = "answered in full, and lost by the front end"
    UNKNOWN = "not told by what was seen"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. Times in seconds (``started``: since the epoch), sizes in bytes.

    ``header`` and ``messages`` are the beginning of what was sent, values that look like secrets
    masked. ``answer`` has what a front end needs to know its status, and no body; None where
    requests were mixed on one connection, or something is missing.
    """

    connection: str
    request_id: int
    method: str
    uri: str
    script: str
    params: tuple[tuple[str, str], ...]
    started: float
    seconds: float | None
    stdin_bytes: int
    stderr_bytes: int
    stdout_bytes: int
    header: tuple[str, ...] | None
    messages: tuple[str, ...]
    ending: Ending
    app_status: int | None
    answer: Answer | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why an exchange failed; ``retry``: is doing it again safe (None: unknown)?"""

    cause: Cause
    evidence: tuple[str, ...]
    retry: bool | None
    advice: str


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of the worker besides its connection: who ended it, or what it waits for."""

    signal: str = ""
    sender: str = ""
    limit: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FastcgiPass:
    """A location of nginx that passes requests on to ``address``: a path, or ``host:port``.

    ``buffer`` is its fastcgi_buffer_size in bytes, ``where`` that is set (or ``default``).
    """

    location: str
    address: str
    buffer: int
    where: str
    cached: bool = False


@dataclass(frozen=True, slots=True)
class PoolLimit:
    """request_terminate_timeout of a pool of php-fpm, in seconds, and where it is set."""

    pool: str
    seconds: float
    where: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that takes FastCGI requests: its name, whom it obeys and where it listens."""

    pid: int
    comm: str
    master: int | None
    listens: tuple[str, ...]
    limit: PoolLimit | None = None
