"""``sigscope audit``: each finding has a real target that raises it, and one that must not."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sigscope.analysis.audit import RULES
from tests.conftest import TARGET_FIXTURE
from tests.differential.freezer import Freezer, mounted
from tests.harness import proc
from tests.harness.build import build, required
from tests.harness.command import Said, sigscope
from tests.harness.containers import Container, namespace
from tests.harness.daemons import Daemon
from tests.harness.users import own_user
from tests.kernel.bpf.engine import need_engine

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="it needs root")
ALL = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


def found(pid: int, *more: str | int) -> dict[str, dict[str, Any]]:
    """The findings about one process, by "severity id"."""
    said = sigscope("audit", pid, "--json", *more)
    assert said.status < 2, said.err
    return {
        f"{one['severity']} {one['id']}": one
        for one in said.document["findings"]
        if one["pid"] == pid
    }


def waits(pid: int, call: str) -> None:
    proc.wait_syscall(pid, pid, call)


@needs_root
@pytest.mark.parametrize(("count", "severity"), [(17, "warning"), (20, "error")])
def test_a_signal_queue_that_is_nearly_full(
    target: TARGET_FIXTURE, count: int, severity: str
) -> None:
    child = target("many_timers", own_user(), 20, count)
    told = found(child.pid)[f"{severity} queue-near-limit"]
    assert f"SigQ {count}/20 of many_timers {child.pid}" in told["evidence"]
    assert f"many_timers {child.pid} has {count} POSIX timers" in told["evidence"]


@needs_root
def test_a_signal_queue_with_room_is_nothing(target: TARGET_FIXTURE) -> None:
    assert found(target("many_timers", own_user(), 20, 10).pid) == {}


@needs_root
def test_one_finding_for_a_user_about_the_process_with_the_most_timers(
    target: TARGET_FIXTURE,
) -> None:
    user = own_user()
    few, most = target("many_timers", user, 20, 3), target("many_timers", user, 20, 14)
    findings = sigscope("audit", few.pid, most.pid, "--json").document["findings"]
    assert [(one["id"], one["pid"]) for one in findings] == [("queue-near-limit", most.pid)]


@needs_root
def test_the_init_of_a_container_without_a_handler_for_term() -> None:
    with Container(["sleep", "60"]) as container:
        said = sigscope("audit", container.init)
        assert said.out.startswith(f"docker container {container.id[:12]}: 1 warning\n")
        assert "[init-ignores-term]" in said.out


@needs_root
def test_the_init_of_a_bare_namespace_is_a_note() -> None:
    with namespace("sleep", "60") as init:
        waits(init, "clock_nanosleep")
        assert set(found(init)) == {"note init-ignores-term"}


@needs_root
@pytest.mark.parametrize(
    "code",
    [
        "signal.signal(signal.SIGTERM, lambda *_: None); signal.pause()",
        "signal.pthread_sigmask(0, [15]); signal.sigwait([15])",
    ],
    ids=["handler", "sigwait"],
)
def test_an_init_that_takes_term_is_healthy(code: str) -> None:
    with namespace("/usr/bin/python3", "-c", f"import signal; {code}") as init:
        proc.eventually(lambda: proc.syscall(init, init) in (34, 128, 137, 73))
        assert not {said for said in found(init) if not said.startswith("note ignored")}


@needs_root
def test_a_shell_as_the_init_of_a_container_does_not_pass_term_on() -> None:
    with Container(["sh", "-c", "sleep 60; :"]) as container:
        waits(container.init, "wait4")
        assert set(found(container.init)) == {"warning shell-wrapper"}


@needs_root
def test_a_shell_with_a_trap_is_no_wrapper() -> None:
    with namespace("sh", "-c", "trap 'exit 0' TERM; sleep 60 & wait") as init:
        waits(init, "rt_sigsuspend")
        assert found(init) == {}


@needs_root
def test_a_shell_in_its_own_wait_is_a_wrapper_too() -> None:
    with namespace("sh", "-c", "sleep 60 & wait") as init:
        waits(init, "rt_sigsuspend")
        assert set(found(init)) == {"note shell-wrapper"}


def test_a_vfork_parent_with_a_pending_quit(target: TARGET_FIXTURE) -> None:
    parent = target("vfork_parent")
    parent.send(signal.SIGQUIT)
    told = found(parent.pid)["warning unkillable"]
    assert f"its vfork child {parent.children['child']} has not called exec" in told["title"]


def test_a_vfork_parent_to_whom_nothing_was_sent_is_nothing(target: TARGET_FIXTURE) -> None:
    assert found(target("vfork_parent").pid) == {}


@needs_root
def test_a_process_that_fuse_holds_cannot_be_killed(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this kernel has no FUSE: modprobe fuse")
    parent = target("hung_fuse", str(tmp_path))
    told = found(parent.children["child"])["error unkillable"]
    assert "likely a FUSE file system does not answer" in told["title"]


@needs_root
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_frozen_process(target: TARGET_FIXTURE, version: str) -> None:
    if mounted(version) is None:
        pytest.skip(f"no freezer {version} is mounted here")
    child = target("ignores", [signal.SIGHUP])
    freezer = Freezer(version, child.pid)
    try:
        assert "warning frozen" not in found(child.pid)
        freezer.freeze()
        proc.eventually(lambda: freezer.frozen)
        assert set(found(child.pid)) == {"warning frozen"}
        child.send(signal.SIGQUIT)
        if version == "v1":
            child.send(signal.SIGKILL)
            told = found(child.pid)["error unkillable"]
            assert "its cgroup is frozen (v1)" in told["title"]
        else:
            assert any("SIGQUIT" in line for line in found(child.pid)["warning frozen"]["evidence"])
    finally:
        freezer.thaw()
        child.stop()
        freezer.close()


def test_many_zombies_and_why(target: TARGET_FIXTURE) -> None:
    told = found(target("many_zombies", 6).pid)["warning zombies"]
    assert "6 zombie children" in told["title"]
    assert "blocks the signal in every thread" in told["detail"]


def test_a_young_zombie_is_nothing(target: TARGET_FIXTURE) -> None:
    assert found(target("zombie").pid) == {}


def test_a_stopped_process_that_was_told_to_end(target: TARGET_FIXTURE) -> None:
    child = target("stopped")
    assert set(found(child.pid)) == {"warning stopped"}
    child.send(signal.SIGTERM)
    assert set(found(child.pid)) == {"error stopped-with-pending"}


def test_a_timer_whose_signal_is_blocked_by_somebody_else(target: TARGET_FIXTURE) -> None:
    program = ("env", "-u", "READY_FD", str(build("posix_timer")))
    parent = target(
        "spawner", "--workers", 3, "--workers-block", ALL, "--fork-by", 2, "--", *program
    )
    child = parent.children["child"]
    proc.eventually(lambda: Path(f"/proc/{child}/timers").read_text())
    told = found(child)["warning timer-blocked"]
    assert told["signals"] == ["SIGALRM"]
    assert any(f"inherited from spawner {parent.pid}" in line for line in told["evidence"])
    spread = found(parent.pid)["warning spreading-mask"]
    assert "3 of its 4 threads block" in spread["title"]
    assert any(f"inherited by {child}" in line for line in spread["evidence"])


def test_a_timer_whose_signal_the_program_blocks_itself_is_a_note(target: TARGET_FIXTURE) -> None:
    child = target("posix_timer", [14])
    assert "note timer-blocked" in found(child.pid)
    assert "note timer-blocked" in sigscope("pid", child.pid, "--json").ids(child.pid)
    assert found(target("posix_timer", []).pid) == {}


def test_pid_tells_of_an_alarm_that_somebody_elses_mask_makes_mute(
    target: TARGET_FIXTURE,
) -> None:
    need_engine()
    program = ("env", "-u", "READY_FD", str(build("alarms")), "", "real:3600")
    parent = target(
        "spawner", "--workers", 3, "--workers-block", ALL, "--fork-by", 2, "--", *program
    )
    child = parent.children["child"]
    told = proc.eventually(
        lambda: [
            one
            for one in sigscope("pid", child, "--json").document["findings"]
            if one["id"] == "timer-blocked"
        ]
    )
    assert [one["severity"] for one in told] == ["warning"]
    assert told[0]["evidence"][0] == "ITIMER_REAL sends SIGALRM to the process"
    assert any(f"inherited from spawner {parent.pid}" in line for line in told[0]["evidence"])
    assert "warning timer-blocked" in found(child)


def test_threads_with_other_masks_whose_children_are_clean_are_nothing(
    target: TARGET_FIXTURE,
) -> None:
    parent = target(
        "spawner", "--workers", 3, "--workers-block", ALL, "--fork-by", 0, "--", "sleep", "60"
    )
    assert found(parent.pid) == {}


def test_a_filter_and_a_call_that_restarts(target: TARGET_FIXTURE) -> None:
    unclear = target("filtered_sleep", "nanosleep", "unclear")
    assert set(found(unclear.pid)) == {"note seccomp-restart"}
    assert found(target("filtered_sleep", "pause", "deny").pid) == {}


def test_a_filter_is_asked_what_it_answers(target: TARGET_FIXTURE) -> None:
    need_engine()
    assert found(target("filtered_sleep", "nanosleep", "allow").pid) == {}
    told = found(target("filtered_sleep", "nanosleep", "deny").pid)
    assert set(told) == {"warning seccomp-restart"}
    said = told["warning seccomp-restart"]
    assert "restart_syscall fails with EPERM" in said["title"]
    assert "Docker does since 1.11" in said["remedy"]["for good"]


def test_a_timer_that_breaks_a_call_again_and_again(target: TARGET_FIXTURE) -> None:
    need_engine()
    told = found(target("ticking", 7).pid)
    assert set(told) == {"note handler-without-restart"}
    assert "every 7 s and makes its read fail" in told["note handler-without-restart"]["title"]
    assert found(target("ticking", 7, "restart").pid) == {}
    assert found(target("ticking", 0).pid) == {}


def test_a_traced_process_and_by_whom(target: TARGET_FIXTURE) -> None:
    tracer = target("tracer")
    told = found(tracer.children["child"])["note traced"]
    assert told["title"].startswith(f"tracer {tracer.pid} traces it")


def test_a_bash_that_waits_while_another_job_has_ended_is_healthy() -> None:
    with Daemon([required("bash", "bash"), "-c", "sleep 0.5 & sleep 60; :"]) as daemon:
        proc.eventually(lambda: signal.SIGCHLD in proc.masks(daemon.pid).shared_pending)
        assert found(daemon.pid) == {}


@pytest.mark.parametrize("name", ["signalfd_polled", "sigwait_thread", "ppoll_loop", "sigsuspend"])
def test_healthy_programs_get_notes_at_most(target: TARGET_FIXTURE, name: str) -> None:
    assert {said.split()[0] for said in found(target(name).pid)} <= {"note"}


def test_the_screen_says_what_was_looked_at(target: TARGET_FIXTURE) -> None:
    child = target("stopped")
    said = sigscope("audit", child.pid)
    assert said.out.startswith("stopped: 1 warning\n\nWARNING  stopped ")
    assert said.out.endswith("\n1 process, 1 thread: 1 warning\n")
    assert max(map(len, said.out.splitlines())) <= 80


def test_fail_on(target: TARGET_FIXTURE) -> None:
    child = target("stopped")
    words = ("error", "warning", "note")
    assert [sigscope("audit", child.pid, "--fail-on", one).status for one in words] == [0, 1, 1]


def test_what_is_ignored_is_counted_and_does_not_fail(target: TARGET_FIXTURE) -> None:
    child = target("blocked_pending")
    said = sigscope("audit", child.pid, "--ignore", "blocked-pending:blocked_*")
    assert (said.status, "ignored: 1 (--ignore)" in said.out) == (0, True)
    assert sigscope("audit", child.pid, "--ignore", "blocked-pending:other").status == 1


def accepting(folder: Path, text: str) -> str:
    (folder / "audit.ini").write_text(text)
    return str(folder / "audit.ini")


def test_what_is_accepted_is_shown_with_its_reason(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    child = target("blocked_pending")
    config = accepting(tmp_path, "[blocked-pending:blocked_pe*]\nreason = known since May\n")
    said = sigscope("audit", child.pid, "--config", config)
    assert said.status == 0
    assert "accepted: 1 blocked-pending:blocked_pe* (known since May)" in said.out
    log = sigscope("audit", child.pid, "--config", config, "--sarif").document
    (result,) = (one for one in log["runs"][0]["results"] if one["ruleId"] == "blocked-pending")
    assert result["suppressions"][0]["justification"] == "known since May"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# a\n\n[frosen]\nreason = x\n", "line 3: there is no check 'frosen'"),
        ("[frozen]\n", "line 1: [frozen] has no reason"),
        ("[frozen]\nreason = a\n[frozen:x]\nreason = b\n", "line 3: [frozen:x] contradicts"),
        ("[frozen]\nreason = a\n[frozen]\nreason = b\n", "line 3: [frozen] stands there twice"),
        ("[frozen]\nreason = a\nuntil = May\n", "line 1: [frozen] has until"),
        ("reason = a\n", "line 1: it stands in no section"),
        ("[frozen]\nreason\n", "line 2: this is neither a section nor"),
        ("[frozen:]\nreason = a\n", "line 1: no program stands behind"),
    ],
)
def test_a_broken_file_of_accepted_findings_says_where(
    tmp_path: Path, text: str, says: str
) -> None:
    said = sigscope("audit", os.getpid(), "--config", accepting(tmp_path, text))
    assert (said.status, said.out) == (2, "")
    assert says in said.err


def test_a_slip_in_an_id_is_answered_with_the_nearest() -> None:
    said = sigscope("audit", "--ignore", "blocked-pendign")
    assert (said.status, "did you mean blocked-pending?" in said.err) == (2, True)


def nagios(*words: str | int) -> Said:
    return sigscope("audit", "--format", "nagios", *words)


def test_nagios_gets_one_line_and_its_statuses(target: TARGET_FIXTURE) -> None:
    stuck, stopped, fine = target("blocked_pending"), target("stopped"), target("sigsuspend")
    answers = [nagios(pid) for pid in (stuck.pid, stopped.pid, fine.pid, 4194304)]
    assert [said.status for said in answers] == [2, 1, 0, 3]
    states = [said.out.split()[1] for said in answers]
    assert states == ["CRITICAL", "WARNING", "OK", "UNKNOWN"]
    assert all(said.out.count("\n") == 1 for said in answers)
    assert f"blocked-pending blocked_pending {stuck.pid}" in answers[0].out
    assert "| errors=1;;0;0 warnings=0;0;;0 notes=0;;;0 processes=1;;;0" in answers[0].out


def test_nagios_takes_a_failure_of_ours_for_unknown() -> None:
    said = nagios("--from", "/nonexistent")
    assert (said.status, said.out[:16]) == (3, "SIGSCOPE UNKNOWN")


def test_node_problem_detector_gets_its_statuses(target: TARGET_FIXTURE) -> None:
    stuck, fine = target("blocked_pending"), target("sigsuspend")
    style = ("--exit-style", "npd")
    statuses = [sigscope("audit", pid, *style).status for pid in (stuck.pid, fine.pid, 4194304)]
    assert statuses == [1, 0, 2]


def test_sarif_has_what_its_schema_requires(target: TARGET_FIXTURE) -> None:
    child = target("blocked_pending")
    log = sigscope("audit", child.pid, "--sarif").document
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"]) == ("2.1.0", "sigscope")
    assert [rule["id"] for rule in driver["rules"]] == [rule.id for rule in RULES]
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    for result in run["results"]:
        assert result["message"]["text"]
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
    assert [invocation["executionSuccessful"] for invocation in run["invocations"]] == [True]


def test_the_forms_exclude_each_other() -> None:
    assert sigscope("audit", "--json", "--sarif").status == 2


def test_every_check_is_listed() -> None:
    said, document = (
        sigscope("audit", "--list-checks"),
        sigscope("audit", "--list-checks", "--json"),
    )
    heads = [line.split()[0] for line in said.out.splitlines() if not line.startswith(" ")]
    assert heads == [rule.id for rule in RULES]
    assert [check["id"] for check in document.document["checks"]] == heads


def test_a_recorded_host_is_audited_elsewhere(target: TARGET_FIXTURE, tmp_path: Path) -> None:
    child, parent = target("posix_timer", [14]), target("many_zombies", 5)
    file = str(tmp_path / "host.gz")
    assert sigscope("snapshot", child.pid, parent.pid, "-o", file).status == 0
    assert set(found(child.pid, "--from", file)) == set(found(child.pid))
    assert sigscope("audit", "--from", file, "--json").document["scanned"]["processes"] > 1
