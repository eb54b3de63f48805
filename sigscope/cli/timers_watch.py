"""``sigscope timers --watch``: how the timers of some processes go on, look after look."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sigscope.analysis.timer_changes import changes
from sigscope.cli.interruption import Interruption
from sigscope.cli.output import put, put_again, put_line, put_remarks, remark, width
from sigscope.cli.target import Target
from sigscope.cli.timers_look import Answer, Seen, gaps_of, judged, look, status_of
from sigscope.kernel.procfs import ProcFS
from sigscope.model.alarm import Alarms, Change, Judged
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.render.line import BLANK, Line

USUAL = 1.0
"""Seconds between two looks."""
_ROWS = 24


@dataclass(frozen=True, slots=True)
class Looked:
    """One look: who is there, what has changed of it, and who has ended."""

    host: Host
    answers: list[Answer]
    changed: list[tuple[Answer, Change, Judged]]
    ended: list[Process]


def watch(
    source: ProcFS, targets: Sequence[Target], pause: float, seconds: float | None, as_json: bool
) -> int:
    """Until ^C, that time is over, or all have ended; the status is that of the last look."""
    show = _put_objects if as_json else _Drawn().put if _on_terminal() else _put_lines
    deadline = None if seconds is None else time.monotonic() + seconds
    following = _Following(source, list(targets))
    told: dict[str, Gap] = {}
    if not as_json:
        remark(f"following the timers of {_names(targets)}; ^C ends it")
    with Interruption() as over:
        while True:
            looked = following.look()
            _tell_gaps(looked, told)
            if not show(looked):
                break
            if not following.targets:
                if not as_json:
                    remark("all of them have ended")
                break
            left = pause if deadline is None else min(pause, deadline - time.monotonic())
            if left <= 0 or over.wait(left):
                break
    return following.status


@dataclass(slots=True)
class _Following:
    """What was seen last, so that the next look tells what has changed."""

    source: ProcFS
    targets: list[Target]
    status: int = 0
    seen: Seen = field(default_factory=dict)
    known: dict[int, Answer] = field(default_factory=dict)

    def look(self) -> Looked:
        host, seen = look(self.source, self.targets)
        answers = judged(self.source, host, seen, self.seen)
        ended = [self.known[pid].process for pid in self.known if pid not in seen]
        changed = [one for answer in answers for one in self._changed(answer)]
        self.targets = [target for target in self.targets if target.pid in seen]
        self.seen, self.known = seen, {one.process.pid: one for one in answers}
        if answers:
            self.status = status_of(answers)
        return Looked(host, answers, changed, ended)

    def _changed(self, answer: Answer) -> Iterator[tuple[Answer, Change, Judged]]:
        known = self.known.get(answer.process.pid)
        if known is None or not _comparable(known.alarms, answer.alarms):
            return
        timers = {one.alarm: one for one in (*known.timers, *answer.timers)}
        for change in changes(known.alarms, answer.alarms):
            yield answer, change, timers[change.alarm]


def _comparable(before: Alarms, now: Alarms) -> bool:
    """What could be read once, and not the other time, has not changed for that."""
    return before.gaps == now.gaps


class _Drawn:
    """On a terminal: what happened goes up, and below it stands how it is now."""

    def __init__(self) -> None:
        self._rows = 0

    def put(self, looked: Looked) -> bool:
        from sigscope.render.timers_watch import block, clipped, fitted

        columns, rows = width(), max(2, shutil.get_terminal_size((0, _ROWS)).lines)
        happened = [clipped(line, columns) for line in _happened(looked)]
        lines: list[Line] = []
        for one in looked.answers:
            lines += [BLANK] * bool(lines)
            lines += block(looked.host, one.process, one.timers, one.elsewhere, columns)
        shown = fitted(lines, rows - 1)
        over, self._rows = min(self._rows, rows - 1), len(shown)
        return put_again([*happened, *shown], over)


def _put_lines(looked: Looked) -> bool:
    from sigscope.render.timers_watch import plain

    lines = [*_happened(looked)]
    for one in looked.answers:
        lines += plain(looked.host, one.process, one.timers)
    return put(lines)


def _happened(looked: Looked) -> Iterator[Line]:
    from sigscope.render.timers_watch import change_line, ended_line

    for answer, change, timer in looked.changed:
        yield change_line(looked.host, answer.process, change, timer)
    for process in looked.ended:
        yield ended_line(looked.host, process)


def _put_objects(looked: Looked) -> bool:
    from sigscope.render.document import document, gap_json
    from sigscope.render.timers_document import timers_json, watched_json

    objects = [
        watched_json(one.process, change.became.value, timer)
        for one, change, timer in looked.changed
    ]
    objects += [watched_json(process, "ended") for process in looked.ended]
    for one in looked.answers:
        told = timers_json(one.process, one.alarms, one.timers, one.elsewhere)
        gaps = [gap_json(gap) for gap in (*looked.host.gaps, *gaps_of(one))]
        objects.append({"event": "look", **told, "gaps": gaps})
    return all(put_line(document("timers", looked.host, **one)) for one in objects)


def _tell_gaps(looked: Looked, told: dict[str, Gap]) -> None:
    """On standard error, each once."""
    from sigscope.render.gaps import gap_lines

    gaps = [*looked.host.gaps, *(gap for one in looked.answers for gap in gaps_of(one))]
    fresh = [gap for gap in gaps if gap.what not in told]
    told.update((gap.what, gap) for gap in fresh)
    if fresh:
        put_remarks(gap_lines(fresh, width()))


def _names(targets: Sequence[Target]) -> str:
    found = [
        f"{one.process.comm} {one.pid}" if one.process is not None else str(one.pid)
        for one in targets
    ]
    return ", ".join(found[:8]) + (" ..." if len(found) > 8 else "")


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
