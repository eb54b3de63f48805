"""Depth in a snapshot: what goes in comes out, and damaged files are refused and not believed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.depth import decode_depth, encode_depth
from sigscope.errors import DecodeError
from sigscope.model.depth import ProcessDepth, ThreadDepth
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter, Instruction
from sigscope.model.sigaction import SigAction
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.state import State
from sigscope.model.thread import Thread

words = st.integers(0, (1 << 64) - 1)
halves = st.integers(0, (1 << 32) - 1)
sets = words.map(SignalSet)
signals = st.integers(1, 64).map(Signal)
actions = st.builds(SigAction, words, halves, sets, words)
infos = st.builds(
    SigInfo,
    signals,
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.none() | st.integers(0, 1 << 22),
    st.none() | halves,
    st.none() | words,
    st.none() | st.integers(0, 1 << 31),
    st.booleans(),
)
queues = st.none() | st.lists(infos, max_size=3).map(tuple)
byte = st.integers(0, 255)
codes = st.builds(Instruction, st.integers(0, 65535), byte, byte, halves)
filters = st.builds(
    Filter, st.lists(codes, max_size=4).map(tuple), st.none() | st.booleans(), st.booleans()
)
threads = st.builds(
    ThreadDepth,
    st.just("bpf"),
    *(st.none() | sets for _ in range(3)),
    queues,
    st.none() | st.lists(filters, max_size=2).map(tuple),
    st.none() | st.just("hrtimer_nanosleep_restart"),
)
timers = st.builds(IntervalTimer, st.sampled_from(Which), words, words)
depths = st.builds(
    ProcessDepth,
    st.just("bpf"),
    st.none() | st.lists(actions, min_size=64, max_size=64).map(tuple),
    queues,
    st.none() | words,
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.lists(timers, max_size=3).map(tuple),
)


def process(depth: ProcessDepth | None, *deep: ThreadDepth | None) -> Process:
    none = SignalSet()
    return Process(
        pid=7,
        start_time=1,
        ppid=1,
        comm="a",
        uid=0,
        state=State.SLEEPING,
        threads=tuple(
            Thread(7 + place, "a", State.SLEEPING, none, none, depth=one)
            for place, one in enumerate(deep)
        ),
        pending=none,
        ignored=none,
        caught=none,
        depth=depth,
    )


def bare(full: Process) -> Process:
    """As it was before somebody looked."""
    flat = tuple(thread._replace(depth=None) for thread in full.threads)
    return replace(full, depth=None, threads=flat)


@given(depths, threads, threads)
def test_what_goes_in_comes_out(depth: ProcessDepth, one: ThreadDepth, two: ThreadDepth) -> None:
    full = process(depth, one, two)
    found, names = decode_depth(encode_depth(full, {1: "systemd"}), bare(full))
    assert found == full
    assert names == {1: "systemd"}


@given(depths, threads)
def test_redacted_it_holds_no_value_that_somebody_sent(
    depth: ProcessDepth, one: ThreadDepth
) -> None:
    full = process(depth, one)
    found, _ = decode_depth(encode_depth(full, {}, redact=True), bare(full))
    assert found.depth is not None
    for info in (*(found.depth.queue or ()), *(found.threads[0].depth.queue or ())):  # type: ignore[union-attr]
        assert info.value is None
    assert found.depth.actions == depth.actions


SOUND = json.loads(encode_depth(process(ProcessDepth("bpf", queue=()), ThreadDepth("bpf")), {}))
DEFECTS = {
    "nothing": b"",
    "no-object": b"[]",
    "cut": json.dumps(SOUND).encode()[:-5],
    **{
        f"{name}-is-{kind}": json.dumps({**SOUND, name: value}).encode()
        for name in ("actions", "queue", "filters", "threads", "names", "itimers", "queued")
        for kind, value in (("a-word", "x"), ("a-list", [[1]]), ("true", True))
    },
    "an-action-of-three": json.dumps({**SOUND, "actions": {"15": [1, 2, 3]}}).encode(),
    "a-negative-handler": json.dumps({**SOUND, "actions": {"15": [-1, 0, 0, 0]}}).encode(),
    "a-signal-of-99": json.dumps({**SOUND, "queue": [[99, 0, 1, 0, None, None, False]]}).encode(),
    "half-an-instruction": json.dumps({**SOUND, "filters": [[["0011", None, True]]]}).encode(),
    "an-endless-name": json.dumps({**SOUND, "engine": "b" * 5000}).encode(),
    "a-deep-nest": b'{"engine":' + b"[" * 100_000,
}


@pytest.mark.parametrize("data", DEFECTS.values(), ids=DEFECTS)
def test_a_damaged_one_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_depth(data, process(None, None))


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_depth(data, process(None, None))
