"""Events of followed workers, as FastCGI requests with what became of the worker.

A connection that was open before is joined at its next request.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass

from sigscope.decode.exchange import Conversation
from sigscope.decode.fastcgi import VERSION
from sigscope.model.fcgi import Ending, Exchange, RecordType
from sigscope.model.traffic import Did, Event

MOST_SIGNALS = 16
_TOUCHES = frozenset((Did.ACCEPTED, Did.READ, Did.CLOSED))
_BEGIN = bytes((VERSION, RecordType.BEGIN_REQUEST))
_UNSEEN = "bytes of it could not be seen"
_OVERFLOW = "events were lost: there were more than could be taken"


@dataclass(frozen=True, slots=True)
class Finished:
    """A request, the worker that had it, and which signals that was sent; how it ended, if so."""

    pid: int
    exchange: Exchange
    signals: tuple[Event, ...] = ()
    end: Event | None = None


class Followed:
    """Give it the events in their order. ``offset`` makes the time of day of their time."""

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._talks: dict[tuple[int, int], Conversation | None] = {}
        self._lost = 0
        self._touched: set[tuple[int, int]] = set()
        self._signals: dict[int, deque[Event]] = {}
        self.foreign: Counter[tuple[int, str]] = Counter()
        """Connections that are no FastCGI: by worker, and what they are instead."""
        self.ended: list[int] = []
        """Workers that have ended, in that order."""
        self.forked: list[int] = []
        """Workers that were forked meanwhile."""

    def take(self, event: Event) -> list[Finished]:
        """One event; the requests that ended with it."""
        if event.lost == self._lost:
            return self._take(event)
        self._lost = event.lost
        return [*self._overflow(event.time), *self._take(event)]

    def _take(self, event: Event) -> list[Finished]:
        key, when = (event.pid, event.other), event.time + self._offset
        if event.did in _TOUCHES:
            self._touched.add(key)
        if event.did is Did.ACCEPTED:
            self._talks[key] = Conversation(f"{event.pid}/{event.result}")
        elif event.did is Did.READ:
            return self._read(key, event, when)
        elif event.did is Did.WROTE:
            return self._wrote(key, event, when)
        elif event.did is Did.CLOSED:
            return self._over(key, Ending.CLOSED, when)
        elif event.did is Did.ENDED:
            return self._worker_ended(event, when)
        elif event.did is Did.FORKED:
            self.forked.append(event.other)
        elif event.did is Did.SIGNALLED:
            queue = self._signals.setdefault(event.other, deque(maxlen=MOST_SIGNALS))
            queue.append(event)
        return []

    def _overflow(self, when: float) -> list[Finished]:
        """Events are missing here: what is open cannot be told any more."""
        found = [
            Finished(pid, one)
            for (pid, _), talk in self._talks.items()
            if talk is not None
            for one in talk.ended(Ending.LOST, when + self._offset, _OVERFLOW)
        ]
        self._talks.clear()
        return found

    def unseen(self, known: Collection[tuple[int, int]], since: float) -> list[Finished]:
        """Of connections that were open before: those on which nothing new has begun or ended."""
        return [
            Finished(pid, _begun_before(f"{pid}/{fd}", since + self._offset))
            for pid, fd in known
            if (pid, fd) not in self._touched
        ]

    def waiting(self) -> list[Finished]:
        """Following ends: the requests that have not."""
        return [
            Finished(pid, one)
            for (pid, _), talk in self._talks.items()
            if talk is not None
            for one in talk.ended(Ending.OPEN, None)
        ]

    def _read(self, key: tuple[int, int], event: Event, when: float) -> list[Finished]:
        talk = self._talks.get(key)
        if talk is None:
            if event.data[:2] != _BEGIN:
                return []
            talk = self._talks[key] = Conversation(f"{key[0]}/{key[1]}", seen_from_start=False)
        if event.result <= 0:
            remark = "" if event.result == 0 else "the front end reset the connection"
            return self._told(key, talk.ended(Ending.ABORTED, when, remark))
        if not event.whole:
            return self._unseen(key, talk, when)
        talk.asked(event.data, when, event.result - len(event.data))
        self._look(key, talk)
        return []

    def _wrote(self, key: tuple[int, int], event: Event, when: float) -> list[Finished]:
        talk = self._talks.get(key)
        if talk is None:
            return []
        if event.result <= 0:
            remark = "the front end had closed the connection when the worker wrote"
            return self._told(key, talk.ended(Ending.ABORTED, when, remark))
        if not event.whole:
            return self._unseen(key, talk, when)
        found = talk.answered(event.data, when, event.result - len(event.data))
        self._look(key, talk)
        return self._told(key, found)

    def _unseen(self, key: tuple[int, int], talk: Conversation, when: float) -> list[Finished]:
        found = self._told(key, talk.ended(Ending.LOST, when, _UNSEEN))
        self._talks[key] = None
        return found

    def _look(self, key: tuple[int, int], talk: Conversation) -> None:
        if talk.foreign is not None:
            self.foreign[key[0], talk.foreign] += 1
            self._talks[key] = None

    def _over(self, key: tuple[int, int], ending: Ending, when: float) -> list[Finished]:
        talk = self._talks.pop(key, None)
        return [] if talk is None else self._told(key, talk.ended(ending, when))

    def _worker_ended(self, event: Event, when: float) -> list[Finished]:
        pid = event.pid
        self.ended.append(pid)
        signals = tuple(self._signals.pop(pid, ()))
        found = []
        for key in [key for key in self._talks if key[0] == pid]:
            talk = self._talks.pop(key)
            if talk is not None:
                found += talk.ended(Ending.CLOSED, when, f"the worker {pid} ended with it")
        return [Finished(pid, one, signals, event) for one in found]

    def _told(self, key: tuple[int, int], found: list[Exchange]) -> list[Finished]:
        return [Finished(key[0], one, tuple(self._signals.get(key[0], ()))) for one in found]


def _begun_before(connection: str, since: float) -> Exchange:
    """A request of which nothing was seen but that it has not ended."""
    return Exchange(
        connection=connection,
        request_id=1,
        method="",
        uri="",
        script="",
        params=(),
        started=since,
        seconds=None,
        stdin_bytes=0,
        stderr_bytes=0,
        stdout_bytes=0,
        header=None,
        messages=(),
        ending=Ending.OPEN,
        app_status=None,
        answer=None,
        remarks=("it began before it was followed: what was asked is not known",),
    )
