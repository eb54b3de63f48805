"""Make a situation real, and wait until /proc shows that it is."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import time
from collections.abc import Callable
from fcntl import F_DUPFD_CLOEXEC, fcntl

from tests.differential.freezer import Freezer
from tests.differential.looking import Glance, look
from tests.differential.program import program
from tests.differential.records import Kind, Report
from tests.differential.rest import Rest
from tests.differential.situation import Sent, Situation

PATIENCE = 4.0
_HOW = {(False, False): "k", (True, False): "t", (False, True): "q", (True, True): "g"}


class Unrealised(Exception):
    """The situation did not come to be: the process died of its own setup, say."""


class Stage(contextlib.AbstractContextManager["Stage"]):
    """A director with its target; entering it waits for the situation, leaving it ends all."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.report = Report()
        self.pids: dict[str, int] = {}
        self.tids: tuple[int, ...] = ()
        self.inner: dict[int, int] = {}
        self.freezer: Freezer | None = None
        memory = os.memfd_create("counters")
        os.ftruncate(memory, 4096)
        self.counters = mmap.mmap(memory, 4096)
        orders, self._orders = os.pipe()
        high = [fcntl(one, F_DUPFD_CLOEXEC, 32) for one in (orders, self.report.theirs, memory)]
        try:
            places = zip(high, (0, 3, 4), strict=True)
            self.director = os.posix_spawn(
                str(program()),
                ["situation"],
                {},
                file_actions=[(os.POSIX_SPAWN_DUP2, one, to) for one, to in places],
                setsid=True,
                setsigmask=(),
                setsigdef=range(1, 32),
            )
        finally:
            for one in (*high, orders, memory, self.report.theirs):
                os.close(one)

    @property
    def pid(self) -> int:
        return self.pids["p"]

    @property
    def uid(self) -> int:
        """A user that no other target has: SigQ is counted by user."""
        return 1_000_000 + self.director

    def user(self, name: str) -> int:
        """The uid of root, of the target itself ("same") or of somebody else ("other")."""
        own = self.uid if self.situation.own_user else 0
        return {"root": 0, "same": own, "other": self.uid + 1_000_000_000}[name]

    def order(self, line: str) -> None:
        os.write(self._orders, line.encode() + b"\n")

    def wait(self, what: Callable[[], object], saying: str) -> None:
        """Poll until it is true; Unrealised if it never is."""
        deadline, pause = time.monotonic() + PATIENCE, 0.0002
        while not what():
            if time.monotonic() > deadline:
                raise Unrealised(saying)
            time.sleep(pause)
            pause = min(pause * 1.4, 0.004)

    def send(self, sent: Sent) -> list[int]:
        """The errno of each time that it was sent."""
        before = len(self.report.read())
        tid = 0 if sent.thread is None else self.tids[sent.thread]
        pid = self.pid
        if sent.inside and self.situation.init:
            pid, tid = 1, self.inner.get(tid, 0)
        uid = self.user(sent.user)
        where = "i" if sent.inside and self.situation.init else "o"
        how = _HOW[sent.thread is not None, sent.queued]
        self.order(f"send {where} {uid} {how} {pid} {tid} {sent.signal} {sent.count} 7")
        # A sender inside the namespace dies with its init, and may not live to tell.
        self.wait(
            lambda: len(self.report.of(Kind.SENT, since=before)) == sent.count or self.dead,
            "the sender is silent",
        )
        return [record.code for record in self.report.of(Kind.SENT, since=before)]

    @property
    def dead(self) -> bool:
        """Did waitid tell that the process has ended?"""
        ends = (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED)
        return any(record.code in ends for record in self.report.of(Kind.WAITED))

    def settled(self) -> tuple[Glance, ...]:
        """Wait until nothing is in flight: each thread rests in its place; or all is over."""
        last: tuple[Glance, ...] | None = None
        rest = Rest(self)
        deadline, pause = time.monotonic() + PATIENCE, 0.0003
        while True:
            seen = look(self.pid)
            resting = self.dead or all(map(rest.in_place, seen))
            if resting and seen == last and (self.dead or any(one.lives for one in seen)):
                return seen
            last = seen if resting else None
            if time.monotonic() > deadline:
                raise Unrealised(f"it does not come to rest: {seen}")
            time.sleep(pause)
            pause = min(pause * 1.3, 0.004)

    def __enter__(self) -> Stage:
        try:
            self._set_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _set_up(self) -> None:
        situation = self.situation
        os.write(self._orders, situation.lines(self.uid).encode())
        count = len(situation.threads)
        self.wait(lambda: len(self.report.of(Kind.READY)) == count, "not all threads are ready")
        self.wait(lambda: self._roles() >= {"p", "o", "t"}, "not all processes are there")
        self.wait(lambda: len(look(self.pid)) == count, "not all threads are there")
        self.inner = {one.tid: one.inner_tid for one in look(self.pid)}
        outer = {inner: tid for tid, inner in self.inner.items()}
        ready = sorted(self.report.of(Kind.READY), key=lambda record: record.value)
        # A leader that is gone has lost its inner number: it is always the first.
        self.tids = tuple(outer.get(record.tid, self.pid) for record in ready)
        self.settled()
        for sent in situation.earlier:
            if not sent.late:
                self.send(sent)
        if situation.traced == "passed on":
            self._trace(0)
        if situation.stopped:
            self.send(Sent(signal.SIGSTOP))
        if all(one.state == "T" for one in self.settled() if one.lives):
            self.wait(self._told_of_the_stop, "its parent is not told that it has stopped")
        if situation.frozen:
            self.freezer = Freezer(situation.frozen, self.pid)
            self.freezer.freeze()
            self.wait(lambda: self.freezer is None or self.freezer.frozen, "it is not frozen")
        if situation.traced == "held":
            self._trace(1)
            self.wait(self._held, "not all threads are held")
        for sent in situation.earlier:
            if sent.late:
                self.send(sent)
        self.settled()
        if self.dead:
            raise Unrealised("its own setup ended it")

    def _roles(self) -> set[str]:
        self.pids = {chr(one.signal): one.value for one in self.report.of(Kind.PROCESS)}
        wanted = set(self.pids)
        return wanted if "i" in wanted or not self.situation.init else set()

    def _trace(self, hold: int) -> None:
        self.order(f"trace {hold}")
        self.wait(lambda: self.report.of(Kind.TRACED), "it is not traced")

    def _told_of_the_stop(self) -> bool:
        """The news of it would otherwise be taken for that of a later stop."""
        return any(record.code == os.CLD_STOPPED for record in self.report.of(Kind.WAITED))

    def _held(self) -> bool:
        return all(one.state == "t" for one in look(self.pid) if one.lives)

    def __exit__(self, *_: object) -> None:
        if "p" in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self.freezer is not None:
            with contextlib.suppress(OSError):
                self.freezer.thaw()
        os.close(self._orders)
        deadline = time.monotonic() + 10
        while os.waitpid(self.director, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self.director, signal.SIGKILL)
            time.sleep(0.0005)
        if self.freezer is not None:
            self.freezer.close()
        self.report.close()
        self.counters.close()
