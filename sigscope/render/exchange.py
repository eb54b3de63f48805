"""A FastCGI request on the screen and as a JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from sigscope.model.fcgi import Ending, Exchange, FrontEnd, Judgement
from sigscope.render.fcgi import because, front_end_json, size_text
from sigscope.render.line import Line, Role, Span, wrapped

_MOST_MESSAGES = 3
_LONGEST = 60
_INDENT = "    "
RETRY = {True: "yes, by HTTP's rules", False: "no", None: "not told"}


def exchange_lines(
    exchange: Exchange, fronts: Sequence[FrontEnd], judgement: Judgement | None, width: int
) -> Iterator[Line]:
    """One line; under it what is remarkable, and why it failed."""
    bad = judgement is not None
    clock = datetime.fromtimestamp(exchange.started).strftime("%H:%M:%S.%f")[:-3]
    front = fronts[0] if fronts else None
    says = front.says if front is not None else "-"
    took = "" if exchange.seconds is None else f"{exchange.seconds:.3f} s"
    what = f"{exchange.method or '?'} {exchange.uri or '?'}"
    yield Line.of(f"{clock}  ", Span(says, Role.ERROR if bad else Role.STRONG), f"  {what}  {took}")
    sent = f"{exchange.stderr_bytes} bytes of STDERR, {exchange.stdout_bytes} of STDOUT"
    status = "" if exchange.app_status in (0, None) else f", exit status {exchange.app_status}"
    yield from wrapped(
        f"{exchange.script or 'script unknown'}: {sent}, {exchange.ending.value}{status}",
        width,
        _INDENT,
        Role.FAINT,
    )
    for message in exchange.messages[:_MOST_MESSAGES]:
        yield from wrapped(f"PHP: {_cut(message)}", width, _INDENT)
    if (more := len(exchange.messages) - _MOST_MESSAGES) > 0:
        yield Line.of(_INDENT, f"PHP: and {more} messages more")
    for remark in exchange.remarks:
        yield from wrapped(remark, width, _INDENT)
    if judgement is not None:
        yield from _judgement(judgement, fronts, width)


def _judgement(judgement: Judgement, fronts: Sequence[FrontEnd], width: int) -> Iterator[Line]:
    yield Line.of(_INDENT, Span(judgement.cause.value, Role.ERROR))
    for front in fronts:
        for outcome in front.outcomes:
            text = f"with {size_text(front.buffer)} {outcome.status}: "
            yield from wrapped(text + because(outcome, front.buffer), width, _INDENT + "  ")
    for one in judgement.evidence:
        yield from wrapped(one, width, _INDENT + "  ")
    yield from wrapped(f"remedy: {judgement.advice}", width, _INDENT + "  ", Role.COMMAND)
    yield from wrapped(f"safe to do again: {RETRY[judgement.retry]}", width, _INDENT + "  ")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def exchange_json(
    exchange: Exchange,
    fronts: Sequence[FrontEnd],
    enough: int | None,
    judgement: Judgement | None,
) -> dict[str, object]:
    """One object; ``started`` is ISO 8601 in UTC."""
    started = datetime.fromtimestamp(exchange.started, timezone.utc)
    return {
        "connection": exchange.connection,
        "request_id": exchange.request_id,
        "method": exchange.method or None,
        "uri": exchange.uri or None,
        "script": exchange.script or None,
        "params": dict(exchange.params),
        "started": started.isoformat(timespec="microseconds"),
        "seconds": exchange.seconds,
        "stdin_bytes": exchange.stdin_bytes,
        "stderr_bytes": exchange.stderr_bytes,
        "stdout_bytes": exchange.stdout_bytes,
        "header": None if exchange.header is None else list(exchange.header),
        "messages": list(exchange.messages),
        "ended": exchange.ending.value,
        "complete": exchange.ending is Ending.COMPLETE,
        "app_status": exchange.app_status,
        "front_ends": [front_end_json(one) for one in fronts],
        "enough": enough,
        "cause": None if judgement is None else judgement_json(judgement),
        "remarks": list(exchange.remarks),
    }


def judgement_json(judgement: Judgement) -> dict[str, object]:
    """The cause of a failure; ``retry`` is null where nobody can tell."""
    return {
        "kind": judgement.cause.name.lower(),
        "says": judgement.cause.value,
        "evidence": list(judgement.evidence),
        "retry": judgement.retry,
        "advice": judgement.advice,
    }
