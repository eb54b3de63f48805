"""All processes that were seen at one time on one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """``time`` is seconds since the epoch, ``uptime`` seconds since boot.

    ``processes`` may hold a part of the host only: a process and its ancestors, say.
    """

    name: str
    time: float
    uptime: float
    ticks_per_second: int
    processes: Mapping[int, Process] = field(default_factory=lambda: MappingProxyType({}))
    gaps: tuple[Gap, ...] = ()
    users: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    engines: tuple[str, ...] = ("proc",)
    whole_machine: bool | None = None
    """Is PID 1 the init of the machine? False in a container; None if it was not looked up."""
    machine: str = ""
    """Its architecture, as ``uname -m`` tells it."""
    shallow: Gap | None = None
    """Why there is no ``depth``, if that was looked for; a gap of whoever wanted it."""
    names: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """Of senders of pending signals, that are not among the processes."""

    def name_of(self, pid: int) -> str | None:
        """The comm of a process that was read, or that has sent something to one; else None."""
        process = self.processes.get(pid)
        return self.names.get(pid) if process is None else process.comm

    def age(self, process: Process) -> float:
        """How many seconds ago the process was started."""
        return max(0.0, self.uptime - process.start_time / self.ticks_per_second)

    def parent(self, process: Process) -> Process | None:
        """The parent, where it was read; a pid that was reused since is no parent."""
        found = self.processes.get(process.ppid)
        if found is None or found.start_time > process.start_time:
            return None
        return found

    def ancestors(self, process: Process) -> tuple[Process, ...]:
        """From the parent up to the topmost that was read."""
        chain: list[Process] = []
        seen = {process.pid}
        while (parent := self.parent(process)) is not None and parent.pid not in seen:
            seen.add(parent.pid)
            chain.append(parent)
            process = parent
        return tuple(chain)

    def user(self, uid: int) -> str:
        return self.users.get(uid, str(uid))
