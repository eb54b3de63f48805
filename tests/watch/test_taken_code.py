"""The program at the return of a function, where the kernel lets none be watched: its code."""

from __future__ import annotations

import contextlib

import pytest

from sigscope.kernel.bpf import syscall, watchsignals
from sigscope.kernel.bpf.folds import Folds
from sigscope.kernel.bpf.layouts import read_layout
from sigscope.kernel.bpf.ring import Ring
from sigscope.kernel.bpf.watch import TABLE, BpfSource
from sigscope.kernel.bpf.watchcode import CONTROL, Maps
from sigscope.kernel.watch.source import Wanted
from sigscope.model.watch import Consumer, Taken
from tests.kernel.bpf.engine import need_engine
from tests.watch.storms import Storm


@pytest.fixture(autouse=True)
def _engine() -> None:
    need_engine()


@pytest.mark.parametrize("every", [False, True])
def test_the_verifier_takes_it(every: bool) -> None:
    """At a tracepoint whose second argument is a pointer, too, and the fifth a number."""
    layout = read_layout(TABLE)
    with contextlib.ExitStack() as stack:
        ring = stack.enter_context(Ring(1 << 16))
        control = stack.enter_context(syscall.create_map(syscall.MAP_ARRAY, CONTROL.size))
        folds = Folds()
        stack.callback(folds.close)
        targets = stack.enter_context(syscall.create_hash(4, 4, 8))
        maps = Maps(
            ring.map.number,
            control.number,
            None if every else folds.map.number,
            targets.number,
            True,
            False,
        )
        syscall.load_program(
            "taken",
            watchsignals.taken(layout, maps, 4),
            syscall.PROG_TRACING,
            syscall.ATTACH_TRACEPOINT,
            layout.function("btf_trace_signal_generate"),
        ).close()


def test_who_takes_signals_without_a_handler() -> None:
    with Storm(roles=("sigwait", "signalfd")) as storm, BpfSource(Wanted(every=True)) as source:
        if source.gaps:
            pytest.skip(f"{source.gaps[0].what}: {source.gaps[0].why}")
        outcome = storm.rage(source, 300)
    for pid, role in outcome.roles.items():
        taken = [one for one in outcome.events if isinstance(one, Taken) and one.task.tgid == pid]
        assert len(taken) == outcome.reports[pid].total()
        by = Consumer.SIGWAIT if role == "sigwait" else Consumer.SIGNALFD
        # The last ones are taken by sigtimedwait, when it is told to end.
        assert by in {one.by for one in taken}
