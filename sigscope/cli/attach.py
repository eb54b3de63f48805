"""``--attach``: what only a stopped thread tells, for the commands that otherwise stop nothing."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from sigscope.cli.boundary import explain
from sigscope.errors import ExitStatus, SigscopeError, UsageError
from sigscope.kernel.passive import AUTO, PTRACE
from sigscope.kernel.procfs import LIVE, ProcFS
from sigscope.model.host import Host
from sigscope.model.process import Process

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


def wanted(attach: bool, engine: str, force: bool, procfs: str, snapshot: str | None) -> bool:
    """Is a stop asked for? ``--engine ptrace`` is another way to say it."""
    asked = attach or engine == PTRACE
    if force and not asked:
        raise UsageError("--force belongs to --attach", "without a stop there is nothing to force")
    if asked and (snapshot is not None or procfs != LIVE):
        raise UsageError(
            "--attach needs the process itself, on this host",
            "leave out --from and --procfs, or leave out --attach",
        )
    return asked


def beside(engine: str) -> str:
    """The engine that is asked before the stop: it tells what the target's filters allow."""
    return AUTO if engine == PTRACE else engine
