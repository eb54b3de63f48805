"""Growing the tree: which branches have something to say, and where masks enter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.lineage import Kind
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, LIBC_OWN, SignalSet
from sigscope.model.tree import Branch, Source


def grow(
    diagnosis: Diagnosis,
    shown: Collection[int],
    audited: Collection[int] = (),
    places: Mapping[int, int] = MappingProxyType({}),
) -> tuple[Branch, ...]:
    """The shown processes as trees, in the order of their pids.

    A process whose parent is not shown, or is at another of the ``places``, is a root. A source
    from which nothing came yet is told only for the ``audited`` processes.
    """
    processes = diagnosis.host.processes
    sources = {
        pid: source
        for pid, source in find_sources(diagnosis).items()
        if source.reached or pid in audited
    }
    children: dict[int, list[Process]] = defaultdict(list)
    roots = []
    for pid in sorted(shown):
        process = processes[pid]
        parent = diagnosis.host.parent(process)
        near = parent is not None and places.get(parent.pid) == places.get(pid)
        if parent is not None and parent.pid in shown and near:
            children[parent.pid].append(process)
        else:
            roots.append(process)
    telling = {finding.pid for finding in diagnosis.findings} | set(sources)
    built: dict[int, Branch] = {}
    # From the leaves up, and not by recursion: a hostile tree may be thousands deep.
    for process in reversed(_downwards(roots, children)):
        below = fold([built.pop(child.pid) for child in children[process.pid]], telling)
        built[process.pid] = Branch(process, below, sources.get(process.pid))
    return tuple(built[root.pid] for root in roots)


def _downwards(roots: list[Process], children: Mapping[int, list[Process]]) -> list[Process]:
    """Every process after its parent."""
    order: list[Process] = []
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        order.append(process)
        waiting.extend(children.get(process.pid, ()))
    return order


def fold(branches: Iterable[Branch], telling: Collection[int]) -> tuple[Branch, ...]:
    """Siblings of one name without children and without anything to say, as one."""
    folded: list[Branch] = []
    places: dict[tuple[str, bool, bool], int] = {}
    for one in branches:
        plain = not one.children and one.process.pid not in telling
        alike = one.process.comm, one.process.zombie, one.process.blocked_by_all is None
        place = places.get(alike) if plain else None
        if place is not None:
            first = folded[place]
            folded[place] = Branch(first.process, (), None, (*first.alike, one.process.pid))
            continue
        if plain:
            places[alike] = len(folded)
        folded.append(one)
    return tuple(folded)


def find_sources(diagnosis: Diagnosis, heirs: bool = False) -> dict[int, Source]:
    """Where masks enter: the origin of something inherited, or a process whose threads differ.

    With ``heirs`` only the origins: of a whole host that is much less to look through.
    """
    reached: dict[int, set[int]] = defaultdict(set)
    for line in diagnosis.lineage:
        if line.kind is Kind.BLOCKED and line.foreign and line.origin is not None:
            reached[line.origin.pid].add(line.pid)
    found = {}
    for process in diagnosis.host.processes.values():
        if process.pid in reached or (not heirs and _threads_differ(process)):
            found[process.pid] = _source(process, tuple(sorted(reached.get(process.pid, ()))))
    return found


def _threads_differ(process: Process) -> bool:
    some, every = process.blocked_by_some, process.blocked_by_all
    return some is not None and every is not None and bool(some - every - LIBC_OWN)


def _source(process: Process, reached: tuple[int, ...]) -> Source:
    """The threads with the fullest mask: what they start inherits it."""
    masks = {thread.tid: (thread.lasting_mask or EMPTY) - LIBC_OWN for thread in process.living}
    fullest = max(masks.values(), key=len, default=SignalSet())
    tids = tuple(tid for tid, mask in masks.items() if mask == fullest)
    return Source(fullest, tids, len(process.living), reached)


def telling(diagnosis: Diagnosis, least: Severity) -> frozenset[int]:
    """The processes with a finding at least this bad, and all their ancestors."""
    return with_ancestors(
        diagnosis,
        {finding.pid for finding in diagnosis.findings if finding.severity.rank <= least.rank},
    )


def with_descendants(diagnosis: Diagnosis, pids: Collection[int]) -> frozenset[int]:
    """These processes and all that came from them."""
    host = diagnosis.host
    return frozenset(
        process.pid
        for process in host.processes.values()
        if process.pid in pids or any(one.pid in pids for one in host.ancestors(process))
    )


def with_ancestors(diagnosis: Diagnosis, pids: Iterable[int]) -> frozenset[int]:
    """These processes and all that they came from."""
    host = diagnosis.host
    kept = set(pids)
    kept.update(one.pid for pid in pids for one in host.ancestors(host.processes[pid]))
    return frozenset(kept)
