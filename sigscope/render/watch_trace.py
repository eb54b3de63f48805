"""A watch as a Chrome trace, which Perfetto and chrome://tracing show.

One track a process, a slice where a signal is sent and one where it waits until its fate, and an
arrow (flow event) from one to the other. The format is the "JSON Array Format" of the Trace Event
Format: its closing bracket may be missing, so what is written stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.model.story import Actor, Story
from sigscope.render.line import escape
from sigscope.render.signal_set import Json
from sigscope.render.watch import label

KERNEL = 0
"""The track of what no process sent."""


class Trace:
    """Turns stories into trace events; ``started`` (ns of CLOCK_MONOTONIC) is zero."""

    def __init__(self, started: int) -> None:
        self._started = started
        self._named: dict[int, str | None] = {}

    def events(self, story: Story) -> Iterator[Json]:
        """Those of one story, names of new tracks first."""
        sender = story.sender
        source = KERNEL if sender is None else sender.pid
        if sender is None:
            yield from self._name(KERNEL, "kernel, timers and terminals")
        else:
            yield from self._track(sender)
        yield from self._track(story.target)
        name, flow = story.signal.short, f"{story.number}"
        args: Json = {
            "outcome": story.fate.value,
            "because": story.because,
            "why": story.why,
            "times": story.times,
            "cause": story.cause,
        }
        begin, end = self._at(story.time), self._at(story.settled)
        if not story.again:
            yield self._slice(f"{name} to {story.target.pid}", source, begin, 1.0, args)
            yield self._flow("s", flow, source, begin)
        text = f"{name} {label(story.fate)}"
        yield self._slice(text, story.target.pid, begin, max(1.0, end - begin), args)
        if not story.again:
            yield {**self._flow("f", flow, story.target.pid, begin), "bp": "e"}

    def _at(self, time: int) -> float:
        return (time - self._started) / 1000

    def _track(self, actor: Actor) -> Iterator[Json]:
        yield from self._name(actor.pid, f"{escape(actor.comm or '?')}")

    def _name(self, pid: int, name: str) -> Iterator[Json]:
        if self._named.get(pid) != name and len(self._named) < 1 << 16:
            self._named[pid] = name
            yield {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}}

    @staticmethod
    def _slice(name: str, pid: int, begin: float, length: float, args: Json) -> Json:
        return {
            "ph": "X",
            "cat": "signal",
            "name": name,
            "pid": pid,
            "tid": pid,
            "ts": begin,
            "dur": length,
            "args": args,
        }

    @staticmethod
    def _flow(kind: str, flow: str, pid: int, at: float) -> Json:
        return {
            "ph": kind,
            "cat": "signal",
            "name": "signal",
            "id": flow,
            "pid": pid,
            "tid": pid,
            "ts": at,
        }
