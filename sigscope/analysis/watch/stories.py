"""Events in, stories out: each signal that was sent gets one fate.

A send opens a record, unless the kernel decided at once; a delivery, a sigwait, or the end of
the process closes it. What is still open after ``FRESH`` is asked about: ``unsettled()`` names
the processes whose /proc tells more, and ``settle()`` takes the answer.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from heapq import heappop
from itertools import islice

from sigscope.analysis.watch.causes import cause_of
from sigscope.analysis.watch.deciding import (
    ENDING,
    KILL,
    at_delivery,
    at_send,
    dropped,
    ends_it,
    killer_of,
    left_over,
)
from sigscope.analysis.watch.ledger import FRESH, MS, Ledger
from sigscope.analysis.watch.looks import held_back, still_pending, why_not, why_taken
from sigscope.analysis.watch.origin import origin_of
from sigscope.analysis.watch.people import People, Person, actor
from sigscope.analysis.watch.record import Record
from sigscope.model.signals import Action
from sigscope.model.story import End, Fate, Look, Origin, Story
from sigscope.model.watch import (
    Consumer,
    Delivered,
    Event,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Taken,
)

SLOWEST = 10_000 * MS
"""Between two looks at one that waits."""
MOST_ENDS = 4096
_TAKEN_BY = {Consumer.SIGWAIT: Fate.SIGWAIT, Consumer.SIGNALFD: Fate.SIGNALFD}


class Stories(Ledger):
    """``patience``: nanoseconds after which a signal that nothing holds back is untaken.

    ``tells_taken``: the source would tell of a sigwait; so it is, once it has told of one.

    ``counts`` has the first fate of every signal, ``let_go`` how many were given up.
    """

    def __init__(self, people: People | None = None, patience: int = 1000 * MS) -> None:
        super().__init__()
        self.people = People() if people is None else people
        self.patience = patience
        self.tells_taken = False
        self.missed = 0
        self.missed_unknown = False
        self.ends: OrderedDict[int, End] = OrderedDict()
        self._number = 0
        self._asked: defaultdict[int, list[Record]] = defaultdict(list)
        self._continued: dict[int, Record] = {}

    def meet(self, event: Event) -> None:
        """Before ``take``: who takes part, so that /proc can be asked while they are there."""
        if isinstance(event, Sent) and not event.info.code_name.startswith("CLD_"):
            self.people.meet(event.sender)
            self.people.meet(event.target)

    def take(self, event: Event) -> list[Story]:
        """What this event brings to an end, in the order of their ends."""
        if isinstance(event, Sent):
            self._sent(event)
        elif isinstance(event, Delivered):
            self._delivered(event)
        elif isinstance(event, Taken):
            fate = Fate.TAKEN if event.by is None else _TAKEN_BY[event.by]
            self.tells_taken = True
            self._closed(event, fate, "")
        elif isinstance(event, Forked):
            self._forked(event)
        elif isinstance(event, Executed):
            self.people.executed(event)
            self.people.of(event.task).doomed = False  # its other threads were killed, it lives
        elif isinstance(event, Exited):
            self._exited(event)
        elif isinstance(event, Missed):
            self.missed += event.events or 0
            self.missed_unknown |= event.events is None
        return self._flush()

    def tick(self, now: int) -> list[Story]:
        """Time goes on: who has waited long enough is asked about, or given up."""
        while self._due and self._due[0][0] <= now:
            _, _, record = heappop(self._due)
            if record.open:
                self._overdue(record, now)
        return self._flush()

    def unsettled(self, most: int = 64) -> list[int]:
        """Processes at whose /proc somebody should look now."""
        return list(islice(self._asked, most))

    def settle(self, look: Look) -> list[Story]:
        """The answer; of no process, if there is none any more."""
        for record in self._asked.pop(look.pid, ()):
            if record.open:
                self._looked(record, look)
        return self._flush()

    def finish(self, now: int) -> list[Story]:
        """The watch is over: who waits, waits on; the rest is told as far as it goes."""
        for record in list(self._all.values()):
            if record.open and not record.waits:
                if record.fatal:
                    self._tell(record, *ends_it(None), now)
                else:
                    self._tell(record, Fate.UNKNOWN, "the watch was over before", now)
        return self._flush()

    def next_due(self) -> int | None:
        """When ``tick`` has something to do."""
        while self._due and not self._due[0][2].open:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    # A signal is sent.

    def _sent(self, event: Sent) -> None:
        people = self.people
        target = people.of(event.target)
        running = people.of(event.sender)
        origin, why = origin_of(event, self._outlived(event, running, target))
        sender = running if origin.blames else None
        comm = event.sender.comm if event.sender.tid == running.pid else None
        if origin is Origin.CHILD:
            sender, comm = people.find(event.info.pid or 0), None
        found = cause_of(people, sender, event, origin)
        cause, confidence = found or (None, None)
        self._number += 1
        record = Record(
            self._number, event, origin, why, sender, target, comm, cause, confidence, event.times
        )
        if origin is not Origin.CHILD:
            target.got.append(record)
        record.resumed = target.stopped and event.info.signal.default_action is Action.CONTINUE
        self._went_on(event, target)
        alike = self._open.get((target.pid, event.info.signal))
        decided = at_send(record, event.result is Result.IGNORED and _may_die(target))
        if decided is not None:
            fate, because = decided
            into = alike[0].number if fate is Fate.MERGED and alike else None
            self._tell(record, fate, because, event.time, into=into)
            return
        if event.result in (Result.QUEUED, Result.LOST_INFO):
            if event.info.signal == KILL:
                target.doomed = True
            self._await(record, alike)
        else:
            self._enter(record)
            if event.info.signal.default_action is Action.CONTINUE:
                self._continued[target.pid] = record
            self._again(record, event.time + FRESH)

    def _outlived(self, event: Sent, running: Person, target: Person) -> bool:
        """Was the one that ran a thread above the target, and had ended? It calls no kill."""
        if not self.people.had_ended(event.sender.tid, event.time):
            return False
        return not target.ancestors or any(pid == running.pid for pid, _ in target.ancestors)

    def _went_on(self, event: Sent, target: Person) -> None:
        """SIGCONT lets its target go on, and SIGCHLD tells of it."""
        info = event.info
        if info.signal.default_action is Action.CONTINUE:
            if event.result is not Result.IGNORED:  # else at_send() needs to know
                target.stopped = False
        elif info.code_name == "CLD_CONTINUED" and info.pid in self._continued:
            record = self._continued.pop(info.pid)
            if record.open:
                self._tell(record, Fate.CONTINUED, "its parent was told", event.time)
        elif info.code_name == "CLD_STOPPED" and (child := self.people.find(info.pid or 0)):
            child.stopped = True

    # It is taken.

    def _delivered(self, event: Delivered) -> None:
        person = self.people.of(event.task)
        if event.signal == KILL:
            person.doomed = True
            for record in self._open.get((person.pid, KILL), ()):
                record.fatal = True
            return
        fate, because = at_delivery(event)
        if fate is Fate.TERMINATED:
            if first := self._first(person.pid, event.signal, event.task.tid):
                if first.sent.init and first.sent.group:
                    self._tell(first, Fate.DROPPED, "taken, but it is an init", event.time)
                else:
                    first.fatal, first.thread = True, event.task.tid
                    person.doomed = True
            return
        if fate is Fate.STOPPED:
            person.stopped = True
        elif fate is Fate.IGNORED and event.signal.default_action is Action.CONTINUE:
            # Under a tracer one that does nothing more is queued, and taken.
            first = self._first(person.pid, event.signal, event.task.tid)
            if first is not None and first.resumed:
                fate, because = Fate.CONTINUED, ""
        self._closed(event, fate, because)

    def _closed(self, event: Delivered | Taken, fate: Fate, because: str) -> None:
        person, left = self.people.of(event.task), event.times
        while left:
            record = self._first(person.pid, event.signal, event.task.tid)
            if record is None:
                break
            times = min(left, record.left)
            left -= times
            self._tell(record, fate, because, event.time, times, event.task.tid)
        if left:
            self._lend((person.pid, event.signal), left, event.time, fate, event.task.tid)

    # A process is born, or ends.

    def _forked(self, event: Forked) -> None:
        self.people.forked(event)

    def _exited(self, event: Exited) -> None:
        person = self.people.exited(event)
        status = event.status
        if person is None:
            if not status:
                self._thread_ended(event)
            return
        mine = list(person.open.values())
        signal = None if status is None else status & 0x7F
        killer = killer_of(mine, signal)
        if killer is not None:
            fate, because = ends_it(status)
            person.killer = killer
            killed: Story | None = killer.story(fate, event.time, because, 1, killer.thread, None)
            self._tell(killer, fate, because, event.time, thread=killer.thread)
        else:
            killed = self._blamed(person, signal, event)
        for record in mine:
            if record.open:
                self._tell(record, *left_over(record, killer, status, self.tells_taken), event.time)
        self.ends[person.pid] = End(event.time, actor(person), status, killed)
        self.ends.move_to_end(person.pid)
        if len(self.ends) > MOST_ENDS:
            self.ends.popitem(last=False)

    def _blamed(self, person: Person, signal: int | None, event: Exited) -> Story | None:
        """It was told before: a signal that its handler made an end of."""
        if not signal:
            return None
        for record in reversed(person.got):
            if record.sent.info.signal == signal and record.fate is not None:
                person.killer = record
                return record.story(record.fate, event.time, "", 1, record.thread, None)
        return None

    def _thread_ended(self, event: Exited) -> None:
        person = self.people.of(event.task)
        for record in list(person.open.values()):
            if not record.sent.group and record.sent.target.tid == event.task.tid:
                self._tell(record, Fate.ENDED, "its thread has ended", event.time)

    # Nobody was seen to take it.

    def _overdue(self, record: Record, now: int) -> None:
        if record.perhaps:
            self._tell(record, *dropped(record), now)
        elif record.fatal:
            if now - record.sent.time < self.patience:
                self._again(record, now + FRESH)
            elif not record.waits:
                self._tell(record, Fate.UNTAKEN, "it is about to die, and has not ended", now)
                self._again(record, now + SLOWEST)
        elif record.origin is Origin.TRACER:
            self._tell(record, Fate.TRACED, "its tracer was told of the stop", now)
        elif self.people.living.get(record.target.pid) is record.target:
            self._asked[record.target.pid].append(record)
        else:
            self._tell(record, Fate.UNKNOWN, "its process is gone; how was not seen", now)

    def _looked(self, record: Record, look: Look) -> None:
        record.asked += 1
        now, late = look.time, look.time - record.sent.time >= self.patience
        waiting = still_pending(record, look) if look.threads else None
        if not look.threads or waiting is False:
            # The event that tells of it may be on its way.
            if record.asked == 1 or not (look.threads or late):
                self._again(record, now + FRESH)
            elif look.threads:
                self._tell(record, *why_taken(look, record.sent.info.signal), now)
            else:
                self._tell(record, Fate.UNKNOWN, "its process is gone; how was not seen", now)
            return
        held = held_back(record, look) if waiting else None
        if held is not None and not record.waits:
            self._tell(record, *held, now)
        elif held is None and late and not record.waits:
            fate = Fate.UNTAKEN if waiting else Fate.UNKNOWN
            self._tell(record, fate, why_not(look), now)
        if record.open:
            self._again(record, now + min(FRESH << min(record.asked, 10), SLOWEST))


def _may_die(target: Person) -> bool:
    """Is one on its way that may end it?"""
    return any(
        not one.waits and not one.perhaps and one.sent.info.signal.default_action in ENDING
        for one in target.open.values()
    )
