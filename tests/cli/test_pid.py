"""``sigscope pid`` on real targets, one situation each."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness.command import sigscope

ALL = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
TERM, HUP, INT, USR1 = signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1


def findings(pid: int) -> set[str]:
    return sigscope("pid", pid, "--json").ids(pid)


def test_a_pending_signal_that_is_blocked_everywhere_is_an_error(target: TARGET_FIXTURE) -> None:
    assert "error blocked-pending" in findings(target("blocked_pending").pid)


@pytest.mark.parametrize("name", ["signalfd_polled", "sigwait_thread", "ppoll_loop", "sigsuspend"])
def test_a_program_that_takes_its_signals_otherwise_is_healthy(
    target: TARGET_FIXTURE, name: str
) -> None:
    assert {said.split()[0] for said in findings(target(name).pid)} <= {"note"}


def test_a_signal_blocked_in_one_thread_only_is_no_finding(target: TARGET_FIXTURE) -> None:
    child = target("one_thread_blocks")
    said = sigscope("pid", child.pid, "--json")
    (process,) = said.document["processes"]
    assert process["blocked_by_some"]["signals"] == ["SIGWINCH"]
    assert process["blocked_by_all"]["signals"] == []
    assert said.document["findings"] == []


def test_a_thread_directed_signal_is_stuck_where_its_thread_blocks_it(
    target: TARGET_FIXTURE,
) -> None:
    child = target("thread_pending")
    said = sigscope("pid", child.pid, "--json")
    (finding,) = (one for one in said.document["findings"] if one["severity"] == "error")
    assert (finding["id"], finding["tid"]) == ("blocked-pending", child.tids["worker"])
    assert finding["signals"] == ["SIGUSR1"]


def test_a_program_that_blocks_on_its_own_gets_a_note_at_most(target: TARGET_FIXTURE) -> None:
    child = target("all_threads_block", [TERM, HUP], 3)
    assert {said.split()[0] for said in findings(child.pid)} <= {"note"}


def test_the_mask_of_another_programs_thread_is_a_warning(target: TARGET_FIXTURE) -> None:
    parent = target(
        "spawner", "--workers", 3, "--workers-block", ALL, "--fork-by", 2, "--", "sleep", "60"
    )
    child = parent.children["child"]
    said = sigscope("pid", child, "--json")
    assert {"warning blocked-inherited", "warning blocked-fault"} <= said.ids(child)
    origins = {line["origin"]["tid"] for line in said.document["lineage"] if line["origin"]}
    assert origins == {parent.tids["worker2"]}
    assert {line["confidence"] for line in said.document["lineage"]} == {"exact"}


def test_a_child_of_the_main_thread_is_clean(target: TARGET_FIXTURE) -> None:
    parent = target(
        "spawner", "--workers", 3, "--workers-block", ALL, "--fork-by", 0, "--", "sleep", "60"
    )
    assert findings(parent.children["child"]) == set()


def test_an_orphan_of_an_ended_thread_is_not_blamed_on_the_wrong_one(
    target: TARGET_FIXTURE,
) -> None:
    parent = target(
        "spawner", "--workers", 2, "--workers-block", ALL, "--fork-by", 1, "--forker-exits",
        "--", "sleep", "60",
    )  # fmt: skip
    document = sigscope("pid", parent.children["child"], "--json").document
    (line,) = (line for line in document["lineage"] if line["signal"] == "SIGTERM")
    assert (line["origin"], line["confidence"]) == (None, "unknown")
    assert "has ended" in line["because"]


def test_what_is_ignored_by_inheritance(target: TARGET_FIXTURE) -> None:
    parent = target("spawner", "--ignore", [HUP, signal.SIGCHLD], "--", "sleep", "60")
    child = parent.children["child"]
    assert findings(child) == {"note ignored-inherited", "warning sigchld-ignored"}
    assert findings(parent.pid) == set()


@pytest.mark.parametrize(
    ("name", "finding"),
    [("stopped", "warning stopped"), ("fault_blocked", "note blocked-fault")],
)
def test_other_findings_have_a_real_target(target: TARGET_FIXTURE, name: str, finding: str) -> None:
    assert finding in findings(target(name).pid)


def test_a_dead_leader_is_no_zombie(target: TARGET_FIXTURE) -> None:
    child = target("dead_leader")
    said = sigscope("pid", child.pid)
    assert "main thread dead, others alive" in " ".join(said.out.split())
    assert "note leader-dead" in findings(child.pid)


def test_a_zombie_is_said_to_be_one(target: TARGET_FIXTURE) -> None:
    parent = target("zombie")
    said = sigscope("pid", parent.children["child"])
    assert said.status == 0
    assert "a zombie: it has ended, takes no signal, and waits until its parent, " in said.out


def test_what_a_sigwait_awaits_is_said(target: TARGET_FIXTURE) -> None:
    child = target("sigwait_thread")
    said = sigscope("pid", "--threads", child.pid)
    assert f"sigwait in {child.tids['waiter']}" in said.out
    assert "waits in sigwait for: SIGHUP SIGTERM" in " ".join(said.out.split())


def test_all_64_signals_are_listed_on_request(target: TARGET_FIXTURE) -> None:
    said = sigscope("pid", "--all", target("one_thread_blocks").pid)
    assert sum(line.startswith("SIG") for line in said.out.splitlines()) == 64


def test_several_targets_are_all_answered(target: TARGET_FIXTURE) -> None:
    one, two = target("ignores", [HUP]), target("stopped")
    said = sigscope("pid", one.pid, 4194304, two.pid)
    assert said.status == 3
    assert f"ignores {one.pid}" in said.out
    assert f"stopped {two.pid}" in said.out
    assert "there is no process 4194304" in said.err


def test_the_status_follows_fail_on(target: TARGET_FIXTURE) -> None:
    child = target("stopped")
    statuses = [
        sigscope("pid", child.pid, "--fail-on", worst).status for worst in ("error", "warning")
    ]
    assert statuses == [0, 1]
