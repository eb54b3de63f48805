"""BPF, perf and tracefs, side by side on one random storm: they tell the same."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sigscope.kernel.bpf.watch import BpfSource
from sigscope.kernel.perf.source import PerfSource
from sigscope.kernel.tracefs.source import TracefsSource
from sigscope.kernel.watch.source import Source, Wanted
from sigscope.model.watch import Delivered, Event, Sent
from tests.kernel.bpf.engine import need_engine
from tests.watch.gathering import gather
from tests.watch.storms import CLOCKS, Outcome, Storm, check

NUMBER = 3_000


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_engine()


class Together:
    """The first of several sources; whenever it is read, the others are, too."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.told: list[list[Event]] = [[] for _ in sources]

    def __getattr__(self, name: str) -> object:
        return getattr(self.sources[0], name)

    def events(self) -> list[Event]:
        new = [source.events() for source in self.sources]
        for told, events in zip(self.told, new, strict=True):
            told += events
        return new[0]

    def finish(self) -> None:
        """Until each has told of the last signal that we sent."""
        last = max(
            (
                one
                for one in self.told[0]
                if isinstance(one, Sent) and one.sender.tid == os.getpid()
            ),
            key=lambda one: one.time,
        )

        def seen(found: list[Event]) -> bool:
            return any(
                isinstance(one, Sent)
                and (one.target.tid, one.info.signal) == (last.target.tid, last.info.signal)
                for one in found
            )

        for source, told in zip(self.sources, self.told, strict=True):
            if not seen(told):
                told += gather(source, seen)


def sent(events: list[Event], outcome: Outcome) -> Counter[tuple[object, ...]]:
    """Each signal that a receiver was sent, by all that a tracepoint tells."""
    return Counter(
        (
            int(one.info.signal),
            one.info.code,
            one.sender.tid,
            one.target.tid,
            one.target.tgid,
            one.result,
            one.group,
        )
        for one in events
        if isinstance(one, Sent) and one.target.tgid in outcome.roles
    )


def delivered(events: list[Event], outcome: Outcome) -> Counter[tuple[object, ...]]:
    return Counter(
        (int(one.signal), one.code, one.task.tid, one.task.tgid, one.handler, one.flags)
        for one in events
        if isinstance(one, Delivered) and one.task.tgid in outcome.roles
    )


def only_clocks(kinds: Counter[tuple[object, ...]], said: str) -> None:
    assert {kind[0] for kind in kinds} <= CLOCKS, (said, kinds)


def test_the_sources_tell_the_same() -> None:
    """But for a host that hides some of its tasks (its PID 1, and an idle task that came of it)
    from BPF programs and perf events, perf(1) itself included: what a clock sends while one of
    them is running, tracefs alone tells.
    """
    every = Wanted(every=True)
    with (
        Storm() as storm,
        BpfSource(every) as bpf,
        PerfSource(every) as perf,
        TracefsSource(every) as tracefs,
    ):
        together = Together((bpf, perf, tracefs))
        outcome = storm.rage(together, NUMBER)  # type: ignore[arg-type]
        together.finish()
        assert (bpf.lost, perf.lost, tracefs.lost) == (0, 0, 0)
    said = f"seed {outcome.seed}"
    by_bpf, by_perf, by_tracefs = (sent(told, outcome) for told in together.told)
    for fewer in (by_bpf, by_perf):
        assert not fewer - by_tracefs, said
        only_clocks(by_tracefs - fewer, said)
    of_bpf, of_perf, of_tracefs = (delivered(told, outcome) for told in together.told)
    assert of_perf == of_tracefs == of_bpf, said
    in_order = sorted(together.told[2], key=lambda one: one.time)
    check(replace(outcome, events=in_order), full=False)
