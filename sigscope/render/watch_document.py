"""The JSON of a watch: one object for each story, and one for the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from sigscope.model.story import Actor, End, Fate, Story
from sigscope.render.signal_set import Json


def story_json(story: Story, wall: int, started: int) -> Json:
    """``time`` is ISO 8601 in UTC; ``relative`` and ``delay`` are seconds."""
    sender = story.sender
    return {
        "number": story.number,
        "time": moment(story.time + wall),
        "relative": round((story.time - started) / 1e9, 6),
        "signal": story.signal.name,
        "code": story.info.code_name,
        "value": story.info.value,
        "origin": story.origin.value,
        "why": story.why,
        "group": story.group,
        "sender": None if sender is None else actor_json(sender),
        "target": actor_json(story.target),
        "outcome": story.fate.value,
        "because": story.because,
        "again": story.again,
        "delay": round(story.delay / 1e9, 6),
        "times": story.times,
        "taken_by": story.thread,
        "cause": story.cause,
        "confidence": None if story.confidence is None else story.confidence.value,
        "root": story.root,
        "step": story.step,
        "merged_into": story.into,
    }


def actor_json(actor: Actor) -> Json:
    """A sender or a target; the parent comes first among its ancestors."""
    container = actor.container
    return {
        "pid": actor.pid,
        "tid": actor.tid,
        "comm": actor.comm,
        "cmdline": None if actor.cmdline is None else list(actor.cmdline),
        "uid": actor.uid,
        "container": None
        if container is None
        else {"runtime": container.runtime, "id": container.id},
        "ancestors": [{"pid": pid, "comm": comm} for pid, comm in actor.ancestors],
    }


HISTORY = "history"
"""The key of what a record tells, in the documents of pid and explain."""


def past_json(stories: Sequence[Story], ends: Sequence[End], wall: int, started: int) -> Json:
    """What waits, or went before, and what has ended."""
    return {
        "stories": [story_json(one, wall, started) for one in stories],
        "ends": [end_json(end, wall, started) for end in ends],
    }


def end_json(end: End, wall: int, started: int) -> Json:
    """How a process came to its end; ``status`` as wait(2) gives it."""
    return {
        "pid": end.target.pid,
        "ended": moment(end.time + wall),
        "status": end.status,
        "killer": None if end.killer is None else story_json(end.killer, wall, started),
    }


def summary_json(
    total: int,
    fates: Mapping[Fate, int],
    signals: Mapping[str, int],
    pairs: Counter[tuple[str, str, str]],
    delays: Sequence[tuple[int | None, int]],
    seconds: float,
    lost: int | None,
) -> Json:
    """``delays`` are pairs of an upper bound (seconds; null for the last) and a number."""
    told: Json = {
        "total": total,
        "seconds": round(seconds, 3),
        "lost": lost,
        "outcomes": [{"outcome": fate.value, "count": count} for fate, count in fates.items()],
        "signals": [{"signal": name, "count": count} for name, count in signals.items()],
        "pairs": [
            {"from": sender, "signal": signal, "to": target, "count": count}
            for (sender, signal, target), count in pairs.most_common(1000)
        ],
        "delays": [
            {"below": None if most is None else most / 1e9, "count": count}
            for most, count in delays
        ],
    }
    return {"summary": told}


def moment(nanoseconds: int) -> str | None:
    """ISO 8601 in UTC; None for what no calendar has."""
    try:
        whole = datetime.fromtimestamp(nanoseconds // 1_000_000_000, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return None
    return whole.replace(microsecond=nanoseconds // 1000 % 1_000_000).isoformat(
        timespec="microseconds"
    )
