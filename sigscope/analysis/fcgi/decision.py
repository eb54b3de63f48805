"""At which byte of a worker's answer nginx knows its status, if its buffer lasts.

After ``ngx_http_fastcgi_process_record`` and ``ngx_http_fastcgi_process_header`` of
src/http/modules/ngx_http_fastcgi_module.c. Where that byte stands does not depend on the sizes in
which the answer is read: a header line that reads or records split is joined again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sigscope.analysis.fcgi.header import HeaderEnd, read_header
from sigscope.model.fcgi import HEADER_LENGTH, Outcome, Reason, Record, RecordType

BAD_GATEWAY = 502
SINCE, BEFORE = "since nginx 1.23.0", "before nginx 1.23.0"
_VERSION, _TYPE, _ID_HIGH, _ID_LOW = 1, 2, 3, 4
"""How many bytes of a record's header have been read when nginx looks at them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The ``outcome`` once its bytes are read; None if nothing in the answer decides.

    ``emptied`` are the runs of bytes (first, last) after which, if a read ends there, nginx starts
    its buffer anew: within the content of STDERR, as long as no STDOUT has come. ``blind``: the
    content that would decide was not kept.
    """

    outcome: Outcome | None
    emptied: tuple[tuple[int, int], ...]
    blind: bool = False


@lru_cache(maxsize=4)
def decisions(records: tuple[Record, ...]) -> tuple[Decision, ...]:
    """Of each nginx that decides in its own way: one, or two since 1.23.0 refuses some headers."""
    strict, lax = _walk(records, True), _walk(records, False)
    if lax == strict:
        return (strict,)
    return _noted(strict, SINCE), _noted(lax, BEFORE)


def _noted(decision: Decision, note: str) -> Decision:
    outcome = decision.outcome
    return replace(decision, outcome=outcome and replace(outcome, note=note))


def _walk(records: Sequence[Record], strict: bool) -> Decision:
    emptied: list[tuple[int, int]] = []
    parts: list[bytes] = []
    starts: list[int] = []
    start = 0
    for record in records:
        if (wrong := _wrong(record)) is not None:
            count, reason = wrong
            return _ends(start + count, BAD_GATEWAY, reason, "", emptied)
        content = start + HEADER_LENGTH
        if record.kind == RecordType.STDERR:
            if record.length and not parts:
                emptied.append((content, content + record.length))
        else:
            parts.append(record.content)
            starts.append(content)
            end = read_header(tuple(parts), strict)
            if end is not None:
                at = _place(end, parts, starts)
                return _ends(at, end.status, end.reason, end.note, emptied)
            if len(record.content) < record.length:
                return Decision(None, tuple(emptied), blind=True)
        start += record.size
    return Decision(None, tuple(emptied))


def _wrong(record: Record) -> tuple[int, Reason] | None:
    """In the order of the bytes of the record's header."""
    if record.version != 1:
        return _VERSION, Reason.VERSION
    if record.kind not in (RecordType.STDOUT, RecordType.STDERR, RecordType.END_REQUEST):
        return _TYPE, Reason.RECORD_TYPE
    if record.request_id >> 8:
        return _ID_HIGH, Reason.REQUEST_ID
    if record.request_id != 1:
        return _ID_LOW, Reason.REQUEST_ID
    if record.kind == RecordType.END_REQUEST:
        return HEADER_LENGTH, Reason.UNEXPECTED_RECORD
    if record.kind == RecordType.STDOUT and not record.length:
        return HEADER_LENGTH, Reason.STDOUT_CLOSED
    return None


def _place(end: HeaderEnd, parts: list[bytes], starts: list[int]) -> int:
    """Where in the stream the last byte of the header has been read: it is in the last part."""
    return starts[-1] + end.count - sum(map(len, parts[:-1]))


def _ends(
    at: int, status: int, reason: Reason, note: str, emptied: list[tuple[int, int]]
) -> Decision:
    return Decision(Outcome(status, reason, at, note), tuple(emptied))
