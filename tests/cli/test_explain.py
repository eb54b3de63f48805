"""``sigscope explain`` on real targets; that its verdicts are right is tests/differential's job."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import sigscope


def outcome(name: str, target: str | int, *options: str) -> tuple[str, int]:
    said = sigscope("explain", name, target, "--json", *options)
    (explanation,) = said.document["explanations"]
    return explanation["outcome"], said.status


@pytest.mark.parametrize(
    ("name", "sent", "verdict"),
    [
        ("all_threads_block", "TERM", ("pending", 1)),
        ("all_threads_block", "USR1", ("terminated", 0)),
        ("all_threads_block", "QUIT", ("dumped", 0)),
        ("all_threads_block", "CHLD", ("discarded", 1)),
        ("all_threads_block", "TSTP", ("stopped", 0)),
        ("sigwait_thread", "TERM", ("consumed", 0)),
        ("signalfd_polled", "TERM", ("consumed", 0)),
        ("signalfd_unread", "TERM", ("pending", 1)),
        ("ppoll_loop", "TERM", ("handled", 0)),
        ("stopped", "TERM", ("pending", 1)),
        ("stopped", "CONT", ("continued", 0)),
        ("stopped", "KILL", ("terminated", 0)),
        ("zombie", "TERM", ("terminated", 0)),
    ],
)
def test_the_verdict_and_the_status(
    target: TARGET_FIXTURE, name: str, sent: str, verdict: tuple[str, int]
) -> None:
    arguments = [[signal.SIGTERM]] if name == "all_threads_block" else []
    child = target(name, *arguments)
    if verdict[0] == "stopped":
        verdict = ("stopped", 0) if not _orphaned_group(child.pid) else ("discarded", 1)
    assert outcome(sent, child.pid) == verdict


def _orphaned_group(pid: int) -> bool:
    """Said by the kernel itself: a stop signal of the terminal is dropped in such a group."""
    os.kill(pid, signal.SIGTSTP)
    proc.eventually(lambda: _taken(pid) and _taken(pid), saying="SIGTSTP is taken")
    if proc.state(pid) != "T":
        return True
    os.kill(pid, signal.SIGCONT)
    proc.eventually(lambda: proc.state(pid) != "T")
    return False


def _taken(pid: int) -> bool:
    """Has it stopped, or is it back in its sleep without the signal?"""
    said = proc.status(pid)
    waits = signal.SIGTSTP in proc.signals(said["ShdPnd"])
    return said["State"][0] == "T" or (said["State"][0] == "S" and not waits)


def test_it_says_what_becomes_of_the_call_when_a_handler_runs(target: TARGET_FIXTURE) -> None:
    said = sigscope("explain", "TERM", target("ppoll_loop").pid)
    assert "ppoll(…) of thread" in said.out
    assert "fails with EINTR" in " ".join(said.out.split())


def test_a_thread_takes_only_what_is_sent_to_it(target: TARGET_FIXTURE) -> None:
    child = target("one_thread_blocks", [signal.SIGUSR1])
    main, worker = child.tids["main"], child.tids["worker"]
    assert outcome("USR1", f"{child.pid}/{main}") == ("pending", 1)
    assert outcome("USR1", f"{child.pid}/{worker}") == ("terminated", 0)
    assert outcome("USR1", child.pid) == ("terminated", 0)


def test_another_user_may_not(target: TARGET_FIXTURE) -> None:
    assert outcome("TERM", target("stopped").pid, "--as-user", "65534") == ("refused", 1)


def test_the_init_of_a_pid_namespace_is_spared() -> None:
    if os.geteuid() != 0:
        pytest.skip("a pid namespace needs root: sudo scripts/test")
    with subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", "sleep", "1000"]
    ) as unshare:
        try:
            (init,) = proc.eventually(lambda: proc.children(unshare.pid))
            proc.eventually(lambda: proc.name(init) == "sleep")
            assert outcome("TERM", init) == ("discarded", 1)
            assert outcome("KILL", init, "--from-inside") == ("discarded", 1)
            assert outcome("KILL", init, "--from-outside") == ("terminated", 0)
        finally:
            unshare.kill()


def test_what_would_be_lost_is_said(target: TARGET_FIXTURE) -> None:
    parent = target("spawner", "--", "sleep", "60")
    said = sigscope("explain", "KILL", parent.pid)
    assert f"orphans: {parent.children['child']}" in said.out


def test_a_wrong_name_suggests_the_nearest() -> None:
    said = sigscope("explain", "TREM", os.getpid())
    assert said.status == 2
    assert "did you mean SIGTERM?" in said.err


def test_it_is_safe_to_script(target: TARGET_FIXTURE) -> None:
    """As README says: explain TERM && kill -TERM."""
    child = target("all_threads_block", [signal.SIGTERM])
    assert sigscope("explain", "TERM", child.pid).status == 1
    assert sigscope("explain", "KILL", child.pid).status == 0
