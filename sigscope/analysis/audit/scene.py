"""A host under audit, with what several checks ask of it, derived once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from sigscope.analysis.case import Case
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, SignalSet


@dataclass(frozen=True)
class Scene:
    """``audited`` are the pids that are judged; the others of the host are their relatives.

    ``before`` is the host as it was at the first look, when this is the second one.
    """

    host: Host
    audited: frozenset[int]
    before: Host | None = None
    diagnosis: Diagnosis | None = None
    _cases: dict[int, Case] = field(default_factory=dict)

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """The living ones that are judged, without kernel threads."""
        return tuple(
            process
            for pid in sorted(self.audited)
            if (process := self.host.processes.get(pid)) is not None
            and not process.kernel_thread
            and not process.zombie
        )

    @cached_property
    def _children(self) -> dict[int, list[Process]]:
        found: dict[int, list[Process]] = defaultdict(list)
        for process in self.host.processes.values():
            found[process.ppid].append(process)
        return found

    def children(self, process: Process) -> tuple[Process, ...]:
        """Its children, zombies too; a pid that was reused since has none of the old ones."""
        return tuple(
            child
            for child in self._children.get(process.pid, ())
            if child.start_time >= process.start_time
        )

    def case(self, process: Process) -> Case:
        if process.pid not in self._cases:
            self._cases[process.pid] = Case(self.host, process)
        return self._cases[process.pid]

    def still(self, process: Process) -> Process | None:
        """The process at the first look, if this is the second and it was there; else None."""
        if self.before is None:
            return None
        earlier = self.before.processes.get(process.pid)
        return earlier if earlier and earlier.identity == process.identity else None

    def same_place(self, process: Process) -> Iterator[Process]:
        """The living processes of its container or unit, itself included."""
        for other in self.host.processes.values():
            alike = (other.container, other.unit) == (process.container, process.unit)
            bare = process.container is None and process.unit is None
            if other.pid == process.pid or (alike and not bare and not other.zombie):
                yield other


def waiting(process: Process) -> SignalSet:
    """All that is pending in it, for the process or for a thread."""
    found = process.pending or EMPTY
    for thread in process.living:
        found = found | (thread.pending or EMPTY)
    return found
