"""Rows of a scan: put together by what they say, however the walk has come upon them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.records import NESTED, ROW, SCANNED
from sigscope.decode.scan import Scan
from sigscope.errors import DecodeError
from sigscope.model.process import Process, Queue
from sigscope.model.signals import SignalSet
from sigscope.model.state import State

SLEEPING, ZOMBIE = 1, 0x20 << 24
SECOND = 10**9


def leader(pid: int, **more: int | bytes) -> bytes:
    """The four rows of a leader."""
    given = {"tid": pid, "tgid": pid, "state": SLEEPING, "comm": b"name", **more}
    given.update({f"tgid{row}": pid for row in (1, 2, 3)})
    blank: dict[str, int | bytes] = {
        name: b"" if name in ("comm", "spare") else 0 for name in SCANNED.names
    }
    return SCANNED.struct.pack(*{**blank, **given}.values())


def thread(tid: int, pid: int, **more: int | bytes) -> bytes:
    """The one row of another thread."""
    return leader(tid, tgid=pid, **more)[:ROW]


def processes(*rows: bytes) -> dict[int, Process]:
    return {one.pid: one for one in Scan(b"".join(rows), 100).processes()}


def test_a_process_is_what_its_rows_say() -> None:
    rows = leader(
        7, blocked=0x4000, pending=2, shared=4, ignored=8, caught=16, ppid=3, uid=33, saved_uid=34,
        start=5 * SECOND, queued=6, queue_limit=100, privileges=1, seccomp=2, pgrp=8, session=9,
    )  # fmt: skip
    found = processes(rows)[7]
    assert (found.comm, found.ppid, found.uid, found.saved_uid) == ("name", 3, 33, 34)
    assert (found.start_time, found.pgrp, found.session, found.seccomp) == (500, 8, 9, 2)
    assert (found.pending, found.ignored, found.caught) == tuple(map(SignalSet, (4, 8, 16)))
    assert (found.threads[0].blocked, found.threads[0].pending) == (SignalSet(0x4000), SignalSet(2))
    assert (found.queue, found.no_new_privs, found.nspid) == (Queue(6, 100), True, (7,))
    assert (found.state, found.kernel_thread, found.tracer) == (State.SLEEPING, False, None)


def test_a_thread_may_come_before_its_leader() -> None:
    """Pids begin again from below: a young thread of an old process has a smaller number."""
    found = processes(thread(5, 900), leader(900), thread(901, 900))[900]
    assert [one.tid for one in found.threads] == [900, 5, 901]


def test_threads_of_two_processes_may_be_mixed() -> None:
    found = processes(leader(7), leader(8), thread(9, 7), thread(10, 8), thread(11, 7))
    assert [[one.tid for one in found[pid].threads] for pid in (7, 8)] == [[7, 9, 11], [8, 10]]


def test_threads_whose_process_has_ended_meanwhile_are_left_out() -> None:
    assert processes(thread(5, 900), leader(7)).keys() == {7}


def test_of_a_dead_leader_the_threads_tell_who_traces() -> None:
    found = processes(leader(7, state=ZOMBIE), thread(9, 7, tracer=44))[7]
    assert found.leader_dead
    assert found.tracer == 44


def test_a_tracer_of_one_thread_is_not_that_of_all() -> None:
    assert processes(leader(7), thread(9, 7, tracer=44))[7].tracer is None
    assert processes(leader(7, tracer=44), thread(9, 7))[7].tracer == 44


@pytest.mark.parametrize("level", [1, 2, 7])
def test_numbers_in_pid_namespaces_are_told(level: int) -> None:
    numbers = {f"upid{at}": (100 + at).to_bytes(4, "little") + bytes(12) for at in range(8)}
    blank: dict[str, int | bytes] = {
        name: b"" if "spare" in name or "upid" in name else 0 for name in NESTED.names
    }
    blank.update({f"tgid{row}": 7 for row in range(1, 5)})
    rows = NESTED.struct.pack(*{**blank, **numbers}.values())
    found = processes(leader(7, level=level), rows)[7]
    assert found.nspid == (7, *range(101, 101 + level))


def test_a_namespace_too_deep_is_not_guessed() -> None:
    assert processes(leader(7, level=8))[7].nspid == ()


def test_a_name_may_hold_anything() -> None:
    assert processes(leader(7, comm=b"a\n\\\xff\0rest"))[7].comm == "a\n\\\\xff"


@given(st.binary(max_size=5 * ROW))
def test_no_bytes_do_harm(data: bytes) -> None:
    if len(data) % ROW:
        with pytest.raises(DecodeError):
            Scan(data, 100)
    else:
        list(Scan(data, 100).processes())
