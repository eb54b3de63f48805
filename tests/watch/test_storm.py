"""Every signal of a random storm appears once, with the right sender, code and result."""

from __future__ import annotations

from collections import Counter

import pytest

from sigscope.kernel.bpf.watch import BpfSource
from sigscope.kernel.watch.source import Wanted
from sigscope.model.watch import Sent
from tests.kernel.bpf.engine import need_engine
from tests.watch.storms import SIGNALS, Storm, check


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_engine()


def test_every_signal_is_told_once() -> None:
    with Storm() as storm, BpfSource(Wanted(every=True)) as source:
        check(storm.rage(source, 5_000), hidden=True)


def test_what_is_folded_is_counted_in_all() -> None:
    """The same storm: only the number of each kind is told, and that is exact."""
    with Storm() as storm, BpfSource(Wanted()) as source:
        outcome = storm.rage(source, 5_000)
    told: Counter[tuple[int | None, int, int]] = Counter()
    for one in outcome.events:
        if isinstance(one, Sent) and one.target.tgid in outcome.roles:
            told[one.target.tgid, one.info.signal, one.info.code] += one.times
    for order in outcome.orders:
        told[order.pid, order.kind.signal, order.kind.code] -= 1
    assert not {key: n for key, n in told.items() if n and key[1] in SIGNALS}, outcome.seed
