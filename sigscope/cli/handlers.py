"""``sigscope handlers``: which function runs, with which flags?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import click

from sigscope.cli.attach import Attaching, opened, worst
from sigscope.cli.options import (
    attach_options,
    engine_option,
    json_option,
    source_options,
    target_arguments,
)
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.target import Target, resolve_all
from sigscope.errors import ExitStatus
from sigscope.kernel.closer import look_closer
from sigscope.kernel.handlers import read_handlers
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.subject import Subject
from sigscope.render.line import BLANK, Line

_WHAT = "handlers of "


@click.command(short_help="Which function runs for a signal, with which flags?")
@target_arguments(required=True)
@click.option("-a", "--all", "everything", is_flag=True, help="List all 64 signals, one a line.")
@json_option
@engine_option
@attach_options
@source_options
def handlers(
    targets: tuple[str, ...],
    everything: bool,
    as_json: bool,
    engine: str,
    attach: bool,
    force: bool,
    procfs: str,
    snapshot: str | None,
) -> int:
    """Which function runs for a signal, with which flags? (--attach pauses TARGET)

    /proc does not show this. It is read from the kernel through BPF, and TARGET is not
    stopped, traced or signalled; with --attach it is paused, and asked itself. Signals for
    which all is the same are shown as one.

    \b
    sigscope handlers nginx
    sigscope handlers --all 4285
    """
    start = opened(attach, engine, force, procfs, snapshot)
    found, status = resolve_all(start.source, targets)
    if not found:
        return status
    attaching = start.attaching(found, (Subject.ACTIONS,))
    host = _read(start.source, found, attaching)
    status = worst(status, attaching)
    processes = [host.processes[target.pid] for target in found]
    gaps = list(host.gaps)
    gaps += [gap for process in processes for gap in _gaps(host, process, start.attach)]
    if as_json:
        from sigscope.analysis.handlers import handlers as judged
        from sigscope.render.document import document, gap_json
        from sigscope.render.handlers_document import handlers_json

        put_json(
            document(
                "handlers",
                host,
                handlers=[handlers_json(one, judged(one), everything) for one in processes],
                gaps=[gap_json(gap) for gap in gaps],
            )
        )
    else:
        from sigscope.render.gaps import gap_lines

        put(_screens(host, processes, everything))
        put_remarks(gap_lines(gaps, width()))
    if all(_told(process) for process in processes):
        return status
    if attaching is not None and attaching.status:
        return status
    refused = any(gap.refused for gap in gaps if gap.what.startswith(_WHAT))
    kind = ExitStatus.NOT_PERMITTED if refused else ExitStatus.NOT_SUPPORTED
    return max(status, int(kind))


def _read(source: ProcFS, targets: Iterable[Target], attaching: Attaching | None) -> Host:
    """The processes with what the kernel's own structures tell of them, and the names of that."""
    seen = {target.pid: target.process for target in targets if target.process is not None}
    pids = tuple(seen)
    host = look_closer(source, read_family(source, pids, seen=seen), pids)
    if attaching is not None:
        host = attaching(host)
    return read_handlers(source, host, pids)


def _told(process: Process) -> bool:
    """Are its actions known, or are there none?"""
    known = process.depth is not None and process.depth.actions is not None
    return known or process.kernel_thread or process.zombie


def _gaps(host: Host, process: Process, attached: bool) -> Iterator[Gap]:
    yield from process.gaps
    what = f"{_WHAT}{process.pid}"
    if not _told(process) and all(gap.what != what for gap in process.gaps):
        said = host.shallow or Gap("", "its actions could not be read")
        why = f"{said.why}; /proc shows only that there are some"
        ask = f"or pause it, and ask it: sigscope handlers --attach {process.pid}"
        hints = [said.hint, "" if attached else ask]
        yield replace(said, what=what, why=why, hint="; ".join(filter(None, hints)))


def _screens(host: Host, processes: Collection[Process], everything: bool) -> Iterator[Line]:
    from sigscope.analysis.handlers import handlers as judged
    from sigscope.render.handlers import handlers_screen

    for number, process in enumerate(processes):
        if number:
            yield BLANK
            yield BLANK
        yield from handlers_screen(host, process, judged(process), width(), everything)
