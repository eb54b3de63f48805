"""``--attach``: what only a stopped thread tells, for the commands that otherwise stop nothing."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from sigscope.cli.boundary import explain
from sigscope.cli.source import open_source
from sigscope.cli.target import Target
from sigscope.errors import ExitStatus, SigscopeError, UsageError
from sigscope.kernel.passive import AUTO, PTRACE
from sigscope.kernel.procfs import LIVE, ProcFS
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.model.value import dataclass

if TYPE_CHECKING:
    from sigscope.model.seccomp import Filter
    from sigscope.model.subject import Subject


class Attaching:
    """What was asked for; called with a host, it stops the targets for a moment, and asks them.

    ``subjects`` are wanted, too. A target that refuses is told, once, and ``status`` is the worst
    so far.
    """

    def __init__(
        self, source: ProcFS, pids: Collection[int], subjects: Collection[Subject], force: bool
    ) -> None:
        self.status = int(ExitStatus.FINE)
        self._source = source
        self._pids = list(pids)
        self._subjects = subjects
        self._force = force

    def __call__(self, host: Host) -> Host:
        from sigscope.kernel.depths import with_depths

        found: dict[int, Process] = {}
        for pid in tuple(self._pids):
            try:
                if pid in host.processes:
                    found[pid] = self._asked(host.processes[pid])
            except SigscopeError as error:
                explain(error)
                self._pids.remove(pid)
                self.status = max(self.status, int(error.status))
        return with_depths(self._source, host, found)

    def _asked(self, process: Process) -> Process:
        from sigscope.analysis.seccomp.proven import proven
        from sigscope.kernel.ptrace.asking import Permission
        from sigscope.kernel.ptrace.inspection import inspect

        machine = self._source.machine
        permission = Permission(proven(process, machine), self._force, partial(_judge, machine))
        return inspect(process, permission, self._subjects)


def _judge(machine: str, filters: tuple[Filter, ...]) -> frozenset[str]:
    """Of filters that took a stop to be read."""
    from sigscope.analysis.seccomp.proven import passing
    from sigscope.model.abi import OF_MACHINE

    abis = OF_MACHINE.get(machine, ())
    return passing(filters, abis[0]) if abis else frozenset()


@dataclass(frozen=True, slots=True)
class Opened:
    """What the answer is read from; ``attach``: its targets are stopped, too, and asked."""

    source: ProcFS
    attach: bool
    force: bool

    def attaching(
        self, found: Collection[Target], subjects: Collection[Subject] = ()
    ) -> Attaching | None:
        """What stops these for a moment, and asks them; None if no stop is asked for."""
        if not self.attach:
            return None
        return Attaching(self.source, [one.pid for one in found], subjects, self.force)


def opened(attach: bool, engine: str, force: bool, procfs: str, snapshot: str | None) -> Opened:
    """The source of a command that may stop its targets: it goes by its options.

    ``--engine ptrace`` is another way to say ``--attach``. Beside it the engine that is there is
    asked before the stop: it tells what the target's filters allow.
    """
    asked = attach or engine == PTRACE
    if force and not asked:
        raise UsageError("--force belongs to --attach", "without a stop there is nothing to force")
    if asked and (snapshot is not None or procfs != LIVE):
        raise UsageError(
            "--attach needs the process itself, on this host",
            "leave out --from and --procfs, or leave out --attach",
        )
    source = open_source(procfs, snapshot, AUTO if engine == PTRACE else engine)
    return Opened(source, asked, force)


def worst(status: int, attaching: Attaching | None) -> int:
    """The worse of what has been so far, and of what became of the stops."""
    return max(status, attaching.status) if attaching is not None else status
