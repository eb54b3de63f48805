"""``restart --live``: what is predicted is seen, it is undone, and nothing is left stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.differential.freezer import Freezer, mounted
from tests.harness import proc
from tests.harness.command import PATIENCE, sigscope
from tests.harness.targets import Target

LONG = 600_000
METHODS = ("stop", "interrupt")
KILLED_AT = """
import os, signal, sys
from sigscope.kernel.ptrace.requests import Requests
left = [int(sys.argv[1])]
original = Requests.__call__
def counted(self, *words):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return original(self, *words)
Requests.__call__ = counted
from sigscope.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
"""sigscope, killed before its nth request to ptrace(2)."""


def unharmed(one: Target) -> None:
    """It waits in its call again, is not stopped and not traced, and has said nothing."""
    proc.eventually(lambda: proc.state(one.pid) == "S", saying="it sleeps")
    assert proc.status(one.pid)["TracerPid"] == "0"
    with pytest.raises(TimeoutError):
        one.hear(0.05)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("call", "answer", "result", "through", "undone"),
    [
        ("nanosleep", "none", "ERESTART_RESTARTBLOCK", "restart_syscall", False),
        ("nanosleep", "errno:1", "ERESTART_RESTARTBLOCK", "again", True),
        ("poll_endless", "kill", "ERESTART_RESTARTBLOCK", "again", True),
        ("select_timed", "none", "ERESTARTNOHAND", "again", False),
        ("read_pipe", "none", "ERESTARTSYS", "again", False),
        ("futex_lock_pi_endless", "none", "ERESTARTNOINTR", "again", False),
        ("epoll_wait_endless", "none", "EINTR", "again", True),
        ("semtimedop_endless", "kill", "EINTR", "again", True),
        ("recvfrom_timeo", "none", "EINTR", "again", True),
    ],
)
def test_what_the_kernel_does_is_seen_and_undone(
    target: TARGET_FIXTURE,
    call: str,
    answer: str,
    result: str,
    through: str,
    undone: bool,
    method: str,
) -> None:
    one = target("blocking_call", call, LONG, "none", answer)
    said = sigscope("restart", "--live", "--yes", "--json", "--method", method, one.pid)
    (seen,) = said.document["live"]
    assert (seen["result"], seen["through"], seen["undone"]) == (result, through, undone), said
    assert said.status == int(undone)
    assert said.document["restarts"][0]["tid"] == one.pid
    unharmed(one)


@pytest.mark.skipif(os.geteuid() != 0 or mounted("v2") is None, reason="no freezer of cgroup v2")
@pytest.mark.parametrize(("call", "undone"), [("nanosleep", False), ("epoll_wait_endless", True)])
def test_a_freezer_of_its_own_can_be_used(target: TARGET_FIXTURE, call: str, undone: bool) -> None:
    one = target("blocking_call", call, LONG)
    freezer = Freezer("v2", one.pid)
    try:
        words = ("--live", "--yes", "--json", "--method", "freeze", one.pid)
        (seen,) = sigscope("restart", *words).document["live"]
        assert seen["undone"] is undone
        assert not freezer.frozen
        unharmed(one)
        with target("blocking_call", "pause") as other:
            (Path("/proc") / str(one.pid)).stat()
            freezer._path.joinpath("cgroup.procs").write_text(str(other.pid))
            refused = sigscope("restart", *words)
            assert (refused.status, "1 other process" in refused.err) == (5, True)
    finally:
        one.stop()
        freezer.close()


def test_the_time_that_is_left_is_told(target: TARGET_FIXTURE) -> None:
    one = target("blocking_call", "nanosleep", LONG)
    words = ("--live", "--yes", "--json", "--method", "interrupt", one.pid)
    (seen,) = sigscope("restart", *words).document["live"]
    assert LONG / 1000 - PATIENCE < seen["left_after"] <= seen["left_before"] + 1 <= LONG / 1000 + 1


def test_every_thread_is_watched(target: TARGET_FIXTURE) -> None:
    one = target("all_threads_block", {signal.SIGTERM}, 5)
    document = sigscope("restart", "--live", "--yes", "--json", one.pid).document
    assert [seen["tid"] for seen in document["live"]] == proc.tids(one.pid)
    assert {seen["result"] for seen in document["live"]} == {"ERESTARTNOHAND"}
    for tid in proc.tids(one.pid):
        proc.wait_state(one.pid, tid, "S")


