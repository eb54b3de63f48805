"""Who is who for a source: every thread and process by its number, the dead as well.

A tracepoint tells a tid and perhaps a name. Process, parent, command line and container come
from one walk through /proc at the start, and from the forks, execs and ends that follow. Events
leave a source with this filled in; what signals did to processes is the affair of
``sigscope.analysis.watch.people``, which a record feeds as well, and which knows no threads.
"""

from __future__ import annotations

from collections.abc import Iterable

from sigscope.decode.cgroup import Placement, decode_cgroup
from sigscope.decode.cmdline import LIMIT, decode_cmdline
from sigscope.decode.stat import decode_descent
from sigscope.decode.status import decode_status
from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory, is_number
from sigscope.kernel.procfs import ProcFS
from sigscope.model.watch import Event, Executed, Exited, Forked, Missed, Task

MOST_DEAD = 1 << 13
"""Threads and processes that are remembered after their end, the last ones."""
COMM = 15
"""TASK_COMM_LEN without its NUL."""


class _Program:
    """A process: ``tids`` are its threads that live; None in the rest is not looked at yet."""

    __slots__ = ("cmdline", "parent", "placement", "tids")

    def __init__(self, parent: int | None, tids: set[int]) -> None:
        self.parent = parent
        self.tids = tids
        self.cmdline: tuple[str, ...] | None = None
        self.placement: Placement | None = None


