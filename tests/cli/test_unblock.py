"""``unblock`` on real processes: what was foretold happens, and nothing else does."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import PATIENCE, Said
from tests.harness.targets import Target
from tests.harness.uwsgi import incident
from tests.kernel.command import as_nobody
from tests.kernel.command import sigscope as run_as

ALRM, TERM, USR1, HUP = signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the records of this test go."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "sigscope"


def unblock(*words: str | int) -> Said:
    """``sigscope unblock WORDS``, with nobody there to ask."""
    ran = subprocess.run(
        [sys.executable, "-m", "sigscope", "unblock", *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
    )
    assert "Traceback" not in ran.stderr
    return Said(ran.returncode, ran.stdout, ran.stderr)


def heard(target: Target) -> dict[str, Any]:
    said = target.hear()
    assert said is not None
    return said


def test_a_pending_signal_reaches_its_handler_as_foretold(target: TARGET_FIXTURE) -> None:
    one = target("blocked_pending")
    said = unblock("--yes", "ALRM", one.pid)
    assert said.status == 0, said
    assert f"opens       SIGALRM in thread {one.pid}" in said.out
    assert "at once     SIGALRM is pending: a handler of blocked_pending runs" in said.out
    assert f"done        SIGALRM opened in thread {one.pid}" in said.out
    assert heard(one)["handled"] == ALRM
    assert proc.masks(one.pid).blocked == frozenset()
    proc.wait_syscall(one.pid, one.pid, "poll")  # it waits again, as it did


def test_the_plan_alone_changes_nothing(target: TARGET_FIXTURE, state: Path) -> None:
    one = target("blocked_pending")
    said = unblock("--dry-run", "ALRM,TERM", one.pid)
    assert said.status == 0
    assert "SIGALRM is pending: a handler of blocked_pending runs" in said.out
    found = proc.masks(one.pid)
    assert ALRM in found.blocked & found.shared_pending
    assert not state.exists()


def test_a_signal_without_a_handler_ends_it_and_that_was_said(target: TARGET_FIXTURE) -> None:
    one = target("all_threads_block", {TERM}, 3)
    one.send(TERM)
    plan = unblock("TERM", "--dry-run", one.pid)
    assert "SIGTERM is pending: it will terminate all_threads_blo" in plan.out
    kept = unblock("TERM", "--yes", "--keep-pending-out", one.pid)
    assert kept.status == 4
    assert "SIGTERM is pending, and may end" in kept.err
    assert TERM in proc.masks(one.pid).blocked
    done = unblock("TERM", "--yes", one.pid)
    assert one.wait() == -TERM
    assert "done" in done.out


def test_what_is_not_pending_does_nothing_now(target: TARGET_FIXTURE) -> None:
    one = target("all_threads_block", {TERM, USR1}, 3)
    said = unblock("-y", "USR1", one.pid)
    assert said.status == 0
    assert "at once     nothing: none of it is pending" in said.out
    assert "opens       SIGUSR1 in 3 threads" in said.out
    for tid in proc.tids(one.pid):
        assert proc.masks(one.pid, tid).blocked == {TERM}
        proc.wait_syscall(one.pid, tid, "pause")


def test_one_thread_can_be_meant(target: TARGET_FIXTURE) -> None:
    one = target("all_threads_block", {USR1}, 3)
    first, second = one.tids["worker1"], one.tids["worker2"]
    assert unblock("-y", "USR1", f"{one.pid}/{first}").status == 0
    assert unblock("-y", "--thread", second, "USR1", one.pid).status == 0
    left = [tid for tid in proc.tids(one.pid) if USR1 in proc.masks(one.pid, tid).blocked]
    assert left == [one.pid]
    assert unblock("-y", "--thread", 1, "USR1", one.pid).status == 3


def test_a_signal_to_one_thread_is_foretold_for_that_thread(target: TARGET_FIXTURE) -> None:
    one = target("thread_pending")
    said = unblock("--dry-run", "USR1", one.pid)
    assert f"SIGUSR1 is pending (for thread {one.tids['worker']}): it will terminate" in said.out


def test_it_is_undone_by_the_record(target: TARGET_FIXTURE, state: Path) -> None:
    one = target("all_threads_block", {TERM, USR1, HUP}, 3)
    assert unblock("-y", "USR1", one.pid).status == 0
    assert unblock("-y", "HUP", one.pid).status == 0
    (file,) = state.iterdir()
    assert (file.stat().st_mode & 0o777, state.stat().st_mode & 0o777) == (0o600, 0o700)
    assert unblock("--undo", "--yes", one.pid).status == 0
    for tid in proc.tids(one.pid):
        assert proc.masks(one.pid, tid).blocked == {TERM, USR1, HUP}
    assert not list(state.iterdir())
    assert unblock("--undo", "--yes", one.pid).status == 3


def test_a_record_that_others_may_write_or_that_is_damaged_is_not_believed(
    target: TARGET_FIXTURE, state: Path
) -> None:
    one = target("all_threads_block", {USR1})
    assert unblock("-y", "USR1", one.pid).status == 0
    (file,) = state.iterdir()
    text = file.read_text()
    file.chmod(0o622)
    assert unblock("--undo", "-y", one.pid).status == 4
    file.chmod(0o600)
    for damaged in ("", "{}", text[:-9], text.replace(str(one.pid), "1"), "[" * 100_000):
        file.write_text(damaged)
        assert unblock("--undo", "-y", one.pid).status == 5
    file.write_text(json.dumps({**json.loads(text), "boot": "another"}))
    assert unblock("--undo", "-y", one.pid).status == 3
    assert proc.masks(one.pid).blocked == frozenset()


def test_without_a_place_for_the_record_nothing_is_changed(
    target: TARGET_FIXTURE, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = target("blocked_pending")
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    assert unblock("-y", "ALRM", one.pid).status == 4
    assert ALRM in proc.masks(one.pid).blocked


def test_a_mask_that_is_for_one_call_only_is_left_alone(target: TARGET_FIXTURE) -> None:
    one = target("sigsuspend")
    said = unblock("-y", "all", one.pid)
    assert said.status == 1
    assert "nothing to do" in said.err


def test_a_thread_in_sigwait_is_left_alone_and_others_are_warned_of(
    target: TARGET_FIXTURE,
) -> None:
    one = target("sigwait_thread")
    waiter = one.tids["waiter"]
    said = unblock("--dry-run", "TERM", one.pid)
    assert f"beware      SIGTERM is taken by a sigwait of thread {waiter}" in said.out
    assert f"left alone  in thread {waiter}: it waits for it in sigwait, which takes it" in said.out
    alone = unblock("-y", "TERM", f"{one.pid}/{waiter}")
    assert (alone.status, "better left alone" in alone.err) == (1, True)


def test_it_says_so_if_the_program_blocks_it_again(target: TARGET_FIXTURE) -> None:
    one = target("blocks_again")
    said = unblock("--yes", "USR1", one.pid)
    assert said.status == 1
    assert f"but         thread {one.pid} blocks SIGUSR1 again" in said.out
    assert unblock("--yes", "HUP", one.pid).status == 0
    assert HUP not in proc.masks(one.pid).blocked


def test_the_threads_of_a_dead_leader_can_be_helped(target: TARGET_FIXTURE) -> None:
    one = target("dead_leader", mask={USR1})
    said = unblock("--yes", "USR1", one.pid)
    assert said.status == 0, said
    for tid in proc.tids(one.pid):
        if proc.state(one.pid, tid) != "Z":
            assert USR1 not in proc.masks(one.pid, tid).blocked


def test_json_tells_the_plan_the_forecast_and_what_was_done(target: TARGET_FIXTURE) -> None:
    one = target("blocked_pending")
    document = unblock("--json", "--yes", "ALRM", one.pid).document
    (planned,) = document["plan"]
    (done,) = document["done"]
    assert planned["before"]["signals"] == done["before"]["signals"] == ["SIGALRM"]
    assert done["after"]["signals"] == []
    assert document["forecasts"][0]["outcome"] == "handled"
    assert document["verified"] is True


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("KILL",), 2, "is never blocked"),
        (("STOP",), 2, "is never blocked"),
        (("32",), 2, "glibc's own"),
        (("nonsense",), 2, "is not a signal"),
        ((), 2, "which signal?"),
        (("USR2",), 1, "no thread of blocked_pending"),
        (("ALRM",), 2, "nobody to ask"),
        (("--undo", "ALRM", "-y"), 2, "takes a TARGET alone"),
        (("--undo", "-y"), 3, "nothing was unblocked"),
    ],
)
def test_what_cannot_be_is_refused(
    target: TARGET_FIXTURE, words: tuple[str, ...], status: int, said: str
) -> None:
    one = target("blocked_pending")
    ended = unblock(*words, one.pid)
    assert (ended.status, said in ended.err) == (status, True), ended
    assert ALRM in proc.masks(one.pid).blocked


def test_targets_that_cannot_be_altered(target: TARGET_FIXTURE) -> None:
    assert unblock("-y", "TERM", 999_999_999).status == 3
    assert unblock("-y", "TERM", "no-such-name").status == 3
    zombie = next(iter(target("zombie").children.values()))
    assert unblock("-y", "TERM", zombie).status == 3
    assert unblock("-y", "TERM", os.getpid()).status in (1, 4)
    if proc.name(2) == "kthreadd":
        assert unblock("-y", "TERM", 2).status == 4
    target("stopped"), target("stopped")
    assert unblock("-y", "TERM", "stopped").status == 2


def test_a_traced_process_says_who_traces_it(target: TARGET_FIXTURE) -> None:
    one = target("tracer")
    traced = next(iter(one.children.values()))
    said = unblock("-y", "all", traced)
    assert said.status in (1, 4)
    assert said.status == 1 or str(one.pid) in said.err


def test_somebody_else_may_not(target: TARGET_FIXTURE) -> None:
    one = target("blocked_pending")
    unprivileged = as_nobody()
    said = run_as("unblock", "-y", "ALRM", one.pid, env={"XDG_STATE_HOME": "/tmp"}, **unprivileged)
    assert said.returncode in (1, 4)
    assert ALRM in proc.masks(one.pid).blocked


def test_it_asks_and_takes_no_for_an_answer(target: TARGET_FIXTURE) -> None:
    one = target("blocked_pending")
    for answer, status in ((b"n\n", 1), (b"\n", 1), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "sigscope", "unblock", "ALRM", str(one.pid)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            os.close(theirs)
            os.write(ours, answer)
            _, said = process.communicate(timeout=PATIENCE)
            os.close(ours)
        assert (process.returncode, b"[y/N]" in said) == (status, True), said
        assert (ALRM in proc.masks(one.pid).blocked) is bool(status)


def test_the_hung_hping3_comes_to_life(state: Path) -> None:
    """The incident: uWSGI's thread has passed its mask on, and the request never returns."""
    with incident() as found:
        before = found.service.replies
        said = unblock("--yes", "ALRM", found.hung)
        assert said.status == 0, said
        assert "at once     SIGALRM is pending: a handler of hping3 runs" in said.out
        proc.eventually(
            lambda: any(fact.get("ended") == found.hung for fact in found.service.facts()),
            PATIENCE,
            "the request gets its answer",
        )
        assert "flags=RA" in found.service.replies[len(before) :]
