"""``sigscope pid``: what is blocked, pending, ignored, caught, and what is wrong with it?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from sigscope.cli.boundary import explain
from sigscope.cli.look import diagnose_targets
from sigscope.cli.options import fail_on_option, json_option, source_options, target_arguments
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.source import open_source
from sigscope.cli.target import Target, resolve
from sigscope.errors import ExitStatus, NoSuchTarget, SigscopeError
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.render.gaps import gap_lines
from sigscope.render.line import BLANK, Line
from sigscope.render.pid import process_screen


@click.command(short_help="What is blocked, pending, ignored, caught, and what is wrong?")
@target_arguments(required=True)
@click.option("-t", "--threads", is_flag=True, help="Show each thread: what it does and blocks.")
@click.option("-a", "--all", "everything", is_flag=True, help="List all 64 signals, one a line.")
@json_option
@fail_on_option
@source_options
def pid(
    targets: tuple[str, ...],
    threads: bool,
    everything: bool,
    as_json: bool,
    fail_on: str,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What is blocked, pending, ignored and caught in TARGET, and what is wrong with it?

    Reads only: the process is not stopped, traced or signalled. First its findings, worst
    first, with the command to type next; then the signals that matter.

    \b
    sigscope pid 4285           one process
    sigscope pid 4285/4290      one of its threads
    sigscope pid nginx          every process of that name
    """
    source = open_source(procfs, snapshot)
    found, status = _find(source, targets)
    if not found:
        return status
    diagnosis = diagnose_targets(source, {target.pid: None for target in found})
    if as_json:
        from sigscope.render.document import diagnosis_document

        put_json(diagnosis_document("pid", diagnosis, diagnosis.processes))
    else:
        put(_screens(diagnosis, found, everything, threads))
        put_remarks(gap_lines(diagnosis.gaps, width()))
    return max(status, int(diagnosis.reaches(Severity(fail_on))))


def _find(source: ProcFS, words: tuple[str, ...]) -> tuple[list[Target], int]:
    """The targets that are there; each that is not is explained, and the worst status kept."""
    found: dict[int, Target] = {}
    status = int(ExitStatus.FINE)
    for word in words:
        try:
            for target in resolve(source, word):
                _check(source, target)
                found.setdefault(target.pid, target)
        except SigscopeError as error:
            explain(error)
            status = max(status, int(error.status))
    return list(found.values()), status


def _check(source: ProcFS, target: Target) -> None:
    """Is it there, and is the thread one of its own?"""
    process = read_status(source, target.pid)
    if target.tid is not None and process.thread(target.tid) is None:
        tids = " ".join(str(thread.tid) for thread in process.threads[:8])
        raise NoSuchTarget(f"process {target.pid} has no thread {target.tid}", f"it has: {tids}")


def _screens(
    diagnosis: Diagnosis, found: list[Target], everything: bool, threads: bool
) -> Iterator[Line]:
    """A screen for each; of many with one name, only those with something to say."""
    by_name = [target for target in found if target.by_name]
    folded = {
        target.pid
        for target in by_name
        if len(by_name) > 1 and not everything and not diagnosis.findings_of(target.pid)
    }
    shown = [process for process in diagnosis.processes if process.pid not in folded]
    for number, process in enumerate(shown):
        if number:
            yield BLANK
            yield BLANK
        yield from process_screen(diagnosis, process, width(), everything, threads)
    if folded:
        if shown:
            yield BLANK
        names = " ".join(map(str, sorted(folded)))
        yield Line.of(f"nothing wrong with the signals of: {names}")
