"""Hand-made events: a small world of processes, and what happens in it."""

from __future__ import annotations

from sigscope.analysis.watch.stories import Stories
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal
from sigscope.model.story import Known, Story
from sigscope.model.watch import Delivered, Event, Executed, Exited, Forked, Result, Sent, Task

MS = 1_000_000
HANDLER = 0x5555_0000


class World:
    """A clock, names by pid, and the stories that come of it all."""

    def __init__(self, *known: Known, patience: int = 1000 * MS) -> None:
        self.now = MS
        self.names = {one.pid: one.comm for one in known}
        self.engine = Stories(patience=patience)
        self.engine.people.fill(known)
        self.told: list[Story] = []

    def task(self, tid: int, tgid: int | None = None) -> Task:
        pid = tid if tgid is None else tgid
        return Task(tid, pid, self.names.get(pid, "?"))

    def happens(self, event: Event) -> list[Story]:
        self.engine.meet(event)
        told = self.engine.take(event)
        self.told += told
        return told

    def later(self, nanoseconds: int) -> list[Story]:
        self.now += nanoseconds
        told = self.engine.tick(self.now)
        self.told += told
        return told

    def send(
        self,
        sender: int,
        target: int,
        signal: str,
        result: Result = Result.QUEUED,
        code: int = 0,
        group: bool = True,
        times: int = 1,
        **more: bool,
    ) -> list[Story]:
        self.now += MS // 10
        info = SigInfo(Signal.named(signal), code, sender, 0)
        return self.happens(
            Sent(
                self.now,
                self.task(sender),
                self.task(target),
                info,
                group,
                result,
                more.get("blocked"),
                more.get("init"),
                times,
            )
        )

    def deliver(
        self, pid: int, signal: str, handler: int = HANDLER, times: int = 1, tid: int | None = None
    ) -> list[Story]:
        self.now += MS // 10
        task = self.task(tid or pid, pid)
        return self.happens(Delivered(self.now, task, Signal.named(signal), 0, handler, 0, times))

    def fork(self, parent: int, child: int) -> None:
        self.now += MS // 10
        self.names[child] = self.names.get(parent, "?")
        self.happens(Forked(self.now, self.task(parent), self.task(child)))

    def execute(self, pid: int, *words: str) -> None:
        self.now += MS // 10
        self.names[pid] = words[0].rsplit("/", 1)[-1][:15]
        self.happens(Executed(self.now, self.task(pid), words[0], words))

    def exit(self, pid: int, status: int | None = 0) -> list[Story]:
        self.now += MS // 10
        return self.happens(Exited(self.now, self.task(pid), status, True))
