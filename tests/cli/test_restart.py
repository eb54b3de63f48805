"""``restart`` on real processes: filters that deny, equal threads, sockets that are asked."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import sigscope
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import as_nobody
from tests.kernel.command import sigscope as run_as


@pytest.mark.parametrize(
    ("answer", "after", "errno"),
    [
        ("errno:1", "fails", "EPERM"),
        ("errno:0", "fails", "0"),
        ("kill", "killed", None),
        ("log", "resumes", None),
        ("allow", "resumes", None),
        ("none", "resumes", None),
    ],
)
def test_the_filter_itself_is_read_and_simulated(
    target: TARGET_FIXTURE, answer: str, after: str, errno: str | None
) -> None:
    need_engine()
    pid = target("blocking_call", "nanosleep", 600_000, "none", answer).pid
    said = sigscope("restart", pid, "--json")
    (one,) = said.document["restarts"]
    assert (one["after_stop_cont"], one["errno"]) == (after, errno)
    assert (one["syscall"], one["class"]) == ("nanosleep", "restartblock")
    assert said.status == int(after != "resumes")


def test_the_screen_names_the_filter_the_errno_and_the_fix(target: TARGET_FIXTURE) -> None:
    need_engine()
    pid = target("blocking_call", "poll_endless", 1000, "none", "errno:1").pid
    said = sigscope("restart", pid, columns=200)
    assert said.status == 1
    assert "FAILS     poll(…, -1), in its only thread" in said.out
    assert "fails with EPERM at once" in said.out
    assert "the seccomp filter answers EPERM" in said.out
    assert "for good: allow restart_syscall in the filter; Docker before 1.11 denied it" in said.out


def test_nothing_is_stopped_or_changed(target: TARGET_FIXTURE) -> None:
    one = target("blocking_call", "epoll_wait_endless", 1000, "none", "kill")
    before = (proc.masks(one.pid), (proc.PROC / str(one.pid) / "stat").read_text().split()[:3])
    assert sigscope("restart", one.pid).status == 1
    after = (proc.masks(one.pid), (proc.PROC / str(one.pid) / "stat").read_text().split()[:3])
    assert before == after
    with pytest.raises(TimeoutError):
        one.hear(0.2)  # epoll_wait would have said EINTR


def test_what_was_said_is_what_then_happens(target: TARGET_FIXTURE) -> None:
    """Incident: a stop of microseconds ends a sleep, because a filter denies restart_syscall."""
    need_engine()
    one = target("blocking_call", "nanosleep", 600_000, "none", "errno:1")
    (said,) = sigscope("restart", one.pid, "--json").document["restarts"]
    one.send(signal.SIGSTOP)
    one.send(signal.SIGCONT)
    heard = one.hear()
    assert heard is not None
    assert said["after_stop_cont"] == "fails"
    assert (heard["ret"], heard["errno"]) == (-1, 1)


def test_equal_threads_are_told_together_and_those_at_risk_first(target: TARGET_FIXTURE) -> None:
    pid = target("all_threads_block", {signal.SIGTERM}, 4).pid
    said = sigscope("restart", pid)
    assert said.status == 0
    assert f"restarts  pause(), in 4 threads: {pid} " in said.out.replace("pause(…)", "pause()")
    sleeper = target("blocking_call", "epoll_wait_endless").pid
    both = sigscope("restart", pid, sleeper)
    assert both.status == 1
    assert "EINTR     epoll_wait(…, -1), in its only thread" in both.out


def test_one_thread_can_be_named(target: TARGET_FIXTURE) -> None:
    one = target("all_threads_block", {signal.SIGTERM}, 3)
    tid = one.tids["worker1"]
    document = sigscope("restart", f"{one.pid}/{tid}", "--json").document
    assert [entry["tid"] for entry in document["restarts"]] == [tid]


def test_a_socket_is_asked_for_its_timeout_only_if_one_wants_that(target: TARGET_FIXTURE) -> None:
    plain = target("blocking_call", "recvfrom").pid
    timed = target("blocking_call", "recvfrom_timeo", 600_000).pid
    (doubt,) = sigscope("restart", plain, "--json").document["restarts"]
    assert doubt["after_stop_cont"] == "unknown"
    assert doubt["possible"] == ["restarts", "eintr"]
    assert f"to know: sigscope restart --sockets {plain}" in sigscope("restart", plain).out
    for pid, after in ((plain, "restarts"), (timed, "eintr")):
        said = sigscope("restart", pid, "--sockets", "--json")
        assert said.document["restarts"][0]["after_stop_cont"] == after
        assert said.status == int(after == "eintr")


def test_a_snapshot_gives_the_same_answer(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    pid = target("blocking_call", "read_socket").pid
    file = tmp_path / "one.gz"
    assert sigscope("snapshot", pid, "-o", file.as_posix()).status == 0
    here, there = (sigscope("restart", pid, *more).out for more in ((), ("--from", str(file))))
    assert [line for line in here.splitlines() if " · " not in line] == [
        line for line in there.splitlines() if " · " not in line
    ]
    assert "perhaps   read(5, …)" in there


def test_what_is_not_alive_is_in_no_call(target: TARGET_FIXTURE) -> None:
    zombie = next(iter(target("zombie").children.values()))
    said = sigscope("restart", zombie)
    assert (said.status, "a zombie: it has ended" in said.out) == (0, True)
    if proc.name(2) == "kthreadd":
        assert "a kernel thread" in sigscope("restart", 2).out


def test_a_stopped_process_is_told_by_the_call_in_which_it_was_stopped(
    target: TARGET_FIXTURE,
) -> None:
    one = target("blocking_call", "epoll_wait_endless")
    one.send(signal.SIGSTOP)
    proc.wait_state(one.pid, None, "T")
    assert sigscope("restart", one.pid, "--json").document["restarts"][0]["class"] == "eintr"
    one.send(signal.SIGCONT)


def test_another_user_hears_that_the_call_is_not_shown(target: TARGET_FIXTURE) -> None:
    unprivileged = as_nobody()
    pid = target("blocking_call", "nanosleep", 600_000).pid
    said = run_as("restart", pid, **unprivileged)
    assert said.returncode == 1
    assert b"its system call could not be read" in said.stdout
    assert b"syscall" in said.stderr


@pytest.mark.parametrize(
    ("words", "status"), [(("999999999",), 3), (("no-such-name",), 3), ((), 2), (("1/2/3",), 2)]
)
def test_bad_days(words: tuple[str, ...], status: int) -> None:
    said = sigscope("restart", *words)
    assert (said.status, "Traceback" in said.err) == (status, False)
