"""The screens of ``sigscope fcgi``: what a front end makes of an answer, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.fcgi import Answer, FrontEnd, Interval, Outcome, Reason
from sigscope.render.line import BLANK, Line, Role, Span, wrapped

_MOST_RECORDS = 12
LOST = (
    "The worker has done its work and answered in full: no signal is to blame, no limit,"
    " and doing the request again does the work again."
)


def size_text(size: int) -> str:
    """Bytes as nginx writes them: ``4k``.

    >>> size_text(4096), size_text(1500)
    ('4k', '1500')
    """
    return f"{size >> 10}k" if size and not size & 1023 else str(size)


def answer_lines(answer: Answer) -> Iterator[Line]:
    """Records with their place in the stream, and the pieces in which they arrive."""
    yield Line.of(Span("what the worker sends", Role.STRONG))
    place = 0
    for record in answer.records[:_MOST_RECORDS]:
        where = f"{place:>8}  "
        padding = f" + {record.padding} of padding" if record.padding else ""
        yield Line.of(where, f"{record.name:<12}{record.length} bytes{padding}")
        place += record.size
    if (more := len(answer.records) - _MOST_RECORDS) > 0:
        yield Line.of(f"          ... {more} records more")
    sizes = [str(one.size) for one in answer.arrivals[:_MOST_RECORDS]]
    dots = " ..." if len(answer.arrivals) > _MOST_RECORDS else ""
    pieces = "one piece" if len(answer.arrivals) == 1 else f"{len(answer.arrivals)} pieces"
    yield Line.of("          ", f"in {pieces}: {' + '.join(sizes)}{dots} bytes")


def front_end_lines(front: FrontEnd, width: int) -> Iterator[Line]:
    """The verdict for one size, and its reasons."""
    role = Role.ERROR if front.failed else Role.STRONG
    says = front.says if front.outcomes else "not assessed"
    head = f"fastcgi_buffer_size {size_text(front.buffer)}: "
    yield Line.of(Span(head + says, role))
    if not front.outcomes:
        yield from wrapped(
            "the answer, or the orders in which it may arrive, are too many", width, "  "
        )
    for outcome in front.outcomes:
        start = f"{outcome.status}: " if len(front.outcomes) > 1 else ""
        yield from wrapped(start + because(outcome, front.buffer), width, "  ")
    if front.race and not any(one.note for one in front.outcomes):
        text = "which of them depends on whether nginx reads between two writes of the worker"
        yield from wrapped(text, width, "  ")


def because(outcome: Outcome, buffer: int) -> str:
    """Why nginx answers so, in a sentence."""
    if outcome.reason is Reason.HEADER_COMPLETE:
        text = f"the header is whole after {outcome.at} bytes, in time"
    elif outcome.reason is Reason.TOO_BIG_HEADER:
        text = (
            f'"{outcome.reason.value}": after {outcome.at} bytes the buffer of {buffer} is full,'
            " and the end of the header has not come. The message on STDERR shares that buffer"
        )
    else:
        text = f'"{outcome.reason.value}", after {outcome.at} bytes'
    return f"{text} ({outcome.note})" if outcome.note else text


def sizes_lines(fronts: Sequence[FrontEnd], enough: int | None, width: int) -> Iterator[Line]:
    """For which sizes not, and the size that is enough in any case."""
    good = [size_text(one.buffer) for one in fronts if one.outcomes and not one.failed]
    bad = [size_text(one.buffer) for one in fronts if one.failed]
    if bad:
        yield from wrapped(
            f"an error with {', '.join(bad)}; none with {', '.join(good)}", width, ""
        )
    if enough is not None:
        up = size_text(-(-enough // 1024) * 1024)
        text = f"never an error of this kind from {enough} bytes on ({up})"
        yield from wrapped(text, width, "")


def sweep_lines(intervals: Sequence[Interval], buffer: int, what: str) -> Iterator[Line]:
    """One line an interval."""
    yield Line.of(Span(f"fastcgi_buffer_size {size_text(buffer)}, {what}", Role.STRONG))
    wide = max((len(str(one.last)) for one in intervals), default=1)
    for one in intervals:
        role = Role.PLAIN if one.says == "200" else Role.ERROR
        run = f"{one.first:>{wide}} - {one.last:>{wide}}"
        count = one.last - one.first + 1
        yield Line.of(
            "  ", run, "  ", Span(one.says, role), f"  ({count} lengths)" if count > 1 else ""
        )


def lost_lines(width: int) -> Iterator[Line]:
    """What such a 502 means."""
    yield BLANK
    yield from wrapped(LOST, width, "")


def front_end_json(front: FrontEnd) -> dict[str, object]:
    """One size and every outcome; ``status`` is null where there are several."""
    statuses = {one.status for one in front.outcomes}
    return {
        "buffer": front.buffer,
        "status": statuses.pop() if len(statuses) == 1 else None,
        "says": front.says,
        "outcomes": [
            {
                "status": one.status,
                "reason": one.reason.value or None,
                "failed": one.failed,
                "at": one.at,
                "note": one.note or None,
            }
            for one in front.outcomes
        ],
    }


def answer_json(answer: Answer) -> dict[str, object]:
    """Records without their contents, and arrivals."""
    return {
        "records": [
            {
                "type": one.name,
                "request_id": one.request_id,
                "length": one.length,
                "padding": one.padding,
            }
            for one in answer.records
        ],
        "arrivals": [one.size for one in answer.arrivals],
    }


def interval_json(one: Interval) -> dict[str, object]:
    """Both ends included."""
    return {"first": one.first, "last": one.last, "says": one.says}
