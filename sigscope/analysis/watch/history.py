"""What a record tells of one process afterwards: what it got, what waits, and what ended it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sigscope.analysis.watch.replaying import replayed
from sigscope.analysis.watch.stories import Stories
from sigscope.model.story import End, Known, Look, Story
from sigscope.model.value import dataclass
from sigscope.model.watch import Event

MOST = 100_000
"""Stories that are kept, the last ones."""
_SLACK = 100_000_000
"""Nanoseconds: the start of a process is known in ticks of 10 ms."""


@dataclass(frozen=True, slots=True)
class History:
    """``wall`` is CLOCK_REALTIME less CLOCK_MONOTONIC; ``started`` and ``last`` of the latter.

    ``stories`` has one of each signal, the second of those that had to wait; ``ends`` are those
    of processes, by pid. ``boot`` is the id of the boot in which its pids mean something.
    """

    boot: str
    wall: int
    started: int
    last: int
    stories: tuple[Story, ...]
    ends: Mapping[int, End]

    def got(self, pid: int, since: int = 0) -> tuple[Story, ...]:
        """What this process got, in order; ``since`` its start, as pids are used again."""
        return tuple(
            one for one in self.stories if one.target.pid == pid and one.time >= since - _SLACK
        )

    def waiting(self, pid: int, since: int = 0) -> tuple[Story, ...]:
        """Of these, what nobody had taken when the record ended."""
        return tuple(one for one in self.got(pid, since) if not one.fate.lasts)

    def chain(self, story: Story) -> tuple[Story, ...]:
        """From the first signal that led to this one, to itself."""
        known = {one.number: one for one in self.stories}
        found = [story]
        while (cause := found[-1].cause) is not None and cause in known and len(found) < 32:
            found.append(known[cause])
        return tuple(reversed(found))


def history_of(
    boot: str, wall: int, started: int, entries: Iterable[Event | Known | Look]
) -> History:
    """All of a record; of a long one, the last stories."""
    engine = Stories()
    told: deque[Story] = deque(replayed(engine, entries), maxlen=MOST)
    latest: dict[int, Story] = {}
    for story in told:
        latest[story.number] = story
    last = max((story.settled for story in told), default=started)
    ordered = tuple(latest[number] for number in sorted(latest))
    return History(boot, wall, started, last, ordered, MappingProxyType(dict(engine.ends)))
