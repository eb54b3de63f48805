"""``sigscope timers``: what will signal it by itself, and will that arrive?"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator

import click

from sigscope.cli.attach import opened, worst
from sigscope.cli.options import (
    attach_options,
    engine_option,
    json_option,
    source_options,
    target_arguments,
)
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.target import resolve_all
from sigscope.cli.timers_look import Answer, gaps_of, judged, look, status_of
from sigscope.errors import NoSuchTarget, UsageError
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.subject import TIMING
from sigscope.render.line import BLANK, Line

_INTERVAL = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s|m)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}
_LEAST, _MOST = 0.01, 3600.0


@click.command(short_help="What will signal it by itself, and will that arrive?")
@target_arguments(required=True)
@click.option(
    "-i",
    "--interval",
    metavar="TIME",
    default=None,
    help="Look twice, so far apart (2s, 500ms), and measure whether timers advance.",
)
@click.option(
    "-w",
    "--watch",
    "watched",
    is_flag=True,
    help="Follow them, look after look (1s apart, or --interval), until ^C.",
)
@click.option(
    "--for",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="With --watch: end after that time.",
)
@json_option
@engine_option
@attach_options
@source_options
def timers(
    targets: tuple[str, ...],
    interval: str | None,
    watched: bool,
    seconds: float | None,
    as_json: bool,
    engine: str,
    attach: bool,
    force: bool,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What will signal it by itself, and will that arrive? (--attach pauses TARGET)

    Interval timers and alarm, POSIX timers, timerfds and the limit of CPU time: what each
    sends and when, whether it is advancing, and what would become of its signal. TARGET is not
    stopped and asked nothing: reading moves no timer. With --attach it is paused and asked
    itself, which costs it a little CPU time.

    \b
    sigscope timers 4285
    sigscope timers --interval 2s php-fpm
    sigscope timers --watch 4285
    """
    pause = None if interval is None else _seconds(interval)
    start = opened(attach, engine, force, procfs, snapshot)
    source = start.source
    if (pause is not None or watched) and source.recorded:
        option = "--watch" if watched else "--interval"
        raise UsageError(f"--from and {option} exclude each other", "a snapshot is one look")
    if start.attach and watched:
        said = "--attach and --watch exclude each other: each look would pause the process"
        raise UsageError(said, "two looks are enough: --attach --interval 2s")
    if seconds is not None and not watched:
        raise UsageError("--for is for --watch", "sigscope timers --watch --for 60 TARGET")
    found, status = resolve_all(source, targets)
    if not found:
        return status
    if watched:
        from sigscope.cli.timers_watch import USUAL, watch

        return max(status, watch(source, found, pause or USUAL, seconds, as_json))
    attaching = start.attaching(found, TIMING)
    before = None
    if pause is not None:
        _, before = look(source, found, attaching)
        time.sleep(pause)
    host, seen = look(source, found, attaching)
    answers = judged(source, host, seen, before)
    if not answers:
        raise NoSuchTarget("all of them have ended meanwhile", "sigscope tree lists who runs")
    gaps = [*host.gaps, *(gap for one in answers for gap in gaps_of(one))]
    if as_json:
        _put_document(host, answers, gaps)
    else:
        from sigscope.render.gaps import gap_lines

        put(_screens(host, answers))
        put_remarks(gap_lines(gaps, width()))
    status = worst(status, attaching)
    return max(status, status_of(answers))


def _seconds(text: str) -> float:
    match = _INTERVAL.fullmatch(text.strip())
    pause = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not _LEAST <= pause <= _MOST:
        raise UsageError(f"--interval {text!r} is no time", "from 10ms to 60m: --interval 2s")
    return pause


def _put_document(host: Host, answers: Collection[Answer], gaps: Collection[Gap]) -> None:
    from sigscope.render.document import document, gap_json
    from sigscope.render.timers_document import timers_json

    put_json(
        document(
            "timers",
            host,
            processes=[
                timers_json(one.process, one.alarms, one.timers, one.elsewhere) for one in answers
            ],
            gaps=[gap_json(gap) for gap in gaps],
        )
    )


def _screens(host: Host, answers: Collection[Answer]) -> Iterator[Line]:
    from sigscope.render.timers import timers_screen

    for number, one in enumerate(answers):
        if number:
            yield BLANK
            yield BLANK
        yield from timers_screen(host, one.process, one.timers, one.elsewhere, width())
