"""Against the kernel: a real thread takes a name, a mask, and three files are asked for them."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sigscope.decode.stat import decode_stat
from sigscope.decode.status import decode_status, decode_thread_status
from sigscope.decode.syscall import decode_syscall
from sigscope.decode.text import decode_text
from sigscope.kernel.procfs import ProcFS
from tests.harness import proc

PR_SET_NAME = 15
SETTABLE = [number for number in range(1, 65) if number not in (9, 19, 32, 33)]
"""The kernel never blocks KILL and STOP, and glibc filters its own two out."""

libc = ctypes.CDLL(None)
relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def task() -> Iterator[Path]:
    """The directory of the thread that the test runs in; its name and mask are put back."""
    path = Path(f"/proc/self/task/{threading.get_native_id()}")
    name, mask = (path / "comm").read_bytes()[:-1], signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield path
    libc.prctl(PR_SET_NAME, ctypes.c_char_p(name))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@relaxed
@given(name=st.binary(max_size=20))
@example(name=b"a\nSigBlk:\tff")
@example(name=b") S 1 (x")
@example(name=b"\\n\\\\\n")
@example(name=b"\xe2\x82")
@example(name=b"")
def test_status_comm_and_stat_agree_about_any_name(task: Path, name: bytes) -> None:
    libc.prctl(PR_SET_NAME, ctypes.c_char_p(name))
    taken = name.split(b"\0")[0][:15]
    status, stat = (task / "status").read_bytes(), (task / "stat").read_bytes()
    assert (task / "comm").read_bytes() == taken + b"\n"
    assert decode_status(status).name == decode_text(taken)
    assert decode_thread_status(status)[0] == decode_text(taken)
    assert stat.startswith(f"{threading.get_native_id()} (".encode() + taken + b") ")
    assert decode_stat(stat).pgrp == int(stat.rpartition(b")")[2].split()[2])


@relaxed
@given(numbers=st.frozensets(st.sampled_from(SETTABLE)))
def test_the_mask_that_a_thread_sets_is_the_mask_that_is_decoded(
    task: Path, numbers: frozenset[int]
) -> None:
    before = signal.pthread_sigmask(signal.SIG_SETMASK, numbers)
    try:
        data = (task / "status").read_bytes()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sets = decode_thread_status(data)[2]
    assert sets is not None
    assert set(sets.sigblk) == numbers


def test_a_full_mask_never_holds_kill_and_stop(task: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    try:
        sets = decode_status((task / "status").read_bytes()).sets
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert sets is not None
    assert set(sets.sigblk) == set(SETTABLE)


def test_every_process_here_is_decoded_as_the_plain_oracle_reads_it() -> None:
    """All fields of every status file of this host, read again by other code."""
    seen = 0
    for pid in ProcFS().pids():
        try:
            status = Path(f"/proc/{pid}/status").read_bytes()
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = dict(
            line.split(":\t", 1) for line in status.decode("latin-1").split("\n") if ":\t" in line
        )
        found = decode_status(status)
        assert found.sets is not None
        assert set(found.sets.sigcgt) == proc.signals(fields["SigCgt"])
        assert set(found.sets.sigign) == proc.signals(fields["SigIgn"])
        assert found.ppid == int(fields["PPid"])
        assert found.uid == int(fields["Uid"].split()[0])
        assert found.state.value == fields["State"][0]
        assert found.kernel_thread == bool(decode_stat(stat).flags & 0x00200000)
        seen += 1
    assert seen > 1


def test_the_call_that_reads_the_file_is_in_the_file(task: Path) -> None:
    """A thread that reads its own syscall file finds itself on the CPU."""
    assert decode_syscall((task / "syscall").read_bytes(), "x86_64").name == "read"
