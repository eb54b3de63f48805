"""``--history FILE``: what a record of ``sigscope watch`` tells beside the look of today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.analysis.watch.history import History, history_of
from sigscope.cli.output import remark, width
from sigscope.decode.watch_record import Closed
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.watch.recording import Recording, boot_id
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, Signal
from sigscope.model.story import End, Known, Look, Story
from sigscope.model.watch import Event
from sigscope.render.line import BLANK, Line, Role, Span
from sigscope.render.signal_set import Json
from sigscope.render.watch_document import past_json
from sigscope.render.watch_history import end_lines, last_lines, waiting_lines

_NS = 1_000_000_000
_MOST = 100


def read_history(path: str, live: bool = True) -> History:
    """Of a file that ``watch --record`` wrote; UsageError if it is none.

    Damage, and with ``live`` a record of another boot, is remarked upon: pids begin anew then.
    """
    recording = Recording(path)
    header = recording.header
    found = history_of(header.boot, header.wall, header.started, _entries(recording))
    if recording.damaged:
        remark(f"{path}: {recording.damaged} lines are damaged, and left out")
    if live and header.boot and header.boot != boot_id():
        remark(f"{path} is of another boot of {header.host}: its pids may be those of others")
    return found


def _entries(recording: Recording) -> Iterator[Event | Known | Look]:
    for entry in recording.entries():
        if not isinstance(entry, Closed):
            yield entry


def process_lines(history: History, process: Process, ticks: int) -> Iterator[Line]:
    """Who sent what is pending; ``ticks`` a second is what its start is counted in."""
    found = _pending(history, process, ticks)
    if not found:
        return
    yield BLANK
    yield Line.of(Span("waiting, as recorded", Role.STRONG))
    for story in found:
        yield from waiting_lines(history.chain(story), history.wall, width())


def signal_lines(history: History, process: Process, signal: Signal, ticks: int) -> Iterator[Line]:
    """What became of this signal when it was sent to the process before."""
    since = process.start_time * _NS // max(1, ticks)
    got = [one for one in history.got(process.pid, since) if one.signal == signal]
    if not got:
        return
    yield BLANK
    count = sum(one.times for one in got)
    again = f", the last of {count}" if count > 1 else ""
    yield Line.of(Span(f"recorded{again}", Role.STRONG))
    yield from last_lines(history.chain(got[-1]), history.wall, width())


def gone(source: ProcFS, words: Sequence[str]) -> list[str]:
    """Those of the targets, given by pid, that are not there any more."""
    return [word for word in words if not _is_there(source, word)]


def _is_there(source: ProcFS, word: str) -> bool:
    try:
        source.enter(int(word.partition("/")[0])).close()
    except ValueError:  # a name
        return True
    except OSError:
        return False
    return True


def gone_lines(history: History, words: Sequence[str]) -> Iterator[Line]:
    """How those of the targets that are not there any more came to their ends."""
    for end in _ends(history, words):
        chain = () if end.killer is None else history.chain(end.killer)
        yield from end_lines(end, chain, history.wall, width())


def history_json(
    history: History, processes: Sequence[Process], words: Sequence[str], ticks: int
) -> Json:
    """What waits for these processes, and the ends of those that are gone."""
    stories = [one for each in processes for one in _pending(history, each, ticks)]
    there = {one.pid for one in processes}
    ends = [end for end in _ends(history, words) if end.target.pid not in there]
    return past_json(stories, ends, history.wall, history.started)


def signal_json(history: History, process: Process, signal: Signal, ticks: int) -> Json:
    """The same as ``history_json`` for one signal, pending or not."""
    since = process.start_time * _NS // max(1, ticks)
    got = [one for one in history.got(process.pid, since) if one.signal == signal]
    return past_json(got[-_MOST:], (), history.wall, history.started)


def _pending(history: History, process: Process, ticks: int) -> list[Story]:
    since = process.start_time * _NS // max(1, ticks)
    pending = process.pending or EMPTY
    for thread in process.threads:
        pending = pending | (thread.pending or EMPTY)
    return [one for one in history.waiting(process.pid, since) if one.signal in pending]


def _ends(history: History, words: Sequence[str]) -> list[End]:
    pids = [int(word.partition("/")[0]) for word in words if word.partition("/")[0].isdecimal()]
    return [history.ends[pid] for pid in dict.fromkeys(pids) if pid in history.ends]
