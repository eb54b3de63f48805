"""explain, where the kernel's own structures leave nothing to guess."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import sigscope

WAITS = """\
import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, [int(word) for word in sys.argv[2:]])
os.write(1, b".")
signal.sigwait([int(sys.argv[1])])
"""


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()


@contextmanager
def in_sigwait(signal: int, *blocked: int) -> Iterator[int]:
    words = [sys.executable, "-c", WAITS, *map(str, (signal, *blocked))]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.read(1)
            proc.wait_syscall(child.pid, child.pid, "rt_sigtimedwait")
            yield child.pid
        finally:
            child.kill()


def outcomes(signal: str, pid: int, *more: str) -> list[str]:
    document = json.loads(sigscope("explain", signal, pid, "--json", *more).stdout)
    found: list[str] = document["explanations"][0]["outcomes"]
    return found


def test_what_a_sigwait_blocked_before_is_taken_and_nothing_else() -> None:
    with in_sigwait(10, 10) as pid:
        assert outcomes("USR1", pid) == ["consumed"]
        assert outcomes("USR1", pid, "--engine", "proc") == ["consumed", "terminated"]


def test_what_a_sigwait_did_not_block_before_ends_it() -> None:
    with in_sigwait(10) as pid:
        assert outcomes("USR1", pid) == ["terminated"]
        assert outcomes("USR1", pid, "--engine", "proc") == ["consumed", "terminated"]


def test_what_is_ignored_and_was_not_blocked_is_dropped_in_spite_of_a_sigwait() -> None:
    with in_sigwait(17) as pid:
        assert outcomes("CHLD", pid) == ["discarded"]
    with in_sigwait(17, 17) as pid:
        assert outcomes("CHLD", pid) == ["consumed"]


def test_the_flags_of_a_handler_decide_about_the_call(target: TARGET_FIXTURE) -> None:
    with_flag, without = target("ticking", 0, "restart"), target("ticking", 0)
    said = sigscope("explain", "ALRM", with_flag.pid)
    assert b"starts again: the handler has SA_RESTART" in b" ".join(said.stdout.split())
    said = sigscope("explain", "ALRM", without.pid)
    assert b"fails with EINTR: the handler has no SA_RESTART" in b" ".join(said.stdout.split())
    said = sigscope("explain", "ALRM", without.pid, "--engine", "proc")
    assert b"if the handler has SA_RESTART" in b" ".join(said.stdout.split())
    assert b"flags of" in said.stderr
