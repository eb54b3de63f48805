"""``sigscope fcgi --simulate``: an answer that a script would give, and many of them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sigscope.analysis.fcgi.php import Do, Settings, Step, answer_of
from sigscope.analysis.fcgi.reader import enough, front_end
from sigscope.analysis.fcgi.sweep import by_size, sweep
from sigscope.cli.output import put, put_json, width
from sigscope.errors import ExitStatus, UsageError
from sigscope.model.fcgi import Answer, Arrival, FrontEnd, Reason
from sigscope.model.host import Host
from sigscope.render.fcgi import (
    answer_json,
    answer_lines,
    front_end_json,
    front_end_lines,
    interval_json,
    lost_lines,
    sizes_lines,
    sweep_lines,
)
from sigscope.render.line import BLANK, Line

LONGEST_SWEEP = 200_000
LONGEST = 1 << 24
"""Bytes of one message or output: enough, and soon written."""


@dataclass(frozen=True, slots=True)
class Script:
    """What the script does, and how the answer arrives."""

    messages: tuple[int, ...]
    before: int
    body: int
    settings: Settings
    arrive: tuple[int, ...] = ()

    def steps(self) -> Iterator[Step]:
        if self.before:
            yield Step(Do.OUTPUT, self.before)
        for length in self.messages:
            yield Step(Do.MESSAGE, length)
        yield Step(Do.OUTPUT, self.body)

    def answer(self) -> Answer:
        answer = answer_of(self.steps(), self.settings)
        return replace(answer, arrivals=_pieces(answer, self.arrive)) if self.arrive else answer


def header_of(length: int) -> bytes:
    """A header of so many bytes, the empty line included: 0, 2, or 6 and more."""
    if length == 0:
        return b""
    if length == 2:
        return b"\r\n"
    if length < 6:
        raise UsageError(f"no header has {length} bytes", "its end alone has 2; give 6 or more")
    return b"X:" + b"h" * (length - 6) + b"\r\n\r\n"


def simulate(script: Script, buffers: Sequence[int], lengths: range | None, as_json: bool) -> int:
    """Print the verdict, or the intervals of a sweep; the exit status."""
    if lengths is not None:
        return _sweep(script, buffers, lengths, as_json)
    answer = script.answer()
    fronts = [front_end(answer, size) for size in buffers]
    sizes = by_size(answer)
    least = enough(answer)
    if as_json:
        _print(
            simulated={
                **answer_json(answer),
                "front_ends": [front_end_json(one) for one in fronts],
                "sizes": [front_end_json(one) for one in sizes],
                "enough": least,
            }
        )
    else:
        put(_lines(answer, fronts, sizes, least))
    failed = any(one.failed or not one.outcomes for one in fronts)
    return ExitStatus.ANSWER_IS_NO if failed else ExitStatus.FINE


def _lines(
    answer: Answer, fronts: Sequence[FrontEnd], sizes: Sequence[FrontEnd], least: int | None
) -> Iterator[Line]:
    yield from answer_lines(answer)
    yield BLANK
    for one in fronts:
        yield from front_end_lines(one, width())
    yield BLANK
    yield from sizes_lines(sizes, least, width())
    if any(out.reason is Reason.TOO_BIG_HEADER for one in fronts for out in one.outcomes):
        yield from lost_lines(width())


def _sweep(script: Script, buffers: Sequence[int], lengths: range, as_json: bool) -> int:
    others = script.messages[1:]

    def answer(length: int) -> Answer:
        return replace(script, messages=(length, *others)).answer()

    found = [(size, tuple(sweep(lengths, answer, size))) for size in buffers]
    if as_json:
        _print(
            sweeps=[
                {"buffer": size, "intervals": [interval_json(one) for one in intervals]}
                for size, intervals in found
            ]
        )
        return ExitStatus.FINE
    what = f"message of {lengths.start} to {lengths[-1]} bytes"
    put(line for size, intervals in found for line in sweep_lines(intervals, size, what))
    return ExitStatus.FINE


def _print(**content: object) -> None:
    from sigscope.render.document import document

    here = Host(os.uname().nodename, time.time(), 0.0, 0, engines=())
    put_json(document("fcgi", here, **content))


def _pieces(answer: Answer, sizes: Sequence[int]) -> tuple[Arrival, ...]:
    """These sizes, the last one again and again, each read before the next comes."""
    left, found, place = answer.size, list[Arrival](), 0
    while left > 0:
        size = min(left, sizes[min(place, len(sizes) - 1)])
        found.append(Arrival(size, settled=True))
        left, place = left - size, place + 1
    return tuple(found)
