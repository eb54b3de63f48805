"""What a signal does by default: every one is sent to a real process, and the kernel decides."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sigscope.model.signals import Action, Signal
from tests.harness.build import build
from tests.harness.proc import eventually, masks, wait_syscall
from tests.harness.targets import clean
from tests.model.strategies import NUMBERS

Victim = Callable[[], int]


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    """Start a process with all signals open and at their default; its pid once it waits.

    It leads a process group of its own whose parent is in the same session: in an orphaned
    group the kernel drops SIGTSTP, SIGTTIN and SIGTTOU.
    """

    def prepare() -> None:
        os.setpgid(0, 0)
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    with contextlib.ExitStack() as stack:

        def begin() -> int:
            process = subprocess.Popen(
                clean([str(build("ignores")), ""]),
                preexec_fn=prepare,
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(_kill, process.pid)
            eventually(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "ignores\n")
            wait_syscall(process.pid, process.pid, "pause")
            return process.pid

        yield begin


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _next(pid: int) -> tuple[int, int]:
    """(code, status) of the next change of state that wait(2) tells of."""
    told = os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WCONTINUED)
    assert told is not None
    return told.si_code, told.si_status


@pytest.fixture(scope="module")
def dumps_core(tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Does a core dump succeed here at all? It needs a writable place, and no limit."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        return False
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    return pattern.startswith("|") or os.access(os.path.dirname(pattern) or ".", os.W_OK)


@pytest.mark.parametrize("number", NUMBERS, ids=[Signal(number).short for number in NUMBERS])
def test_the_kernel_does_what_the_table_says(number: int, victim: Victim, dumps_core: bool) -> None:
    action = Signal(number).default_action
    pid = victim()
    if action is Action.CONTINUE:
        os.kill(pid, signal.SIGSTOP)
        assert _next(pid) == (os.CLD_STOPPED, signal.SIGSTOP)
        os.kill(pid, number)
        assert _next(pid) == (os.CLD_CONTINUED, number)
        return
    os.kill(pid, number)
    if action is Action.IGNORE:
        # It is dropped as it is sent; a stop that comes later finds the process as it was.
        os.kill(pid, signal.SIGSTOP)
        assert _next(pid) == (os.CLD_STOPPED, signal.SIGSTOP)
        left = masks(pid)
        assert number not in left.pending | left.shared_pending
        return
    code, status = _next(pid)
    assert status == number
    if action is Action.CORE:
        assert code == (os.CLD_DUMPED if dumps_core else os.CLD_KILLED)
    else:
        expected = {Action.TERMINATE: os.CLD_KILLED, Action.STOP: os.CLD_STOPPED}
        assert code == expected[action]
