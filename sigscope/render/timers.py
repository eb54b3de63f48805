"""The screen of ``sigscope timers``: what each timer sends, when, and whether it will come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.alarm import SECOND, Judged, Kind
from sigscope.model.catalog import Elsewhere
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.render.duration import duration
from sigscope.render.explain import ANSWERS
from sigscope.render.line import BLANK, Line, Role, Span, wrapped
from sigscope.render.process import identity

_INDENT = "  "
_COLUMN = len("documented") + 2
PTRACE = "ptrace"
_LONG = 100
"""Seconds from which on fractions do not matter."""


def timers_screen(
    host: Host,
    process: Process,
    timers: Sequence[Judged],
    elsewhere: Sequence[tuple[Elsewhere, str]],
    width: int,
) -> Iterator[Line]:
    """Who it is, then a block for each timer; ``elsewhere`` are limits with their values."""
    yield from identity(host, process, width)
    yield BLANK
    for number, one in enumerate(timers):
        if number:
            yield BLANK
        yield from timer_block(one, width)
    if not timers:
        yield Line.of("no timer is set, and its CPU time is not limited")
    for limit, value in elsewhere:
        yield BLANK
        yield Line.of(Span(limit.name, Role.STRONG), f", {value}" if value else "")
        yield from _titled("kept by", f"{limit.says} [{limit.source}]", width)
    yield BLANK
    yield from wrapped(_source(process), width, "", Role.FAINT)


def timer_block(one: Judged, width: int) -> Iterator[Line]:
    """Its name, and below it what it sends, whether it goes on, and what becomes of the signal."""
    alarm = one.alarm
    yield Line.of(Span(alarm.name, Role.STRONG), f" on {alarm.clock}")
    yield from _titled("sends", sends(one), width)
    if alarm.armed is not False:
        answer = {True: "yes", False: "no", None: "not known"}[one.advancing]
        role = Role.WARNING if one.advancing is False else Role.PLAIN
        yield from _titled("advancing", f"{answer}: {one.because}", width, role)
    if one.arrives is not None:
        arrives, role = _arrival(one)
        yield from _titled("arrives", arrives, width, role)
    for remark in one.remarks:
        yield from _titled("note", remark, width)
    for said in one.documented:
        text = f"{said.program} {said.role}: {said.does}"
        yield from _titled("documented", f"{text} [{said.source}]", width)


def sends(one: Judged) -> str:
    """ "SIGPROF to the process, in 3.004 s of CPU time"."""
    alarm = one.alarm
    if alarm.signal is not None:
        whom = "the process" if alarm.tid is None else f"thread {alarm.tid}"
        what = f"{alarm.signal.name} to {whom}"
    elif alarm.kind is Kind.TIMERFD:
        what = f"no signal: descriptor {alarm.number} becomes readable"
    else:
        what = "nothing (SIGEV_NONE)"
    if alarm.armed is False:
        return f"{what}; not armed"
    unit = " of CPU time" if alarm.counts.cpu_time else ""
    if alarm.remaining is None:
        return f"{what}; when is not known"
    when = f"in {seconds(alarm.remaining)}{unit}" if alarm.remaining else "now"
    again = f", then every {period(alarm.interval)}{unit}" if alarm.interval else ""
    return f"{what}, {when}{again}"


def seconds(nanoseconds: int) -> str:
    """
    >>> [seconds(n) for n in (3_004_000_000, 250_000, 7_200_000_000_000)]
    ['3.004 s', '0.25 ms', '2h']
    """
    if nanoseconds >= _LONG * SECOND:
        return duration(nanoseconds / SECOND)
    if nanoseconds < SECOND // 1000:
        return f"{nanoseconds / 1e6:g} ms"
    return f"{nanoseconds / SECOND:.3f} s"


def period(nanoseconds: int) -> str:
    """
    >>> [period(n) for n in (1_000_000_000, 2_500_000)]
    ['1 s', '2.5 ms']
    """
    if nanoseconds < SECOND:
        return f"{nanoseconds / 1e6:g} ms"
    return f"{nanoseconds / SECOND:g} s"


def _arrival(one: Judged) -> tuple[str, Role]:
    assert one.arrives is not None
    verdict = one.arrives
    answer, _ = ANSWERS[verdict.outcome]
    word = "yes" if verdict.acts else "no"
    if not verdict.acts and any(outcome.value == "unknown" for outcome in verdict.outcomes):
        word = "not known"
    last = verdict.steps[-1] if verdict.steps else None
    because = f" ({last.because})" if last is not None and not verdict.acts else ""
    return f"{word}: {answer}{because}", Role.PLAIN if verdict.acts else Role.WARNING


def _source(process: Process) -> str:
    depth = process.depth
    if depth is None:
        return "read from /proc alone; nothing was asked of the process"
    if depth.engine == PTRACE:
        return (
            "it was paused, and asked by calls of its own (ptrace): that costs it some"
            " microseconds of CPU time, which ITIMER_PROF, ITIMER_VIRTUAL and RLIMIT_CPU count"
        )
    return (
        f"read from the kernel's structures ({depth.engine}) and /proc: the process used no CPU"
        " time for it, and no timer was moved"
    )


def _titled(title: str, text: str, width: int, role: Role = Role.PLAIN) -> Iterator[Line]:
    first, *rest = wrapped(text, width, _INDENT + " " * _COLUMN, role)
    yield Line.of(_INDENT, Span(title.ljust(_COLUMN), Role.FAINT), Span(str(first).strip(), role))
    yield from rest
