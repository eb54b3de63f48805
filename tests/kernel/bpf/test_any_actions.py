"""Whatever a process tells the kernel about its signals comes back, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigscope.kernel.bpf.depth import read_deep
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.kernel.passive import Passive
from sigscope.model.itimer import Which
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import EMPTY, SignalSet
from tests.harness.targets import Target, start
from tests.kernel.bpf.engine import need_engine

CASES = 600
KILL, STOP = 9, 19
WORD = (1 << 64) - 1
SI_USER, SI_QUEUE = 0, -1
UNSENT = frozenset((KILL, STOP, 18, 20, 21, 22))
"""Stop signals and SIGCONT take each other out of the queue."""

words = st.integers(0, WORD)
numbers = st.integers(1, 64)
handlers = st.sampled_from((0, 1)) | st.integers(2, (1 << 47) - 1)
flag_words = st.sets(
    st.sampled_from((1, 2, 4, 0x800, 0x4000000, 0x8000000, 0x10000000, 0x40000000, 0x80000000))
).map(sum)


class Entry(NamedTuple):
    """A signal, to the process or its thread; ``value`` is None for kill(2)."""

    signal: int
    value: int | None
    to_thread: bool

    def line(self) -> str:
        if self.value is None:
            return f"kill {self.signal:x}"
        return f"{'thread' if self.to_thread else 'queue'} {self.signal:x} {self.value:x}"


class Wish(NamedTuple):
    """All that a process is told to do, in one case."""

    actions: dict[int, tuple[int, int, int, int]]
    entries: list[Entry]
    mask: int
    timers: dict[Which, tuple[int, int]]

    def lines(self) -> Iterator[str]:
        yield "clear"
        for number, words in self.actions.items():
            yield f"action {number:x} " + " ".join(f"{word:x}" for word in words)
        yield f"mask {self.blocked:x}"
        yield from (entry.line() for entry in self.entries)
        for which, (seconds, interval) in self.timers.items():
            yield f"timer {list(Which).index(which):x} {seconds:x} {interval:x}"
        yield "go"

    @property
    def blocked(self) -> int:
        """What is queued must be blocked, and so must what a handler waits for."""
        held = {entry.signal for entry in self.entries} | set(self.actions)
        bits = self.mask | sum(1 << (number - 1) for number in held)
        return bits & ~(1 << (KILL - 1)) & ~(1 << (STOP - 1))


entries = st.builds(
    Entry, numbers.filter(lambda number: number not in UNSENT), st.none() | words, st.booleans()
)
seconds = st.integers(100_000, 1_000_000)
wishes = st.builds(
    Wish,
    st.dictionaries(
        numbers.filter(lambda number: number not in (KILL, STOP)),
        st.tuples(handlers, flag_words, words, words),
        max_size=12,
    ),
    st.lists(entries, max_size=8),
    words,
    st.dictionaries(st.sampled_from(Which), st.tuples(seconds, st.just(0) | seconds)),
)


@pytest.fixture(scope="module")
def tasks() -> Iterator[Tasks]:
    need_engine()
    opened = Passive("bpf").tasks()
    assert isinstance(opened, Tasks)
    with opened:
        yield opened


@pytest.fixture(scope="module")
def obedient() -> Iterator[Target]:
    with start("sigactions") as target:
        yield target


def queued(entries: list[Entry], to_thread: bool) -> list[tuple[int, int, int | None]]:
    """Signal, code and value of what the kernel keeps: of a signal below 32 the first only."""
    kept: list[tuple[int, int, int | None]] = []
    for entry in entries:
        if (entry.to_thread and entry.value is not None) != to_thread:
            continue
        if entry.signal < 32 and any(entry.signal == other[0] for other in kept):
            continue
        code = SI_USER if entry.value is None else SI_QUEUE
        kept.append((entry.signal, code, entry.value))
    return kept


@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=(HealthCheck.function_scoped_fixture, HealthCheck.too_slow),
)
@given(wish=wishes)
def test_every_field_comes_back(tasks: Tasks, obedient: Target, wish: Wish) -> None:
    for line in wish.lines():
        obedient.tell(line)
    said = obedient.hear()
    assert said is not None
    deep = read_deep(tasks, obedient.pid)
    assert deep is not None
    expected = {
        int(number): SigAction(handler, flags, SignalSet(mask), restorer)
        for number, (handler, flags, mask, restorer) in said["done"].items()
    }
    assert deep.process.actions is not None
    for number, action in enumerate(deep.process.actions, 1):
        default = SigAction(0, 0, EMPTY, action.restorer)
        assert action == expected.get(number, default), number
    for number, (handler, *_) in wish.actions.items():
        assert deep.process.actions[number - 1].handler == handler
    (thread,) = deep.threads.values()
    assert thread.blocked == SignalSet(wish.blocked)
    assert (thread.real_blocked, thread.saved, thread.restart) == (EMPTY, None, None)
    for told, to_thread in ((deep.process.queue, False), (thread.queue, True)):
        assert told is not None
        seen = [(int(info.signal), info.code, info.value) for info in told]
        assert seen == queued(wish.entries, to_thread)
        assert {info.pid for info in told} <= {obedient.pid}
    assert deep.process.queued == len(queued(wish.entries, False))
    timers = {one.which: one for one in deep.process.itimers or ()}
    assert set(timers) == set(wish.timers)
    for which, (first, interval) in wish.timers.items():
        assert timers[which].interval == interval * 10**9
        assert (first - 1000) * 10**9 < timers[which].remaining <= first * 10**9 + 10**8
