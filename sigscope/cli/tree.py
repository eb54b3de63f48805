"""``sigscope tree``: who passed this mask down to whom?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

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
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from sigscope.model.container import Group
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.host import Host
from sigscope.model.tree import Branch
from sigscope.render.gaps import gap_count, gap_lines
from sigscope.render.line import BLANK, Line, Role, wrapped
from sigscope.render.tree import tree_lines


@click.command(short_help="Who passed this mask down to whom?")
@target_arguments(required=False)
@click.option("-a", "--all", "everything", is_flag=True, help="Show every process, and the notes.")
@click.option(
    "--by",
    type=click.Choice(["container"]),
    default=None,
    help="Each container of this host, and what is wrong in it.",
)
@json_option
@fail_on_option
@engine_option
@source_options
def tree(
    targets: tuple[str, ...],
    everything: bool,
    by: str | None,
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
    sigscope tree --by container    all containers
    """
    source = open_source(procfs, snapshot, engine)
    found, status = resolve_all(source, targets)
    if targets and not found:
        return status
    with Progress("reading the host") as progress:
        host = read_host(source, progress)
    known: tuple[Group, ...] = ()
    if by:
        host, known = _contained(source, host)
    pids = {target.pid for target in found if target.pid in host.processes}
    diagnosis = diagnose_host(source, host, pids)
    audited, shown = _shown(diagnosis, pids, everything)
    if as_json:
        from sigscope.render.document import diagnosis_document, group_json

        processes = [diagnosis.host.processes[pid] for pid in sorted(shown)]
        answer = diagnosis_document("tree", diagnosis, processes)
        if by:
            answer["containers"] = [group_json(group) for group in _groups(known, pids, shown)]
        put_json(answer)
    else:
        told = audited if pids or everything else ()
        if by:
            put(_by_container(diagnosis, _groups(known, pids, shown), shown, told, everything))
        else:
            branches = growing.grow(diagnosis, shown, told)
            put(tree_lines(diagnosis, branches, width(), notes=everything))
        put(_summary(diagnosis, audited, bool(shown or known), everything))
        missing = diagnosis.gaps
        put_remarks(gap_lines(missing, width()) if everything else gap_count(missing))
    bad = any(
        finding.pid in audited and finding.severity.rank <= Severity(fail_on).rank
        for finding in diagnosis.findings
    )
    return max(status, int(bad))


def _contained(source: ProcFS, host: Host) -> tuple[Host, tuple[Group, ...]]:
    from sigscope.analysis.containers import groups
    from sigscope.kernel.placement import read_placements

    host = read_placements(source, host, host.processes, freezers=False)
    return host, groups(host)


def _groups(
    known: Sequence[Group], pids: Collection[int], shown: frozenset[int]
) -> tuple[Group, ...]:
    """All of them, or those in which something is shown."""
    return tuple(group for group in known if not pids or not shown.isdisjoint(group.pids))


def _by_container(
    diagnosis: Diagnosis,
    known: Sequence[Group],
    shown: Collection[int],
    told: Collection[int],
    everything: bool,
) -> Iterator[Line]:
    from sigscope.render.containers import container_lines

    places = {pid: place for place, group in enumerate(known) for pid in group.pids}
    branches: dict[int, list[Branch]] = defaultdict(list)
    for branch in growing.grow(diagnosis, shown, told, places):
        branches[places.get(branch.process.pid, len(known))].append(branch)
    yield from container_lines(diagnosis, known, branches, width(), everything)


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
