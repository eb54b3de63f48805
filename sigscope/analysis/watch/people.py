"""Who is who in stories: the processes of a watch, also those that have gone already.

It is fed with events of any source, and those of a record: it does no I/O. What a tracepoint
leaves out of an event (the process of a tid, names, parents) the census of the sources has
filled in before.

Kept from a first look at /proc and from fork, exec and exit. The line of ancestors is noted
when a process is born: it still tells where a sender came from when all of them are gone.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sigscope.model.container import Container
from sigscope.model.story import Actor, Known
from sigscope.model.watch import Executed, Exited, Forked, Task

if TYPE_CHECKING:
    from sigscope.analysis.watch.record import Record

ANCESTORS = 12
"""Of so many the names are kept."""
MOST_DEAD = 4096
"""So many that have ended are remembered."""
RECENT = 8
"""Signals that a process got lately, as possible causes of what it sends."""


@dataclass(eq=False, slots=True)
class Person:
    """A process."""

    pid: int
    comm: str | None = None
    uid: int | None = None
    cmdline: tuple[str, ...] | None = None
    container: Container | None = None
    ancestors: tuple[tuple[int, str | None], ...] = ()
    born: int | None = None
    ended: int | None = None
    described: bool = False
    stopped: bool = False
    doomed: bool = False
    killer: Record | None = None
    open: dict[int, Record] = field(default_factory=dict)
    got: deque[Record] = field(default_factory=lambda: deque(maxlen=RECENT))

    @property
    def parent(self) -> int | None:
        return self.ancestors[0][0] if self.ancestors else None


class People:
    """The table of them; ``wanting`` are those of whom /proc may tell more."""

    def __init__(self) -> None:
        self.living: dict[int, Person] = {}
        self._dead: OrderedDict[int, Person] = OrderedDict()
        self._ended: OrderedDict[int, int] = OrderedDict()
        self._wanting: dict[int, Person] = {}

    def fill(self, census: Iterable[Known]) -> None:
        """From a look at all of /proc; what events have told before stands."""
        known = {one.pid: one for one in census}
        for one in known.values():
            if one.pid in self.living or one.pid in self._dead:
                continue
            person = Person(one.pid, one.comm, one.uid, one.cmdline or None, one.container)
            person.described = one.cmdline is not None
            person.ancestors = self._line(one, known)
            self.living[one.pid] = person

    def describe(self, known: Known) -> None:
        """A later look at one of them."""
        person = self.living.get(known.pid)
        if person is None:
            return
        person.described = True
        person.comm = known.comm
        person.uid = person.uid if known.uid is None else known.uid
        person.cmdline = known.cmdline or person.cmdline
        person.container = known.container or person.container
        if not person.ancestors and known.parent:
            parent = self.find(known.parent)
            person.ancestors = self._below(known.parent, parent)

    def wanting(self) -> list[int]:
        """Pids that took part in something, and of whom only events have told so far."""
        wanted = [pid for pid, one in self._wanting.items() if self.living.get(pid) is one]
        for pid in wanted:
            self._wanting[pid].described = True
        self._wanting.clear()
        return wanted

    def of(self, task: Task) -> Person:
        """The process of a thread, made up from the event if it is a new face."""
        pid = task.tid if task.tgid is None else task.tgid
        person = self.living.get(pid) or self._dead.get(pid)
        if person is None:
            person = self.living[pid] = Person(pid, task.comm, task.uid)
            if task.parent:
                parent = self.find(task.parent)
                person.ancestors = self._below(task.parent, parent, task.parent_comm)
        elif task.comm is not None and task.tid == pid:
            person.comm = task.comm
        return person

    def meet(self, task: Task) -> None:
        """It sends or gets something: /proc may tell more of it, while it is there."""
        person = self.of(task)
        if not person.described:
            self._wanting[person.pid] = person

    def find(self, pid: int) -> Person | None:
        """Dead or alive."""
        return self.living.get(pid) or self._dead.get(pid)

    def had_ended(self, tid: int, time: int) -> bool:
        """Was this thread at its end by then? Folded sends may be told of after the end."""
        return self._ended.get(tid, time + 1) <= time

    def forked(self, event: Forked) -> None:
        """A new process has all of its parent but its own pid; a new thread is none."""
        self._ended.pop(event.child.tid, None)
        pid = event.child.tgid
        if pid is None or pid != event.child.tid:
            return
        parent = self.of(event.parent)
        self._dead.pop(pid, None)
        self.living[pid] = Person(
            pid,
            event.child.comm or parent.comm,
            parent.uid,
            None,
            parent.container,
            self._below(parent.pid, parent),
            born=event.time,
        )

    def executed(self, event: Executed) -> None:
        """Another program: another name and other arguments."""
        self._ended.pop(event.task.tid, None)  # the number of a leader that had ended
        person = self.of(event.task)
        if event.task.comm is not None:
            person.comm = event.task.comm
        elif event.path:
            person.comm = event.path.rsplit("/", 1)[-1][:15]
        person.cmdline = event.cmdline or ((event.path,) if event.path else None)
        person.described = False

    def exited(self, event: Exited) -> Person | None:
        """The person, if its whole process is over."""
        task = event.task
        pid = task.tid if task.tgid is None else task.tgid
        self._ended[task.tid] = event.time
        if len(self._ended) > MOST_DEAD:
            self._ended.popitem(last=False)
        if event.process is False or (event.process is None and pid != task.tid):
            return None
        person = self.of(task)
        person.ended = event.time
        self.living.pop(pid, None)
        self._dead[pid] = person
        self._dead.move_to_end(pid)
        if len(self._dead) > MOST_DEAD:
            self._dead.popitem(last=False)
        return person

    def _line(self, one: Known, known: dict[int, Known]) -> tuple[tuple[int, str | None], ...]:
        line: list[tuple[int, str | None]] = []
        pid = one.parent
        while pid and pid in known and len(line) < ANCESTORS:
            line.append((pid, known[pid].comm))
            pid = known[pid].parent
        return tuple(line)

    @staticmethod
    def _below(
        pid: int, parent: Person | None, comm: str | None = None
    ) -> tuple[tuple[int, str | None], ...]:
        if parent is None:
            return ((pid, comm),)
        return ((pid, parent.comm or comm), *parent.ancestors[: ANCESTORS - 1])


def actor(person: Person, comm: str | None = None, tid: int | None = None) -> Actor:
    """Who it is, as far as is known by now; ``comm`` is the name that it had at the event."""
    return Actor(
        person.pid,
        comm or person.comm,
        tid,
        person.cmdline,
        person.uid,
        person.container,
        person.ancestors,
    )
