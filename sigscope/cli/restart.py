"""``sigscope restart``: after STOP/CONT, a freeze or an attach, do its system calls resume?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from sigscope.analysis.restart import descriptors, prospects, proven
from sigscope.cli.options import json_option, source_options, target_arguments
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.source import open_source
from sigscope.cli.target import Target, resolve_all
from sigscope.errors import ExitStatus, NoSuchTarget, UsageError
from sigscope.kernel.closer import look_closer
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.restarting import read_ground
from sigscope.kernel.scan import read_family
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.live import Method
from sigscope.model.process import Process
from sigscope.model.restart import Prospect
from sigscope.model.value import dataclass
from sigscope.render.gaps import gap_lines
from sigscope.render.line import BLANK, Line
from sigscope.render.process import identity
from sigscope.render.restart import restart_json, restart_lines


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is shown of one target."""

    host: Host
    process: Process
    prospects: tuple[Prospect, ...]
    gaps: tuple[Gap, ...]


@click.command(short_help="After a stop, a freeze or an attach, do its calls resume?")
@target_arguments(required=True)
@click.option(
    "--sockets",
    is_flag=True,
    help="Ask its sockets for their timeouts, through a descriptor of our own for each.",
)
@click.option("--live", is_flag=True, help="Try it: stop the process, let it go on, and watch.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in Method]),
    default=Method.STOP.value,
    show_default=True,
    help="How --live stops it.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before --live.")
@click.option("--force", is_flag=True, help="--live even if a stop may break a call for good.")
@json_option
@source_options
def restart(
    targets: tuple[str, ...],
    sockets: bool,
    live: bool,
    method: str,
    yes: bool,
    force: bool,
    as_json: bool,
    procfs: str,
    snapshot: str | None,
) -> int:
    """After STOP and CONT, a freeze, a debugger's attach or a signal: do its calls resume?

    Reads only (but --live PAUSES the target). For each thread: the system call it sits in, and
    whether that would go on, start again, fail or be killed. Exit status 0 if a stop does no
    harm to any, else 1.

    \b
    sigscope restart 4285 && gdb -p 4285
    sigscope restart 4285/4290      one thread
    """
    if not live and (force or method != Method.STOP.value):
        raise UsageError("--force and --method belong to --live", "without it nothing is stopped")
    source = open_source(procfs, snapshot)
    found, status = resolve_all(source, targets)
    if live and (not source.live or len(found) > 1):
        raise UsageError("--live takes one process of this host", "name it by its PID")
    answers = [look(source, target, sockets) for target in found]
    if live and answers:
        return _live(answers[0], source, Method(method), yes, force, as_json)
    if as_json and answers:
        put_json(_document(answers))
    else:
        folded = _folded(answers, found)
        for number, answer in enumerate(one for one in answers if one.process.pid not in folded):
            put([BLANK] * bool(number))
            put(_screen(answer))
            put_remarks(gap_lines(answer.gaps, width()))
        if folded:
            put([Line.of(f"a stop does no harm to: {' '.join(map(str, sorted(folded)))}")])
    risk = any(one.at_risk for answer in answers for one in answer.prospects)
    return max(status, int(ExitStatus.ANSWER_IS_NO if risk else ExitStatus.FINE))


def _live(
    answer: Answer, source: ProcFS, method: Method, yes: bool, force: bool, as_json: bool
) -> int:
    """The prediction is shown first, then it is tried."""
    from sigscope.cli.live import try_restart

    process = answer.process
    if not as_json:
        put(_screen(answer))
    allowed = proven(process, source.machine)
    return try_restart(answer.host, process, answer.prospects, method, allowed, yes, force, as_json)


def _folded(answers: list[Answer], found: list[Target]) -> set[int]:
    """Of many with one name, those with nothing to say."""
    named = {target.pid for target in found if target.by_name}
    fine = {one.process.pid for one in answers if not any(call.at_risk for call in one.prospects)}
    return named & fine if len(named) > 1 else set()


def look(source: ProcFS, target: Target, sockets: bool) -> Answer:
    """The prospects of one target; NoSuchTarget if it ends meanwhile."""
    host = read_family(source, (target.pid,))
    host = look_closer(source, host, (target.pid,))
    process = host.processes[target.pid]
    if process.kernel_thread:
        return Answer(host, process, (), ())
    ground, gaps = read_ground(source, process, descriptors(process), sockets)
    found = tuple(
        one for one in prospects(process, ground) if target.tid is None or one.tid == target.tid
    )
    if read_status(source, target.pid).identity != process.identity:
        raise NoSuchTarget(f"process {target.pid} has ended meanwhile", "its pid is used again")
    return Answer(host, process, found, (*_needed(process), *gaps, *_filters(host, found)))


def _needed(process: Process) -> Iterator[Gap]:
    """Of what could not be read, the calls are all that matters here."""
    yield from (gap for gap in process.gaps if "syscall" in gap.what)


def _filters(host: Host, found: tuple[Prospect, ...]) -> Iterator[Gap]:
    """Why a filter could not be read, if that would have helped."""
    if host.shallow is not None and any(
        one.answer is None and "seccomp filter" in one.because for one in found
    ):
        yield host.shallow


def _screen(answer: Answer) -> Iterator[Line]:
    yield from identity(answer.host, answer.process, width())
    yield BLANK
    yield from restart_lines(answer.process, answer.prospects, width())


def _document(answers: list[Answer]) -> dict[str, object]:
    from sigscope.render.document import document, gap_json

    return document(
        "restart",
        answers[0].host,
        restarts=[
            restart_json(answer.process.pid, one) for answer in answers for one in answer.prospects
        ],
        gaps=[gap_json(gap) for answer in answers for gap in answer.gaps],
    )
