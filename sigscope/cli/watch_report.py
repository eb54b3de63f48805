"""Stories as they come, printed, summed up, and written to a trace."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence

from sigscope.analysis.watch.choosing import Choice
from sigscope.analysis.watch.summing import BUCKETS, Summary
from sigscope.cli.output import put, put_line, put_remarks, remark, width
from sigscope.cli.watch_choice import Asked
from sigscope.errors import CannotWrite
from sigscope.model.story import Story
from sigscope.render.document import SCHEMA
from sigscope.render.line import Line
from sigscope.render.watch import Columns, status_line
from sigscope.render.watch_document import story_json, summary_json
from sigscope.render.watch_summary import (
    TreeOf,
    delay_lines,
    pair_lines,
    total_line,
    tree_lines,
)
from sigscope.render.watch_trace import Trace

_STATUS_EVERY = 0.5
_MOST_WAITING = 1 << 16


class Report:
    """``told`` counts the signals that were shown; ``over`` once nobody reads any more."""

    def __init__(
        self, asked: Asked, choice: Choice, wall: int, started: int, engine: str, host: str = ""
    ) -> None:
        self.asked = asked
        self.choice = choice
        self.told = 0
        self.over = False
        self._waiting: set[int] = set()
        self._wall, self._started, self._engine = wall, started, engine
        self._host = host or os.uname().nodename
        self._summary = Summary()
        self._columns = Columns(width(), wall, asked.every)
        self._headed = asked.as_json
        self._terminal = not asked.as_json and sys.stdout is not None and sys.stdout.isatty()
        self._status = ""
        self._drawn = 0.0
        self._rate = (time.monotonic(), 0, 0.0)
        self._trace = None if asked.trace is None else _TraceFile(asked.trace, started)

    def head(self) -> None:
        """The names of the columns, before anything happens."""
        if not self._headed:
            self._headed = True
            self._put([self._columns.head()])

    def add(self, stories: Sequence[Story]) -> None:
        """What is asked for of these is shown at once; of what was shown, also how it ended."""
        shown = []
        if not self.asked.as_json:
            self._columns.note(stories)
        for story in stories:
            asked = self.choice.tells(story) or story.number in self._waiting
            if story.fate.lasts:
                self._waiting.discard(story.number)
            if not asked or self.full:
                continue
            shown.append(story)
            if not story.fate.lasts and len(self._waiting) < _MOST_WAITING:
                self._waiting.add(story.number)
            self._summary.add(story)
            self.told += 0 if story.again else story.times
        if not shown:
            return
        if self._trace is not None:
            self._trace.add(shown)
        if self.asked.as_json:
            for story in shown:
                self._line(story_json(story, self._wall, self._started))
            return
        self.head()
        self._clear()
        self._put(self._columns.lines(shown))

    @property
    def full(self) -> bool:
        """Have as many been told as were asked for?"""
        return self.asked.count is not None and self.told >= self.asked.count

    def status(self, lost: int | None) -> None:
        """The last line of a terminal."""
        now = time.monotonic()
        if not self._terminal or now - self._drawn < _STATUS_EVERY:
            return
        self._drawn = now
        since, before, rate = self._rate
        if now - since >= 1.0:
            rate = (self.told - before) / (now - since)
            self._rate = now, self.told, rate
        text = status_line(self.told, rate, lost, len(self._waiting), width())
        if text != self._status:
            self._status = text
            self._write(f"\r\x1b[K\x1b[2m{text}\x1b[0m")

    def _clear(self) -> None:
        if self._status:
            self._write("\r\x1b[K")
            self._status = ""

    def close(self, now: int, lost: int | None) -> None:
        """The summary, and the end of the trace."""
        self._clear()
        seconds = max(0.0, (now - self._started) / 1e9)
        one = self._summary
        if self._trace is not None:
            self._trace.close()
        if self.asked.as_json:
            if self.asked.summary:
                bounds: list[int | None] = [*BUCKETS, None]
                delays = [(bounds[at], count) for at, count in sorted(one.delays.items())]
                self._line(
                    summary_json(
                        one.total, one.fates, one.signals, one.pairs, delays, seconds, lost
                    )
                )
            return
        total = total_line(one.total, one.fates, seconds, lost)
        if not self.asked.summary:
            put_remarks([total])
            return
        self._put([total])
        self._put(tree_lines(self._trees()))
        self._put(pair_lines(one.pairs))
        self._put(delay_lines(one.delays, BUCKETS))

    def _trees(self) -> list[TreeOf]:
        """Those that came to something, the biggest if there are many."""
        trees = [tree for tree in self._summary.trees.values() if tree.branches and tree.root]
        found = []
        for tree in trees:
            found.append(TreeOf(tree.root, width()))
            for branch in sorted(tree.branches.values(), key=lambda one: one.story.number):
                found[-1].branch(branch.story, sorted(branch.targets), branch.times, branch.fates)
        return found

    def _line(self, content: dict[str, object]) -> None:
        told = {"schema": SCHEMA, "command": "watch", "host": self._host, "engine": self._engine}
        self.over |= not put_line({**told, **content})

    def _put(self, lines: Iterable[Line]) -> None:
        self.over |= not put(lines)

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class _TraceFile:
    def __init__(self, path: str, started: int) -> None:
        self._path = path
        self._trace = Trace(started)
        self._first = True
        try:
            self._file = open(path, "w", encoding="utf-8")  # noqa: SIM115  closed by close()
            self._file.write("[\n")
            self._file.flush()
        except OSError as error:
            hint = "name another file: --trace FILE"
            raise CannotWrite(f"cannot write {path}: {error.strerror}", hint) from None

    def add(self, stories: Sequence[Story]) -> None:
        try:
            for story in stories:
                for event in self._trace.events(story):
                    self._file.write(("" if self._first else ",\n") + json.dumps(event))
                    self._first = False
            self._file.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def close(self) -> None:
        try:
            if not self._file.closed:
                self._file.write("\n]\n")
                self._file.close()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if not self._file.closed:
            reason = getattr(error, "strerror", None) or str(error)
            remark(f"the trace {self._path} ends here: {reason}")
            with contextlib.suppress(OSError):
                self._file.close()
