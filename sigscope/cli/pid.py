"""``sigscope pid``: what is blocked, pending, ignored, caught, and what is wrong with it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from sigscope.cli.attach import opened, worst
from sigscope.cli.look import diagnose_targets
from sigscope.cli.options import (
    attach_options,
    engine_option,
    fail_on_option,
    history_option,
    json_option,
    source_options,
    target_arguments,
)
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.target import Target, resolve_all
from sigscope.kernel.procfs import ProcFS
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.process import Process
from sigscope.model.sigaction import SIG_IGN
from sigscope.render.line import BLANK, Line

if TYPE_CHECKING:
    from sigscope.analysis.watch.history import History
    from sigscope.model.handler import Handler


@click.command(short_help="What is blocked, pending, ignored, caught, and what is wrong?")
@target_arguments(required=True)
@click.option("-t", "--threads", is_flag=True, help="Show each thread: what it does and blocks.")
@click.option("-a", "--all", "everything", is_flag=True, help="List all 64 signals, one a line.")
@json_option
@fail_on_option
@engine_option
@attach_options
@history_option
@source_options
def pid(
    targets: tuple[str, ...],
    threads: bool,
    everything: bool,
    as_json: bool,
    fail_on: str,
    engine: str,
    attach: bool,
    force: bool,
    history: str | None,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What is blocked, pending, ignored, caught, and what is wrong? (--attach pauses TARGET)

    Without --attach it reads only: the process is not stopped, traced or signalled. First its
    findings, worst first, with the command to type next; then the signals that matter.

    \b
    sigscope pid 4285           one process
    sigscope pid 4285/4290      the same, and this thread of it
    sigscope pid nginx          every process of that name
    """
    start = opened(attach, engine, force, procfs, snapshot)
    source = start.source
    past = None if history is None else _past(history, source)
    found, status = resolve_all(source, targets)
    if not found:
        if past is not None:
            _put_gone(source, past, targets, as_json)
        return status
    attaching = start.attaching(found)
    diagnosis = diagnose_targets(source, found, attaching)
    status = worst(status, attaching)
    if as_json:
        from sigscope.render.document import diagnosis_document

        document = diagnosis_document("pid", diagnosis, diagnosis.processes)
        if past is not None:
            from sigscope.cli.watch_history import history_json
            from sigscope.render.watch_document import HISTORY

            ticks = diagnosis.host.ticks_per_second
            document[HISTORY] = history_json(past, diagnosis.processes, targets, ticks)
        put_json(document)
    else:
        from sigscope.render.gaps import gap_lines

        put(_screens(source, diagnosis, found, everything, threads, past))
        if past is not None:
            _put_gone(source, past, targets, as_json)
        put_remarks(gap_lines(diagnosis.gaps, width()))
    return max(status, int(diagnosis.reaches(Severity(fail_on))))


def _past(path: str, source: ProcFS) -> History:
    from sigscope.cli.watch_history import read_history

    return read_history(path, source.live)


def _put_gone(source: ProcFS, past: History, words: tuple[str, ...], as_json: bool) -> None:
    """How those that are not there any more have ended."""
    from sigscope.cli.watch_history import gone, gone_lines, history_json

    if not as_json:
        put(gone_lines(past, gone(source, words)))
        return
    from sigscope.render.document import document

    host = source.host()
    put_json(document("pid", host, processes=[], history=history_json(past, (), words, 1)))


def _handlers(
    source: ProcFS, diagnosis: Diagnosis, processes: Iterable[Process]
) -> dict[int, tuple[Handler, ...]]:
    """The handlers of those that catch something, and whose actions are known."""
    pids = [
        one.pid
        for one in processes
        if one.depth is not None and any(act.handler > SIG_IGN for act in one.depth.actions or ())
    ]
    if not pids:
        return {}
    from sigscope.analysis.handlers import handlers
    from sigscope.kernel.handlers import read_handlers

    seen = read_handlers(source, diagnosis.host, pids).processes
    return {pid: handlers(seen[pid]) for pid in pids}


def _is_fine(diagnosis: Diagnosis, pid: int) -> bool:
    return diagnosis.assessed(pid) and not diagnosis.findings_of(pid)


def _screens(
    source: ProcFS,
    diagnosis: Diagnosis,
    found: list[Target],
    everything: bool,
    threads: bool,
    past: History | None,
) -> Iterator[Line]:
    """A screen for each; of many with one name, only those with something to say."""
    from sigscope.render.pid import process_screen

    by_name = [target for target in found if target.by_name]
    folded = {
        target.pid
        for target in by_name
        if len(by_name) > 1 and not everything and _is_fine(diagnosis, target.pid)
    }
    shown = [process for process in diagnosis.processes if process.pid not in folded]
    named = {target.pid: target.tid for target in found if target.tid is not None}
    handlers = _handlers(source, diagnosis, shown)
    for number, process in enumerate(shown):
        if number:
            yield BLANK
            yield BLANK
        yield from process_screen(
            diagnosis,
            process,
            width(),
            everything,
            threads,
            named.get(process.pid),
            handlers.get(process.pid, ()),
        )
        if past is not None:
            from sigscope.cli.watch_history import process_lines

            yield from process_lines(past, process, diagnosis.host.ticks_per_second)
    if folded:
        if shown:
            yield BLANK
        names = " ".join(map(str, sorted(folded)))
        yield Line.of(f"nothing wrong with the signals of: {names}")
