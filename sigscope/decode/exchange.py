"""The bytes of one FastCGI connection, both directions, as requests with their answers.

Bodies are counted and not kept; of headers, messages and parameters the beginning is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sigscope.decode.fastcgi import BadRecord, Decoder, decode_params
from sigscope.decode.secrets import MASK, masked, secret
from sigscope.model.fcgi import (
    Answer,
    Arrival,
    End,
    Ending,
    Exchange,
    Record,
    RecordType,
)

SETTLED = 0.2
"""Seconds after which the front end is taken to have read what came before (a guess)."""
LONGEST_HEADER = 1 << 16
LONGEST_PARAMS = 1 << 16
LONGEST_MESSAGES = 1 << 14
MOST_RECORDS = 4096
MOST_OPEN = 1024
"""Requests at the same time on one connection."""
_HEADER_END = re.compile(rb"\n\r?\n|\A\r?\n")
_TEXT = ("utf-8", "backslashreplace")
_PROTOCOL_STATUS = ("", "cannot multiplex", "overloaded", "unknown role")


@dataclass(slots=True)
class _Open:
    """A request that has begun and not ended."""

    request_id: int
    started: float
    params: bytearray = field(default_factory=bytearray)
    params_size: int = 0
    stdin: int = 0
    stderr: int = 0
    stdout: int = 0
    head: bytearray = field(default_factory=bytearray)
    messages: bytearray = field(default_factory=bytearray)
    records: list[Record] = field(default_factory=list)
    decided: bool = False
    mixed: bool = False
    aborted: bool = False
    bounded: bool = False


class Conversation:
    """A connection: what the front end sent, what the worker sent, and when.

    >>> from sigscope.decode.fastcgi import encode
    >>> talk = Conversation("one")
    >>> talk.asked(encode(Record(1, 1, 8, 0, bytes((0, 1, 0, 0, 0, 0, 0, 0)))), 1.0)
    >>> (one,) = talk.answered(encode(Record(3, 1, 8, 0, bytes(8))), 3.5)
    >>> one.ending.value, one.seconds
    ('END_REQUEST', 2.5)
    """

    def __init__(self, name: str, seen_from_start: bool = True) -> None:
        self._name = name
        self._in = Decoder()
        self._out = Decoder()
        self._open: dict[int, _Open] = {}
        self._arrivals: list[Arrival] = []
        self._last = 0.0
        self._whole = seen_from_start
        self.foreign: str | None = None
        """What it is instead, once it is known to be no FastCGI."""

    @property
    def waiting(self) -> int:
        """Requests that have begun and not ended."""
        return len(self._open)

    def asked(self, data: bytes, when: float, unknown: int = 0) -> None:
        """Bytes from the front end, at this time, and so many more that nobody has seen."""
        if self.foreign is not None:
            return
        try:
            for record in self._in.feed(data) + (self._in.skip(unknown) if unknown else []):
                self._request(record, when)
        except BadRecord as error:
            self._not_ours(error)

    def answered(self, data: bytes, when: float, unknown: int = 0) -> list[Exchange]:
        """Bytes from the worker, that were sent at once at this time; the requests that ended.

        Behind them came ``unknown`` more that nobody has seen.
        """
        if self.foreign is not None:
            return []
        if (data or unknown) and self._undecided():
            settled = bool(self._arrivals) and when - self._last >= SETTLED
            self._arrivals.append(Arrival(len(data) + unknown, settled))
        self._last = when
        ended = []
        try:
            for record in self._out.feed(data) + (self._out.skip(unknown) if unknown else []):
                if (one := self._answer(record, when)) is not None:
                    ended.append(one)
        except BadRecord as error:
            ended += self._cut(Ending.CLOSED, when, error.detail)
            self._not_ours(error)
        return ended

    def ended(self, ending: Ending, when: float | None, remark: str = "") -> list[Exchange]:
        """The connection is over, or no more of it will be seen: the requests still open."""
        return self._cut(ending, when, remark)

    def _not_ours(self, error: BadRecord) -> None:
        self.foreign = error.detail if error.offset == 0 else str(error)

    def _undecided(self) -> bool:
        return any(not one.decided for one in self._open.values())

    def _request(self, record: Record, when: float) -> None:
        number = record.request_id
        if record.kind == RecordType.BEGIN_REQUEST:
            if len(self._open) < MOST_OPEN:
                self._open[number] = _Open(number, when)
            if len(self._open) > 1:
                for other in self._open.values():
                    other.mixed = True
            else:
                self._arrivals.clear()
            return
        one = self._open.get(number)
        if one is None:
            return
        if record.kind == RecordType.PARAMS:
            one.params_size += record.length
            one.params += record.content[: LONGEST_PARAMS - len(one.params)]
        elif record.kind == RecordType.STDIN:
            one.stdin += record.length
        elif record.kind == RecordType.ABORT_REQUEST:
            one.aborted = True

    def _answer(self, record: Record, when: float) -> Exchange | None:
        one = self._open.get(record.request_id)
        if one is None:
            return None
        self._keep(one, record)
        if record.kind == RecordType.STDERR:
            one.stderr += record.length
            one.messages += record.content[: LONGEST_MESSAGES - len(one.messages)]
        elif record.kind == RecordType.STDOUT:
            one.stdout += record.length
            if not one.decided:
                one.head += record.content[: LONGEST_HEADER - len(one.head)]
                one.decided = _HEADER_END.search(one.head) is not None
        elif record.kind == RecordType.END_REQUEST:
            del self._open[record.request_id]
            return self._exchange(one, Ending.COMPLETE, when, record)
        return None

    @staticmethod
    def _keep(one: _Open, record: Record) -> None:
        """What the front end needs: STDOUT up to the end of the header, the rest as sizes."""
        if one.decided or one.bounded:
            return
        if len(one.records) >= MOST_RECORDS or len(one.head) >= LONGEST_HEADER:
            one.bounded = True
            return
        content = record.content if record.kind == RecordType.STDOUT else b""
        one.records.append(
            Record(record.kind, record.request_id, record.length, record.padding, content)
        )

    def _cut(self, ending: Ending, when: float | None, remark: str) -> list[Exchange]:
        partial, missing = self._out.partial, self._out.missing
        found = []
        for one in self._open.values():
            remarks = [remark] if remark else []
            if partial is not None and partial.request_id == one.request_id:
                remarks.append(f"{partial}, is cut off: {missing} bytes are missing")
                self._keep(one, partial)
            how = Ending.ABORTED if one.aborted else ending
            found.append(self._exchange(one, how, when, None, remarks))
        self._open.clear()
        return found

    def _exchange(
        self,
        one: _Open,
        ending: Ending,
        when: float | None,
        end: Record | None,
        remarks: list[str] | None = None,
    ) -> Exchange:
        remarks = remarks or []
        params = self._params(one, remarks)
        if one.mixed:
            remarks.append("several requests at once on this connection: nginx never does that")
        if not self._whole:
            remarks.append("its connection was open before it was watched")
        status = None
        if end is not None and len(end.content) >= 5:
            status = int.from_bytes(end.content[:4], "big")
            if 0 < end.content[4] < len(_PROTOCOL_STATUS):
                remarks.append(f"the worker refused it: {_PROTOCOL_STATUS[end.content[4]]}")
        method = params.get("REQUEST_METHOD", "")
        uri = params.get("REQUEST_URI", params.get("SCRIPT_NAME", ""))
        shown = tuple(
            (name, MASK if secret(name) else masked(value)) for name, value in params.items()
        )
        return Exchange(
            self._name,
            one.request_id,
            method,
            masked(uri),
            masked(params.get("SCRIPT_FILENAME", "")),
            shown,
            one.started,
            None if when is None else max(0.0, when - one.started),
            one.stdin,
            one.stderr,
            one.stdout,
            _header(bytes(one.head)),
            _messages(bytes(one.messages)),
            ending,
            status,
            self._seen(one, ending),
            tuple(remarks),
        )

    @staticmethod
    def _params(one: _Open, remarks: list[str]) -> dict[str, str]:
        try:
            pairs = decode_params(bytes(one.params))
        except BadRecord as error:
            whole = one.params_size == len(one.params)
            remarks.append(f"PARAMS: {error.detail}" if whole else "PARAMS are too long to keep")
            return {}
        return {name.decode(*_TEXT): value.decode(*_TEXT) for name, value in pairs}

    def _seen(self, one: _Open, ending: Ending) -> Answer | None:
        if one.mixed or one.bounded or ending is Ending.LOST:
            return None
        ends = {Ending.RESET: End.RESET, Ending.OPEN: End.OPEN, Ending.ABORTED: End.OPEN}
        end = ends.get(ending, End.CLOSED)
        return Answer(tuple(one.records), tuple(self._arrivals), end)


def _header(head: bytes) -> tuple[str, ...] | None:
    """The lines of a header that is whole; None else."""
    found = _HEADER_END.search(head)
    if found is None:
        return None
    lines = head[: found.start()].decode(*_TEXT).splitlines()
    return tuple(_line(line) for line in lines)


def _line(line: str) -> str:
    name, colon, value = line.partition(":")
    return f"{name}: {MASK}" if colon and secret(name) else masked(f"{name}{colon}{value}")


def _messages(text: bytes) -> tuple[str, ...]:
    """What PHP logged, one by one: php-fpm joins messages with "; ", php-cgi with newlines.

    >>> _messages(b"PHP message: one; PHP message: two")
    ('one', 'two')
    """
    parts = re.split(r"(?:\A|; |\n)PHP message: |\n", text.decode(*_TEXT))
    return tuple(masked(part) for part in parts if part)
