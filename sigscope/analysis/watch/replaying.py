"""Stories from a record: the same events, and the same answers of /proc, as they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sigscope.analysis.watch.stories import Stories
from sigscope.model.story import Known, Look, Story
from sigscope.model.watch import Event


def replayed(stories: Stories, entries: Iterable[Event | Known | Look]) -> Iterator[Story]:
    """In the order of the record; at its end, what was still under way."""
    now = 0
    census: list[Known] = []
    for entry in entries:
        if isinstance(entry, Known):
            if now:
                stories.people.describe(entry)
            else:
                census.append(entry)
            continue
        if not now:
            stories.people.fill(census)
            census.clear()
        now = max(now, entry.time)
        if isinstance(entry, Look):
            yield from stories.tick(now)
            yield from stories.settle(entry)
        else:
            yield from stories.take(entry)
    yield from stories.finish(now)
