"""``sigscope timers``: what will signal it by itself, and will that arrive?"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator

import click

from sigscope.analysis.catalog import elsewhere
from sigscope.analysis.timers import judge
from sigscope.cli.options import engine_option, json_option, source_options, target_arguments
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.source import open_source
from sigscope.cli.target import Target, resolve_all
from sigscope.errors import ExitStatus, NoSuchTarget, UsageError
from sigscope.kernel.alarms import read_alarms
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.kernel.settings import read_limit
from sigscope.model.alarm import Alarms, Judged
from sigscope.model.catalog import Elsewhere
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.value import dataclass
from sigscope.render.line import BLANK, Line

_INTERVAL = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s|m)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}
_LEAST, _MOST = 0.01, 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is shown of one process; ``elsewhere`` are limits, each with its value."""

    process: Process
    alarms: Alarms
    timers: tuple[Judged, ...]
    elsewhere: tuple[tuple[Elsewhere, str], ...]

    @property
    def arrives(self) -> bool:
        """Would each signal act that an armed timer sends?"""
        return all(
            one.arrives.acts
            for one in self.timers
            if one.arrives is not None and one.alarm.armed is not False
        )


@click.command(short_help="What will signal it by itself, and will that arrive?")
@target_arguments(required=True)
@click.option(
    "-i",
    "--interval",
    metavar="TIME",
    default=None,
    help="Look twice, so far apart (2s, 500ms), and measure whether timers advance.",
)
@json_option
@engine_option
@source_options
def timers(
    targets: tuple[str, ...],
    interval: str | None,
    as_json: bool,
    engine: str,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What will signal it by itself, and will that arrive?

    Interval timers and alarm, POSIX timers, timerfds and the limit of CPU time: what each
    sends and when, whether it is advancing, and what would become of its signal. TARGET is not
    stopped and asked nothing: reading moves no timer.

    \b
    sigscope timers 4285
    sigscope timers --interval 2s php-fpm
    """
    pause = None if interval is None else _seconds(interval)
    source = open_source(procfs, snapshot, engine)
    if pause is not None and source.recorded:
        raise UsageError("--from and --interval exclude each other", "a snapshot is one look")
    found, status = resolve_all(source, targets)
    if not found:
        return status
    before = None
    if pause is not None:
        before = {pid: one[1] for pid, one in _look(source, _read(source, found), found).items()}
        time.sleep(pause)
    host = _read(source, found)
    answers = [
        _answer(source, host, process, alarms, (before or {}).get(process.pid))
        for process, alarms in _look(source, host, found).values()
    ]
    if not answers:
        raise NoSuchTarget("all of them have ended meanwhile", "sigscope tree lists who runs")
    gaps = [*host.gaps, *(gap for one in answers for gap in _gaps(one))]
    if as_json:
        _put_document(host, answers, gaps)
    else:
        from sigscope.render.gaps import gap_lines

        put(_screens(host, answers))
        put_remarks(gap_lines(gaps, width()))
    return max(status, _status(answers))


def _seconds(text: str) -> float:
    match = _INTERVAL.fullmatch(text.strip())
    pause = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not _LEAST <= pause <= _MOST:
        raise UsageError(f"--interval {text!r} is no time", "from 10ms to 60m: --interval 2s")
    return pause


def _read(source: ProcFS, targets: Collection[Target]) -> Host:
    """What is there of them now, looked at closely; who has ended meanwhile is left out."""
    pids = tuple(target.pid for target in targets)
    return look_closer(source, read_family(source, pids, strict=False), pids)


def _look(
    source: ProcFS, host: Host, targets: Collection[Target]
) -> dict[int, tuple[Process, Alarms]]:
    found = {}
    for target in targets:
        process = host.processes.get(target.pid)
        first = target.process
        if process is not None and (first is None or first.identity == process.identity):
            found[target.pid] = process, read_alarms(source, host, process)
    return found


def _answer(
    source: ProcFS, host: Host, process: Process, alarms: Alarms, before: Alarms | None
) -> Answer:
    parent = host.parent(process)
    judged = judge(host, process, alarms, before)
    limits = elsewhere(process, parent)
    valued = tuple((one, _value(source, one, process, parent)) for one in limits)
    return Answer(process, alarms, tuple(judged), valued)


def _value(source: ProcFS, one: Elsewhere, process: Process, parent: Process | None) -> str:
    """What that limit is set to, where the file that says it can be read."""
    if not source.live or parent is None:
        return ""
    return read_limit(one.name, process, parent)


def _gaps(answer: Answer) -> Iterator[Gap]:
    yield from answer.process.gaps
    yield from answer.alarms.gaps


def _status(answers: Collection[Answer]) -> int:
    """What could not be seen comes before what would not arrive."""
    if any(one.alarms.gaps for one in answers):
        refused = os.geteuid() != 0
        return int(ExitStatus.NOT_PERMITTED if refused else ExitStatus.NOT_SUPPORTED)
    arrives = all(one.arrives for one in answers)
    return int(ExitStatus.FINE if arrives else ExitStatus.ANSWER_IS_NO)


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
