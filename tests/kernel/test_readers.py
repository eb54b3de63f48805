"""Two readers read what one would, and the second leaves nothing behind, whatever becomes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import pytest

from sigscope.kernel import readers, wire
from sigscope.kernel.directory import MOST_NAMES
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from sigscope.model.gap import Gap
from sigscope.model.process import Process, Queue
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from tests.analysis import makers
from tests.conftest import TARGET_FIXTURE
from tests.kernel import two_readers
from tests.kernel.command import environment

ALONE = ("one-cpu", "threads", "recorded", "refused")
UNANSWERED = ("killed", "silent", "handled", "short")
LATER = frozenset(
    "cmdline exe container pid_namespace unit signalfds forked_by frozen timers waits depth".split()
)
"""What a scan leaves empty, for whoever looks closer."""


@pytest.mark.parametrize("case", two_readers.CASES)
def test_two_readers_read_what_one_would(case: str, target: TARGET_FIXTURE) -> None:
    targets = [target("ignores", ""), target("one_thread_blocks", ""), target("dead_leader")]
    words = ["-m", "tests.kernel.two_readers", case, *(str(one.pid) for one in targets)]
    done = subprocess.run(
        [sys.executable, "-W", "error", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, answer, last = done.stdout.splitlines()
    assert (first, last) == ("printed once", "the end")
    interrupted = case == "interrupted"
    said = json.loads(answer)
    ours, pieces = said.pop("ours"), said.pop("pieces")
    assert ours == pieces if case in (*ALONE, *UNANSWERED) else ours < pieces or case == "shared"
    assert said == {
        "same": not interrupted,
        "processes": 0 if interrupted else len(targets),
        "forks": 0 if case in ALONE else 1,
        "raised": "KeyboardInterrupt" if interrupted else "",
        "children": [],
        "as_before": True,
        "told": True,
    }


def test_every_process_of_this_host_goes_over_the_wire_unchanged() -> None:
    readings: dict[int, wire.Reading] = dict(read_host(ProcFS()).processes)
    assert wire.unpack(wire.pack(readings)) == readings


ODD: dict[int, wire.Reading] = {
    1: None,
    2: Gap("process 2", "hidden", "run sigscope as root", unjudged=2),
    3: makers.process(3, None, pending=None, ignored=None, caught=None, signalfds=None),
    4: makers.process(
        4,
        threads=[
            makers.thread(4, SignalSet(1), SignalSet(2), State.ZOMBIE, "a\udc80\n"),
            makers.thread(5, SignalSet(1 << 63), SignalSet(0), State.UNKNOWN, ""),
            makers.thread(6, SignalSet(1 << 63), SignalSet(0), State.UNKNOWN, ""),
        ],
        state=State.ZOMBIE,
        saved_uid=7,
        nspid=(4, 1),
        pgrp=3,
        session=2,
        queue=Queue(1, 2),
        seccomp=2,
        no_new_privs=True,
        tracer=9,
        kernel_thread=True,
        gaps=(Gap("status of 4", "cut off"),),
        signalfds=None,
    ),
}


def test_odd_ones_go_over_the_wire_unchanged() -> None:
    assert wire.unpack(wire.pack(ODD)) == ODD


def test_no_field_of_a_process_is_forgotten_on_the_wire() -> None:
    sent = {*wire.PLAIN, "pending", "ignored", "caught", "state", "threads", "queue", "gaps"}
    assert sent | LATER == {field.name for field in fields(Process)}


def test_a_pipe_holds_the_numbers_of_all_pieces_that_there_can_be() -> None:
    assert MOST_NAMES // readers.PIECE * readers._NUMBER <= 65536