def test_a_process_that_only_computes_is_let_go_on(target: TARGET_FIXTURE) -> None:
    one = target("blocking_call", "busy", 20_000)
    said = sigscope("restart", "--live", "--yes", "--json", one.pid)
    (seen,) = said.document["live"]
    assert (said.status, seen["result"], seen["undone"]) == (0, None, False)
    assert proc.state(one.pid) == "R"


def test_it_says_what_it_does_and_who_notices(target: TARGET_FIXTURE) -> None:
    one = target("blocking_call", "nanosleep", LONG)
    said = sigscope("restart", "--live", "--yes", one.pid, columns=200)
    assert "live        sends SIGSTOP, and as soon as it stands SIGCONT" in said.out
    assert f"{os.getpid()}, gets SIGCHLD for the stop and for the continuation" in said.out
    assert "seen        thread" in said.out
    assert "nanosleep gave ERESTART_RESTARTBLOCK, and went on through restart_syscall" in said.out


def test_threads_that_do_not_stop_are_told(target: TARGET_FIXTURE) -> None:
    one = target("vfork_parent")
    assert sigscope("restart", "--live", "--yes", one.pid).status == 4
    words = ("--live", "--yes", "--force", "--json")
    (seen,) = sigscope("restart", *words, one.pid).document["live"]
    assert seen["through"] == "did not stop"
    assert proc.state(one.pid) == "D"


def test_the_threads_of_a_dead_leader_are_watched(target: TARGET_FIXTURE) -> None:
    one = target("dead_leader")
    seen = sigscope("restart", "--live", "--yes", "--json", one.pid).document["live"]
    assert {entry["through"] for entry in seen} == {"again"}


def test_it_is_refused_where_it_could_not_be_undone(target: TARGET_FIXTURE) -> None:
    one = target("blocking_call", "write_pipe_in_part", LONG)
    said = sigscope("restart", "--live", "--yes", one.pid)
    assert (said.status, "may return early" in said.err) == (4, True)
    unharmed(one)


def test_bad_days(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    one = target("blocking_call", "nanosleep", LONG)
    other = target("blocking_call", "pause")
    assert sigscope("restart", "--live", one.pid).status == 2  # nobody to ask
    assert sigscope("restart", "--live", "--yes", one.pid, other.pid).status == 2
    file = tmp_path / "one.gz"
    assert sigscope("snapshot", one.pid, "-o", str(file)).status == 0
    assert sigscope("restart", "--live", "--yes", "--from", str(file), one.pid).status == 2
    zombie = next(iter(target("zombie").children.values()))
    assert sigscope("restart", "--live", "--yes", zombie).status == 4
    stopped = target("blocking_call", "nanosleep", LONG)
    stopped.send(signal.SIGSTOP)
    proc.wait_state(stopped.pid, None, "T")
    said = sigscope("restart", "--live", "--yes", stopped.pid)
    assert (said.status, proc.state(stopped.pid)) == (4, "T")
    unharmed(one)


@pytest.mark.parametrize(
    "words",
    [
        ("restart", "--live", "--yes", "--method", "stop"),
        ("restart", "--live", "--yes", "--method", "interrupt"),
        ("unblock", "--yes", "USR1"),
    ],
    ids=["stop", "interrupt", "unblock"],
)
def test_killed_at_any_step_it_leaves_nothing_stopped(
    target: TARGET_FIXTURE, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Before each of its requests to the kernel in turn, until one run comes to its end."""
    one = target("blocking_call", "nanosleep", LONG, mask={signal.SIGUSR1})
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    for step in range(200):
        ran = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(step), *words, str(one.pid)],
            capture_output=True,
            timeout=PATIENCE,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        unharmed(one)
        assert proc.masks(one.pid).blocked in (frozenset(), {signal.SIGUSR1})
        if ran.returncode != -signal.SIGKILL:
            break
    assert step > 3
    assert ran.returncode in (0, 1), ran.stderr
