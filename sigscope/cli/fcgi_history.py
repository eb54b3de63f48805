"""``sigscope fcgi --history FILE``: who ended a worker, from a record of ``sigscope watch``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from sigscope.analysis.watch.history import History
from sigscope.cli.watch_history import read_history
from sigscope.model.fcgi import Clues, Ending, Exchange
from sigscope.model.signals import Signal
from sigscope.model.story import End, Origin
from sigscope.render.watch_history import sent_by

_NS = 1_000_000_000
_NEAR = 1.0
"""Seconds between the end of a connection and that of its worker, which is not named there: a
process that ends on a busy machine may take that."""
_MOST = 5
"""Of several that were killed at the same time, so many are named: the nearest first."""
_TRIES, _PAUSE = 4, 0.3
"""The watch that writes the record may be a little behind."""
_BROKEN = frozenset((Ending.CLOSED, Ending.RESET))


class Past:
    """A record, read again for each worker that ended if it is still being written."""

    def __init__(self, path: str, live: bool) -> None:
        self._path = path
        self._live = live
        self._history = read_history(path, live)

    def of_worker(self, pid: int, clues: Clues) -> Clues:
        """What is known of a worker that a signal has ended, and who sent that by the record."""
        if not clues.signal:
            return clues
        end = self._found(lambda history: history.ends.get(pid))
        if end is None or end.killer is None:
            return clues
        evidence = [one for one in clues.evidence if one != "who sent it was not seen"]
        return Clues(
            clues.signal,
            clues.sender or _sender(self._history, end),
            clues.limit,
            (*evidence, *_told(self._history, end, "by the record: ")),
        )

    def of_connection(self, exchange: Exchange) -> Clues:
        """Which process was killed just when the worker's side of a connection was closed."""
        if exchange.ending not in _BROKEN or exchange.seconds is None:
            return Clues()
        closed = exchange.started + exchange.seconds
        near = [
            end
            for end in self._history.ends.values()
            if (end.status or 0) & 0x7F
            and abs((end.time + self._history.wall) / _NS - closed) <= _NEAR
        ]
        # A record of some processes alone has the ends of all, but not who killed the others.
        near = [end for end in near if end.killer is not None] or near
        if not near:
            return Clues()
        near.sort(key=lambda one: abs((one.time + self._history.wall) / _NS - closed))
        if len(near) > 1:
            said = [f"{_likely(one)}: {_by(one)}" for one in near[:_MOST]]
            return Clues(evidence=(*said, "which of them had the connection is not told"))
        (end,) = near
        signal = Signal((end.status or 0) & 0x7F).name
        evidence = (_likely(end), *_told(self._history, end, ""))
        return Clues(signal, _sender(self._history, end), "", evidence)

    def _found(self, look: Callable[[History], End | None]) -> End | None:
        for tried in range(_TRIES if self._live else 1):
            if tried:
                time.sleep(_PAUSE)
            if self._live:
                self._history = read_history(self._path, live=False)
            if (end := look(self._history)) is not None:
                return end
        return None


def _likely(end: End) -> str:
    name = Signal((end.status or 0) & 0x7F).name
    return f"likely, by the time: {end.target.comm or '?'} {end.target.pid} was ended by {name}"


def _by(end: End) -> str:
    return "by whom is not known" if end.killer is None else sent_by(end.killer)


def _sender(history: History, end: End) -> str:
    """ "kill 812"; php-fpm's workers send the SIGTERM that they got to themselves once more."""
    if end.killer is None:
        return ""
    for story in reversed(history.chain(end.killer)):
        if story.origin is not Origin.ITSELF:
            actor = story.sender
            return "the kernel" if actor is None else f"{actor.comm or '?'} {actor.pid}"
    return ""


def _told(history: History, end: End, begin: str) -> Iterator[str]:
    """Who sent it, with his command line and forefathers; then what had led to that."""
    if end.killer is None:
        return
    last, *earlier = reversed(history.chain(end.killer))
    yield f"{begin}{sent_by(last)}"
    for story in earlier:
        got = f"{story.target.comm or '?'} {story.target.pid}"
        yield f"because {got} had got {sent_by(story)} (likely)"
