"""``sigscope timers --watch``: a block that is drawn again and again, or a line for each timer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sigscope.model.alarm import Became, Change, Judged
from sigscope.model.catalog import Elsewhere
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.render.explain import ANSWERS
from sigscope.render.line import Line, Role, Span, escape
from sigscope.render.process import identity
from sigscope.render.timers import sends

_INDENT = "  "
_ADVANCING = {True: "advancing", False: "not advancing", None: "advancing or not: not known"}
_NONE = "no timer is set, and its CPU time is not limited"


def block(
    host: Host,
    process: Process,
    timers: Sequence[Judged],
    elsewhere: Sequence[tuple[Elsewhere, str]],
    width: int,
) -> Iterator[Line]:
    """Who it is, and each timer in as few lines as can be: none is longer than ``width``."""
    for line in identity(host, process, width):
        yield clipped(line, width)
    column = max((len(one.alarm.name) for one in timers), default=0) + 2
    for one in timers:
        name = Span(one.alarm.name.ljust(column), Role.STRONG)
        yield clipped(Line.of(_INDENT, name, sends(one)), width)
        if one.alarm.armed is not False:
            role = Role.WARNING if one.advancing is False else Role.PLAIN
            indent = _INDENT + " " * column
            yield clipped(
                Line.of(indent, Span(_ADVANCING[one.advancing], role), f": {one.because}"), width
            )
            if (fires := when_it_fires(one)) is not None:
                yield clipped(Line.of(indent, fires), width)
    if not timers:
        yield Line.of(_INDENT, _NONE)
    for limit, value in elsewhere:
        text = f", {value}" if value else ""
        yield clipped(
            Line.of(_INDENT, Span(limit.name, Role.STRONG), f"{text}: {limit.says}"), width
        )


def plain(host: Host, process: Process, timers: Sequence[Judged]) -> Iterator[Line]:
    """A line for each timer, with all that may change of it."""
    begin = f"{_clock(host.time)}  {_whom(process)}  "
    for one in timers:
        text = f"{begin}{one.alarm.name}: {sends(one)}"
        if one.alarm.armed is not False:
            text += f"; {_ADVANCING[one.advancing]}"
            fires = when_it_fires(one)
            text += f"; {fires}" if fires is not None else ""
        yield Line.of(text)
    if not timers:
        yield Line.of(f"{begin}{_NONE}")


def change_line(host: Host, process: Process, change: Change, timer: Judged) -> Line:
    """ "17:03:12  php-fpm8.2 4285  ITIMER_REAL fired: SIGALRM runs its handler"."""
    begin = f"{_clock(host.time)}  {_whom(process)}  {change.alarm.name} "
    if change.became is Became.FIRED:
        what = _became(timer)
        return Line.of(begin, Span("fired", Role.STRONG), f": {what}" if what else "")
    said = {
        Became.SET: "was set",
        Became.DISARMED: "was stopped, or set anew, before it fired",
    }
    return Line.of(begin, said[change.became])


def ended_line(host: Host, process: Process) -> Line:
    """A process that is followed is there no more."""
    return Line.of(f"{_clock(host.time)}  {_whom(process)}  ", Span("has ended", Role.STRONG))


def when_it_fires(one: Judged) -> str | None:
    """ "when it fires: SIGPROF runs its handler"; None where no signal is sent."""
    what = _became(one)
    return f"when it fires: {what}" if what else None


def _became(one: Judged) -> str:
    if one.arrives is None or one.alarm.signal is None:
        return ""
    return f"{one.alarm.signal.name} {ANSWERS[one.arrives.outcome][0]}"


def clipped(line: Line, width: int) -> Line:
    """The line cut to the width, so that a terminal does not break it.

    >>> str(clipped(Line.of("one", Span("two")), 4))
    'one…'
    """
    if len(str(line)) <= width:
        return line
    room, spans = width - 1, []
    for span in line.spans:
        spans.append(Span(escape(span.text)[:room], span.role))
        room -= len(spans[-1].text)
    return Line((*spans, Span("…")))


def fitted(lines: Sequence[Line], rows: int) -> list[Line]:
    """No more than a terminal has rows: what is above them could not be drawn over.

    >>> [str(line) for line in fitted([Line.of("one"), Line.of("two"), Line.of("three")], 2)]
    ['one', '(2 more lines)']
    """
    if len(lines) <= rows:
        return list(lines)
    kept = max(0, rows - 1)
    return [*lines[:kept], Line.of(f"({len(lines) - kept} more lines)")]


def _whom(process: Process) -> str:
    return f"{escape(process.comm)} {process.pid}"


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%H:%M:%S")
