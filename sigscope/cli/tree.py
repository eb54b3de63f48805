"""``sigscope tree``: who passed this mask down to whom?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from sigscope.analysis import tree as growing
from sigscope.cli.look import diagnose_host
from sigscope.cli.options import (
    engine_option,
    fail_on_option,
    json_option,
    source_options,
    target_arguments,
)
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.progress import Progress
from sigscope.cli.source import open_source
from sigscope.cli.target import resolve_all
from sigscope.kernel.scan import read_host
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.render.gaps import gap_count, gap_lines
from sigscope.render.line import BLANK, Line, Role, wrapped
from sigscope.render.tree import tree_lines


@click.command(short_help="Who passed this mask down to whom?")
@target_arguments(required=False)
@click.option("-a", "--all", "everything", is_flag=True, help="Show every process, and the notes.")
@json_option
@fail_on_option
@engine_option
@source_options
def tree(
    targets: tuple[str, ...],
    everything: bool,
    as_json: bool,
    fail_on: str,
    engine: str,
    procfs: str,
    snapshot: str | None,
) -> int:
    """Who passed a blocked mask down to whom? The process tree, with what is wrong in it.

    Reads only. Without a TARGET, the branches of this host that have something to say;
    with one, its ancestors and all its descendants.

    \b
    sigscope tree               the whole host
    sigscope tree uwsgi         an audit of one service
    """
    source = open_source(procfs, snapshot, engine)
    found, status = resolve_all(source, targets)
    if targets and not found:
        return status
    with Progress("reading the host") as progress:
        host = read_host(source, progress)
    pids = {target.pid for target in found if target.pid in host.processes}
    diagnosis = diagnose_host(source, host, pids)
    audited, shown = _shown(diagnosis, pids, everything)
    if as_json:
        from sigscope.render.document import diagnosis_document

        processes = [diagnosis.host.processes[pid] for pid in sorted(shown)]
        put_json(diagnosis_document("tree", diagnosis, processes))
    else:
        branches = growing.grow(diagnosis, shown, audited if pids or everything else ())
        put(tree_lines(diagnosis, branches, width(), notes=everything))
        put(_summary(diagnosis, audited, bool(shown), everything))
        missing = diagnosis.gaps
        put_remarks(gap_lines(missing, width()) if everything else gap_count(missing))
    bad = any(
        finding.pid in audited and finding.severity.rank <= Severity(fail_on).rank
        for finding in diagnosis.findings
    )
    return max(status, int(bad))


def _shown(
    diagnosis: Diagnosis, pids: set[int], everything: bool
) -> tuple[frozenset[int], frozenset[int]]:
    """What was asked about, and what is shown: that, with the way up to init."""
    if pids:
        audited = growing.with_descendants(diagnosis, pids)
        return audited, growing.with_ancestors(diagnosis, audited)
    if everything:
        audited = frozenset(diagnosis.host.processes)
        return audited, audited
    return frozenset(diagnosis.host.processes), growing.telling(diagnosis, Severity.WARNING)


def _summary(
    diagnosis: Diagnosis, audited: frozenset[int], drawn: bool, everything: bool
) -> Iterator[Line]:
    """How much was looked at, so that silence is known to be an answer."""
    seen = (diagnosis.host.processes[pid] for pid in audited)
    processes = [process for process in seen if not process.kernel_thread]
    threads = sum(len(process.threads) for process in processes)
    counts = {
        severity: sum(
            finding.severity is severity and finding.pid in audited
            for finding in diagnosis.findings
        )
        for severity in Severity
    }
    said = ", ".join(
        f"{count} {severity.value}{'s' if count > 1 else ''}"
        for severity, count in counts.items()
        if count
    )
    if drawn:
        yield BLANK
    more = " (--all shows every process and the notes)" if not everything else ""
    unjudged = sum(not diagnosis.assessed(process.pid) for process in processes)
    if unjudged:
        said = f"{said}{', ' if said else ''}{unjudged} not assessed"
    said = said or "nothing wrong with their signals"
    size = f"{_counted(len(processes), 'process', 'es')}, {_counted(threads, 'thread', 's')}"
    text = f"{size}: {said}{more}"
    yield from wrapped(text, width(), "", Role.FAINT)


def _counted(count: int, thing: str, ending: str) -> str:
    return f"{count} {thing}{ending if count != 1 else ''}"