class Census:
    """Tasks and processes by number; feed it every event, in order.

    A parent stays the one that forked it, though the kernel may have given it to init since.

    >>> import os
    >>> census = Census()
    >>> census.seed(ProcFS())
    >>> census.task(os.getpid()).parent == os.getppid()
    True
    """

    def __init__(self, most_dead: int = MOST_DEAD) -> None:
        self.tasks: dict[int, Task] = {}
        """By tid, those that live: for readers that are in a hurry."""
        self._dead: dict[int, Task] = {}
        self._programs: dict[int, _Program] = {}
        self._past: dict[int, _Program] = {}
        self._most_dead = most_dead
        self._root: Directory | None = None

    def seed(self, procfs: ProcFS) -> None:
        """One walk: a read for each process, a list of threads where it has several.

        Those of whom events have told already keep what was told.
        """
        self._root = procfs.root
        found = []
        for pid in procfs.pids():
            try:
                descent = decode_descent(procfs.root.record(f"{pid}/stat"))
                tids = self._threads(pid) if descent.threads > 1 else {pid}
            except (OSError, DecodeError):  # gone meanwhile
                continue
            if pid not in self._programs:
                self._programs[pid] = _Program(descent.ppid, tids | {pid})
                found.append((pid, descent.comm))
        for pid, comm in found:
            self.tasks.setdefault(pid, Task(pid, pid, comm))
        for pid, _ in found:
            program = self._programs[pid]
            above = self.tasks.get(program.parent or 0)
            parent_comm = above.comm if above is not None else None
            for tid in program.tids:
                seen = self.tasks.get(tid)
                name = seen.comm if seen is not None else None
                self.tasks[tid] = Task(tid, pid, name, None, program.parent, parent_comm)

    def _threads(self, pid: int) -> set[int]:
        assert self._root is not None
        return {int(name) for name in self._root.names(f"{pid}/task") if is_number(name)}

    # -- what happens ----------------------------------------------------------------------

    def see(self, event: Event) -> None:
        """What an event tells of its tasks; for a fork, exec or end, what that changes."""
        if isinstance(event, Forked):
            self.learn(event.parent)
            self._born(event)
        elif isinstance(event, Executed):
            self._executed(event)
        elif isinstance(event, Exited):
            self.learn(event.task)
            self._ended(event.task.tid)
        elif not isinstance(event, Missed):
            for place in ("sender", "target", "task"):
                task = getattr(event, place, None)
                if task is not None:
                    self.learn(task)

    def rename(self, tid: int, comm: str) -> None:
        """It has another name from now on (prctl(2), or a write to its comm)."""
        task = self.tasks.get(tid)
        if task is not None:
            self.tasks[tid] = task._replace(comm=comm)

    def learn(self, told: Task) -> None:
        """Take from a task that an event tells of what is new in it."""
        known = self.tasks.get(told.tid)
        if known is told or known == told:
            return
        if known is None:
            if told.tgid is None or told.tid in self._dead:
                return
            self._settle(told)
            return
        new = {name: value for name, value in told._asdict().items() if value is not None}
        self._settle(known._replace(**new))

    def _settle(self, task: Task) -> None:
        self._dead.pop(task.tid, None)
        self.tasks[task.tid] = task
        if task.tgid is not None:
            program = self._programs.get(task.tgid)
            if program is None:
                self._past.pop(task.tgid, None)
                self._programs[task.tgid] = _Program(task.parent, {task.tid})
            else:
                program.tids.add(task.tid)

    def _born(self, event: Forked) -> None:
        parent = self.tasks.get(event.parent.tid, event.parent)
        child = event.child
        comm = child.comm if child.comm is not None else parent.comm
        uid = child.uid if child.uid is not None else parent.uid
        if child.tgid is None:  # a thread of a process that is not known
            self.tasks[child.tid] = child._replace(comm=comm, uid=uid)
            return
        if child.tgid == parent.tgid:
            self._settle(Task(child.tid, child.tgid, comm, uid, parent.parent, parent.parent_comm))
            return
        self._forget(child.tid)
        above = child.parent if child.parent is not None else parent.tgid
        named = child.parent_comm
        if named is None:
            named = parent.comm if above == parent.tgid else self._comm(above)
        self._settle(Task(child.tid, child.tid, comm, uid, above, named))
        mother = self._programs.get(parent.tgid or 0)
        if mother is not None:
            self._programs[child.tid].cmdline = mother.cmdline

    def _executed(self, event: Executed) -> None:
        """The other threads are gone, and the leader's number is that of the one that did it."""
        told = event.task
        if told.comm is None and event.path is not None:
            told = told._replace(comm=event.path.rpartition("/")[2][:COMM])
        self.learn(told)
        tgid = told.tgid if told.tgid is not None else told.tid
        program = self._programs.get(tgid)
        if program is None:
            return
        for tid in program.tids - {told.tid}:
            self._bury(tid)
        program.tids = {told.tid}
        program.placement = None
        program.cmdline = event.cmdline
        if event.cmdline is None:  # now, as it may be gone before anybody asks
            self.cmdline(tgid)

    def _ended(self, tid: int) -> None:
        task = self.tasks.get(tid)
        self._bury(tid)
        program = None if task is None else self._programs.get(task.tgid or 0)
        if program is None or task is None or task.tgid is None:
            return
        program.tids.discard(tid)
        if not program.tids:
            self._past[task.tgid] = self._programs.pop(task.tgid)
            while len(self._past) > self._most_dead:
                del self._past[next(iter(self._past))]

    def _bury(self, tid: int) -> None:
        task = self.tasks.pop(tid, None)
        if task is not None:
            self._dead[tid] = task
            while len(self._dead) > self._most_dead:
                del self._dead[next(iter(self._dead))]

    def _forget(self, pid: int) -> None:
        """A number that is given away again: what was lost on the way was its end."""
        old = self._programs.pop(pid, None)
        for tid in old.tids if old is not None else ():
            self.tasks.pop(tid, None)

    # -- what is asked ---------------------------------------------------------------------

    def task(self, tid: int) -> Task:
        """The thread of this number, or who had it last; with its tid alone if nobody is known."""
        task = self.tasks.get(tid) or self._dead.get(tid) or self._look(tid)
        if task.comm is None:  # a thread that was there before us, asked for the first time
            comm = self._read(f"{tid}/comm")
            if comm:
                task = task._replace(comm=decode_text(comm.rstrip(b"\n")))
                if tid in self.tasks:
                    self.tasks[tid] = task
        return task

    def _look(self, tid: int) -> Task:
        """Somebody of whose birth we did not hear."""
        data = self._read(f"{tid}/status")
        try:
            status = decode_status(data or b"")
        except DecodeError:
            return Task(tid)
        parent = self.tasks.get(status.ppid)
        above = parent.comm if parent is not None else None
        self._settle(Task(tid, status.tgid, status.name, None, status.ppid, above))
        return self.tasks[tid]

    def threads(self, tgid: int) -> frozenset[int]:
        """The tids of a process that live."""
        program = self._programs.get(tgid)
        return frozenset() if program is None else frozenset(program.tids)

    def cmdline(self, tgid: int) -> tuple[str, ...] | None:
        """Its arguments; None where they were never seen. Empty for a kernel thread."""
        program = self._program(tgid)
        if program is None:
            return None
        if program.cmdline is None and tgid in self._programs:
            data = self._read(f"{tgid}/cmdline", LIMIT)
            if data is not None and (data or 2 in (tgid, program.parent)):  # 2: kthreadd
                program.cmdline = decode_cmdline(data)
        return program.cmdline

    def placement(self, tgid: int) -> Placement | None:
        """Container and systemd unit; of one that is gone, those of whoever started it."""
        seen: set[int] = set()
        while tgid not in seen and (program := self._program(tgid)) is not None:
            seen.add(tgid)
            if program.placement is None and tgid in self._programs:
                data = self._read(f"{tgid}/cgroup")
                program.placement = decode_cgroup(data) if data is not None else None
            if program.placement is not None:
                return program.placement
            tgid = program.parent or 0
        return None

    def parent(self, tgid: int) -> int | None:
        """The process that forked it, or was its parent when the watch began."""
        program = self._program(tgid)
        return None if program is None else program.parent or None

    def ancestors(self, tgid: int) -> tuple[Task, ...]:
        """Its parent, that one's parent, and so on."""
        found: dict[int, Task] = {}
        above = self.parent(tgid)
        while above is not None and above not in found and above != tgid:
            found[above] = self.task(above)
            above = self.parent(above)
        return tuple(found.values())

    def descendants(self, tgids: Iterable[int]) -> frozenset[int]:
        """These processes and all below them that live."""
        below: dict[int, list[int]] = {}
        for pid, program in self._programs.items():
            below.setdefault(program.parent or 0, []).append(pid)
        found: set[int] = set()
        left = list(tgids)
        while left:
            pid = left.pop()
            if pid not in found:
                found.add(pid)
                left += below.get(pid, ())
        return frozenset(found)

    def _program(self, tgid: int) -> _Program | None:
        return self._programs.get(tgid) or self._past.get(tgid)

    def _comm(self, tid: int | None) -> str | None:
        return None if tid is None else self.task(tid).comm

    def _read(self, name: str, limit: int = 1 << 13) -> bytes | None:
        if self._root is None:
            return None
        try:
            return self._root.read(name, limit)
        except OSError:
            return None
