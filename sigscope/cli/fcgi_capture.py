"""``sigscope fcgi --from-pcap``: the requests of a capture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.analysis.fcgi.cause import NO_CLUES
from sigscope.cli.fcgi_report import Report
from sigscope.cli.output import remark
from sigscope.decode.dialogues import Dialogues
from sigscope.errors import UsageError
from sigscope.kernel.capture import Capture

MOST_FOREIGN = 5


def from_capture(
    path: str,
    buffers: Sequence[int],
    port: int | None,
    as_json: bool,
    history: str | None = None,
) -> int:
    """Print each request of the capture; the exit status."""
    report, talks, past = Report(buffers, as_json), Dialogues(port), None
    if history is not None:
        from sigscope.cli.fcgi_history import Past

        past = Past(history, live=False)
    with Capture(path) as capture:
        for segment in capture.segments():
            for exchange in talks.take(segment):
                report.tell(exchange, past.of_connection(exchange) if past else NO_CLUES)
        for exchange in talks.end():
            report.tell(exchange, past.of_connection(exchange) if past else NO_CLUES)
    for text in _remarks(capture, talks):
        remark(text)
    if not talks.connections:
        what = next(iter(talks.foreign), "") or "no TCP connection was captured from its start"
        raise UsageError(
            f"there is no FastCGI in {path}: {what}",
            "record the port of the worker: tcpdump -i any -s 0 -w FILE port 9000",
        )
    remark(report.summary())
    return report.status


def _remarks(capture: Capture, talks: Dialogues) -> Iterator[str]:
    yield from capture.remarks
    if capture.others:
        yield f"{capture.others} packets are no TCP, or parts of one, and were passed over"
    if talks.lost:
        yield f"{talks.lost} bytes are missing in the capture: what they belong to is not judged"
    if talks.dropped:
        yield f"{talks.dropped} connections were given up: too many at once"
    for what, count in talks.foreign.most_common(MOST_FOREIGN):
        yield f"{count} connections to {what}" if count > 1 else f"a connection to {what}"
