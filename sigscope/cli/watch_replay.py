"""``sigscope watch --from-file``: a record, told again with other questions."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.analysis.watch.replaying import replayed
from sigscope.analysis.watch.stories import Stories
from sigscope.cli.output import remark
from sigscope.cli.watch_choice import Asked, choice_of
from sigscope.cli.watch_report import Report
from sigscope.decode.watch_record import Closed
from sigscope.errors import ExitStatus
from sigscope.kernel.watch.recording import Recording
from sigscope.model.story import Known, Look, Story
from sigscope.model.watch import Event

_BUNCH = 20_000_000
"""Nanoseconds: what was told together is told together again."""


def replay(asked: Asked, path: str) -> int:
    """All of it, or as much as --count and --for ask for; damage is remarked upon."""
    recording = Recording(path)
    header = recording.header
    report = Report(
        asked, choice_of(asked, None), header.wall, header.started, header.engine, header.host
    )
    stories = Stories(patience=asked.patience)
    last = header.started
    if not asked.as_json:
        report.head()
    bunch: list[Story] = []
    for story in replayed(stories, _entries(recording, asked)):
        if bunch and story.settled - bunch[0].settled > _BUNCH:
            report.add(bunch)
            bunch = []
        bunch.append(story)
        last = max(last, story.settled)
        if report.full or report.over:
            break
    report.add(bunch)
    report.close(last, recording.lost if recording.whole else None)
    if recording.damaged:
        lines = "1 line is" if recording.damaged == 1 else f"{recording.damaged} lines are"
        remark(f"{path}: {lines} damaged ({recording.trouble}): left out")
    if not recording.whole and not (report.full or report.over or asked.seconds):
        remark(f"{path} has no last line: it was cut off, or the watch is still going on")
    return int(ExitStatus.FINE)


def _entries(recording: Recording, asked: Asked) -> Iterator[Event | Known | Look]:
    most = None
    if asked.seconds is not None:
        most = recording.header.started + int(asked.seconds * 1e9)
    for entry in recording.entries():
        if isinstance(entry, Closed):
            continue
        if most is not None and not isinstance(entry, Known) and entry.time > most:
            return
        yield entry
