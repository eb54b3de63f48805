"""Processes that are not as others: half dead, dead, the kernel's own, another user's."""

from __future__ import annotations

import os
import subprocess
from signal import SIGTERM, SIGUSR1, SIGWINCH
from typing import Any

import pytest

from sigscope import diagnose, read_process
from sigscope.model.signals import SignalSet
from sigscope.model.state import State
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.kernel.command import NOBODY, answer, as_nobody, sigscope


def numbers(signals: SignalSet | None) -> frozenset[int]:
    assert signals is not None
    return frozenset(map(int, signals))


def test_a_dead_leader_is_no_zombie_and_its_mask_does_not_count(target: TARGET_FIXTURE) -> None:
    half = target("dead_leader")
    found = read_process(half.pid)
    assert found.leader_dead
    assert not found.zombie
    assert numbers(found.blocked_by_all) == {SIGTERM}
    assert numbers(found.blocked_by_some) == {SIGTERM, SIGUSR1}
    assert "leader-dead" in {finding.id for finding in diagnose(half.pid).findings}


def test_a_zombie_is_one_and_has_no_findings(target: TARGET_FIXTURE) -> None:
    dead = target("zombie").children["child"]
    found = read_process(dead)
    assert found.zombie
    assert found.state is State.ZOMBIE
    assert diagnose(dead).findings == ()


def test_a_kernel_thread_is_known_as_one() -> None:
    """kthreadd, the parent of the others, which unlike them never ends."""
    kernel = 2
    if not os.path.exists("/proc/2") or proc.status(kernel)["Name"] != "kthreadd":
        pytest.skip("no kernel thread is visible from this pid namespace")
    assert read_process(kernel).kernel_thread
    assert diagnose(kernel).findings == ()
    assert not read_process(os.getpid()).kernel_thread


def test_every_thread_has_its_own_mask_and_the_oracle_agrees(target: TARGET_FIXTURE) -> None:
    mixed = target("one_thread_blocks", {SIGWINCH})
    found = read_process(mixed.pid)
    assert {thread.tid for thread in found.threads} == set(mixed.tids.values())
    for thread in found.threads:
        assert numbers(thread.blocked) == proc.masks(mixed.pid, thread.tid).blocked
    assert numbers(found.blocked_by_all) == frozenset()
    assert numbers(found.blocked_by_some) == {SIGWINCH}


def test_a_thread_in_sigwait_is_looked_at_closely(target: TARGET_FIXTURE) -> None:
    waiting = target("sigwait_thread")
    found = read_process(waiting.pid).thread(waiting.tids["waiter"])
    assert found is not None
    assert found.awaited is not None
    assert SIGTERM in found.awaited
    assert SIGTERM not in (found.blocked or ())
    assert found.lasting_mask is not None
    assert SIGTERM in found.lasting_mask


def test_a_signalfd_and_the_epoll_that_watches_it_are_found(target: TARGET_FIXTURE) -> None:
    loop = target("signalfd_polled")
    (found,) = read_process(loop.pid).signalfds or ()
    assert found.fd == loop.truth["signalfd"]
    assert numbers(found.signals) == {SIGTERM}
    assert found.polled


def test_the_forking_thread_is_the_one_that_forked(target: TARGET_FIXTURE) -> None:
    server = target(
        "spawner", "--workers", 3, "--workers-block", {SIGTERM}, "--fork-by", 2, "--no-exec"
    )
    child = server.children["child"]
    assert read_process(child).forked_by == server.truth["forker"] == server.tids["worker2"]


class TestSomebodyElses:
    """What is left of an answer without any privilege."""

    @pytest.fixture
    def told(self, target: TARGET_FIXTURE) -> dict[str, Any]:
        unprivileged = as_nobody()
        stranger = target("all_threads_block", {SIGTERM}, 2)
        return answer("pid", stranger.pid, **unprivileged)

    def test_masks_are_still_told(self, told: dict[str, Any]) -> None:
        (process,) = told["processes"]
        assert process["blocked_by_all"]["signals"] == ["SIGTERM"]
        assert len(process["threads"]) == 2
        assert process["cmdline"][1:] == ["15", "2"]
        assert process["uid"] == 0

    def test_the_rest_is_a_gap_with_a_hint_and_not_empty(self, told: dict[str, Any]) -> None:
        (process,) = told["processes"]
        assert process["signalfds"] is None
        assert process["exe"] is None
        assert all(thread["syscall"] is None for thread in process["threads"])
        own = [gap for gap in told["gaps"] if gap["what"].endswith(f" {process['pid']}")]
        kinds = {gap["what"].split(" of ")[0].rsplit("/", 1)[-1] for gap in own}
        assert kinds >= {"exe", "fd", "syscall"}
        assert all(gap["why"] and str(process["pid"]) in gap["hint"] for gap in own)

    def test_a_check_that_needs_more_is_a_gap(self, target: TARGET_FIXTURE) -> None:
        unprivileged = as_nobody()
        told = answer("pid", target("blocked_pending").pid, **unprivileged)
        assert [gap["what"] for gap in told["gaps"] if "blocked-pending" in gap["what"]]
        assert "blocked-pending" not in {finding["id"] for finding in told["findings"]}

    def test_its_own_process_it_sees_whole(self) -> None:
        unprivileged = as_nobody()
        mine = subprocess.Popen(
            ["sleep", "60"], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/"
        )
        try:
            proc.wait_syscall(mine.pid, mine.pid, "clock_nanosleep")
            (process,) = answer("pid", mine.pid, **unprivileged)["processes"]
        finally:
            mine.kill()
            mine.wait()
        assert process["signalfds"] == []
        assert process["exe"]
        assert process["threads"][0]["syscall"]["name"] == "clock_nanosleep"

    def test_what_cannot_be_assessed_is_not_called_fine(self, target: TARGET_FIXTURE) -> None:
        unprivileged = as_nobody()
        stuck = target("blocked_pending")
        shown = sigscope("pid", stuck.pid, **unprivileged)
        assert b"nothing wrong with its signals" not in shown.stdout


def test_the_tid_of_a_thread_is_no_process(target: TARGET_FIXTURE) -> None:
    mixed = target("one_thread_blocks")
    done = sigscope("pid", mixed.tids["worker"])
    assert (done.returncode, done.stdout) == (3, b"")
    assert f"{mixed.pid}/{mixed.tids['worker']}".encode() in done.stderr
