"""``--container``: the container that is meant, and the pids inside it that targets then are."""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.analysis.containers import groups, meant
from sigscope.cli.target import Target, variants
from sigscope.errors import NoSuchTarget, UsageError
from sigscope.kernel.directory import is_number
from sigscope.kernel.placement import read_placements
from sigscope.kernel.process import read_status, tid_outside
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from sigscope.model.container import Group
from sigscope.model.host import Host
from sigscope.model.naming import numbers

_MOST = 8


class Inside:
    """The processes of one container, as it was a moment ago.

    NoSuchTarget if there is none that the word means, UsageError if there are several: both name
    those that there are.
    """

    def __init__(self, procfs: ProcFS, word: str) -> None:
        self._procfs = procfs
        self._word = word
        self.host, self.group = _find(procfs, word)

    def resolve(self, word: str) -> list[Target]:
        """PID, PID/TID or a name: all as the container itself knows them."""
        pid, slash, tid = word.partition("/")
        if is_number(pid) and (is_number(tid) or not slash):
            return [self._numbered(int(pid), int(tid) if tid else None, word)]
        names = [(pid, self.host.processes[pid].comm) for pid in self.group.pids]
        found = variants(self._procfs, names, word)
        if not found:
            has = ", ".join(sorted({comm for _, comm in names})[:_MOST])
            raise NoSuchTarget(f"no process of {self._label} is called {word!r}", f"it has: {has}")
        return [self._checked(pid, None, word) for pid in found]

    def everybody(self) -> list[Target]:
        """All of them that are still there."""
        found = []
        for pid in self.group.pids:
            try:
                found.append(self._checked(pid, None, self._word))
            except NoSuchTarget:
                continue
        if not found:
            raise NoSuchTarget(f"{self._label} has ended meanwhile", _LIST)
        return found

    def init(self) -> Target:
        """The one to ask where a question is about one process."""
        return self._checked(self.group.init, None, self._word)

    @property
    def _label(self) -> str:
        return str(self.group.container)

    def _numbered(self, inside: int, tid: int | None, word: str) -> Target:
        pid = next((pid for pid, known in self.group.inside.items() if known == inside), None)
        if pid is None:
            raise NoSuchTarget(f"{self._label} has no process {inside}", self._instead(inside))
        outer = None
        if tid is not None:
            outer = tid_outside(self._procfs, pid, tid, self.group.depth)
            if outer is None:
                raise NoSuchTarget(
                    f"process {inside} of {self._label} has no thread {tid}",
                    f"sigscope pid --threads --container {self._word} {inside}",
                )
        return self._checked(pid, outer, word)

    def _instead(self, number: int) -> str:
        """A pid of outside is the likeliest slip; else, what there is."""
        if number in self.group.pids:
            inside = self.group.inside.get(number)
            return f"with --container a PID is one inside: {number} outside is {inside} in there"
        there = sorted(self.group.inside.values())
        more = " ..." if len(there) > _MOST else ""
        return f"it has: {' '.join(map(str, there[:_MOST]))}{more}"

    def _checked(self, pid: int, tid: int | None, word: str) -> Target:
        """Is it still the process that was seen? Its pid may have been given to another."""
        before = self.host.processes[pid]
        now = read_status(self._procfs, pid)
        if now.identity != before.identity or now.nspid != before.nspid:
            raise NoSuchTarget(
                f"process {numbers(before)} has ended meanwhile", "its pid is used again"
            )
        return Target(pid, tid, word, now)


_LIST = "list them: sigscope tree --by container"


def _find(procfs: ProcFS, word: str) -> tuple[Host, Group]:
    if not word.strip():
        raise UsageError("--container needs the id, the name or a prefix of one", _LIST)
    host = read_host(procfs)
    host = read_placements(procfs, host, host.processes, hostnames=True)
    known = groups(host)
    found = meant(known, word)
    if len(found) == 1:
        return host, found[0]
    if found:
        raise UsageError(f"{word!r} may mean {len(found)} containers", _candidates(found))
    if not known:
        raise NoSuchTarget(
            f"no container is called {word!r}: none is seen from here",
            "inside a container all that is seen is its own; leave --container out",
        )
    raise NoSuchTarget(f"no container is called {word!r}", _candidates(known))


def _candidates(found: Sequence[Group]) -> str:
    words = [_told(group) for group in found[:_MOST]]
    more = f"; and {len(found) - _MOST} more: sigscope tree --by container"
    return "; ".join(words) + (more if len(found) > _MOST else "")


def _told(group: Group) -> str:
    count = len(group.pids)
    container = group.container
    name = f"{container.name} = " if container.name and container.name != container.id else ""
    counted = "1 process" if count == 1 else f"{count} processes"
    return f"{name}{container.short} ({container.runtime}, {counted})"
