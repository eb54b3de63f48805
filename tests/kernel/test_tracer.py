"""The tracer on real processes: what it reads, that it lets go, and who refuses it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from sigscope.errors import NoSuchTarget, NotPermitted, SigscopeError
from sigscope.kernel.ptrace.preflight import look_first, refuse
from sigscope.kernel.ptrace.session import Session, trace
from sigscope.kernel.ptrace.tracee import Tracee
from sigscope.kernel.ptrace.waiting import StopKind
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal, SignalSet
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.targets import Target

ALARM = SignalSet.of("SIGALRM")


def untouched(pid: int) -> None:
    assert proc.status(pid)["TracerPid"] == "0"
    assert proc.state(pid) not in ("t", "T")


def masks(session: Session) -> dict[int, SignalSet]:
    session.hold()
    return {tracee.tid: tracee.mask() for tracee in session.held}


def test_a_blocked_signal_that_waits_is_seen_with_its_sender(target: TARGET_FIXTURE) -> None:
    process = target("blocked_pending")

    def work(session: Session) -> tuple[SignalSet, tuple[SigInfo, ...], int]:
        with session.visit(process.pid) as thread:
            return thread.mask(), thread.queue(shared=True), thread.registers().number

    mask, queue, number = trace(process.pid, work)
    assert mask == ALARM
    assert [(info.signal.name, info.code_name) for info in queue] == [("SIGALRM", "SI_KERNEL")]
    assert number == proc.syscall(process.pid, process.pid) or number in (7, 219)
    untouched(process.pid)
    assert proc.masks(process.pid).shared_pending == {14}


def test_a_long_queue_is_read_whole_and_in_order(target: TARGET_FIXTURE) -> None:
    process = target("realtime_pending")
    number = process.truth["signal"]

    def work(session: Session) -> tuple[SigInfo, ...]:
        with session.visit(process.pid) as thread:
            return thread.queue(shared=True)

    queue = trace(process.pid, work)
    assert [info.value for info in queue if info.value is not None] == process.truth["values"]
    assert {(info.signal, info.pid) for info in queue} == {(Signal(number), process.pid)}
    assert len(trace(process.pid, work)) == len(queue), "reading takes nothing"


def test_all_threads_are_held_and_let_go(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15, 1}, 20)
    found = trace(process.pid, masks)
    assert sorted(found) == proc.tids(process.pid)
    assert {frozenset(mask) for mask in found.values()} == {frozenset((1, 15))}
    for tid in proc.tids(process.pid):
        assert proc.status(process.pid, tid)["TracerPid"] == "0"
        proc.eventually(lambda tid=tid: proc.state(process.pid, tid) == "S")  # type: ignore[misc]


def test_the_true_mask_holds_what_sigtimedwait_awaits(target: TARGET_FIXTURE) -> None:
    process = target("sigwait_thread")
    waiter = process.tids["waiter"]
    assert proc.masks(process.pid, waiter).blocked == frozenset()
    assert trace(process.pid, masks)[waiter] == SignalSet.of("SIGTERM", "SIGHUP")
    process.send(signal.SIGTERM)
    assert process.hear() == {"taken": 15, "tid": waiter}


def test_threads_that_come_and_go_are_no_error(target: TARGET_FIXTURE) -> None:
    process = target("churn")
    for _ in range(50):
        trace(process.pid, masks)
    process.close_input()
    told = process.hear()
    assert told is not None
    assert told["threads"] > 50
    assert process.wait() == 0


def test_a_stopped_process_stays_stopped(target: TARGET_FIXTURE) -> None:
    process = target("stopped")

    def work(session: Session) -> StopKind:
        with session.visit(process.pid) as thread:
            assert thread.stop is not None
            return thread.stop.kind

    assert trace(process.pid, work) is StopKind.GROUP
    assert proc.status(process.pid)["TracerPid"] == "0"
    proc.wait_state(process.pid, None, "T")
    process.send(signal.SIGCONT)
    proc.wait_state(process.pid, None, "S")


def test_a_stop_signal_that_comes_meanwhile_holds_afterwards(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15}, 3)

    def work(session: Session) -> None:
        session.hold()
        session.signal(signal.SIGSTOP)

    trace(process.pid, work)
    for tid in proc.tids(process.pid):
        proc.wait_state(process.pid, tid, "T")
    process.send(signal.SIGCONT)
    for tid in proc.tids(process.pid):
        proc.wait_state(process.pid, tid, "S")


def test_a_signal_that_comes_meanwhile_arrives(target: TARGET_FIXTURE) -> None:
    process = target("blocking_call", "pause", 1000, "plain")

    def work(session: Session) -> None:
        session.hold()
        session.signal(signal.SIGUSR1)

    trace(process.pid, work)
    told = process.hear()
    assert told is not None
    assert (told["ret"], told["errno"], told["handled"]) == (-1, 4, 1)


def vanished(thread: Tracee) -> bool:
    try:
        thread.mask()
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize(
    ("call", "answer"),
    [("nanosleep", "kill"), ("epoll_wait_endless", "none"), ("recvfrom_timeo", "errno:1")],
)
def test_a_thread_that_is_about_to_enter_a_call_is_let_go_in_it(
    target: TARGET_FIXTURE, call: str, answer: str, seen: bool
) -> None:
    """A detach from there would interrupt the call, and nobody could undo it."""
    process = target("blocking_call", call, 600_000, "none", answer)

    def work(session: Session) -> None:
        session.hold()
        (thread,) = session.held
        thread.to_syscall()  # it enters the same call again
        if seen:
            assert thread.await_stop().kind is StopKind.SYSCALL

    for _ in range(3):
        trace(process.pid, work)
        proc.eventually(lambda: proc.state(process.pid) == "S", saying="it sleeps again")
        untouched(process.pid)
        with pytest.raises(TimeoutError):
            process.hear(0.05)


def test_a_killed_target_is_no_error(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15}, 3)

    def work(session: Session) -> bool:
        session.hold()
        session.signal(signal.SIGKILL)
        thread = session.tracees[process.pid]
        proc.eventually(lambda: vanished(thread))
        return True

    assert trace(process.pid, work)
    assert process.wait() == -signal.SIGKILL, "its status is for its parent"


def test_an_error_of_the_work_lets_go_and_comes_back(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15}, 3)

    def work(session: Session) -> None:
        session.hold()
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        trace(process.pid, work)
    for tid in proc.tids(process.pid):
        assert proc.status(process.pid, tid)["TracerPid"] == "0"


def test_a_thread_that_does_not_stop_is_let_go(target: TARGET_FIXTURE) -> None:
    process = target("vfork_parent")
    assert "vfork" in look_first(process.pid)[0].why

    def work(session: Session) -> list[int]:
        session.hold(timeout=0.2)
        return session.late

    assert trace(process.pid, work) == [process.pid]
    proc.eventually(lambda: proc.status(process.pid)["TracerPid"] == "0")
    assert proc.state(process.pid) == "D"


def test_signals_for_us_wait_until_the_target_is_free(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15}, 1)
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))

    def work(session: Session) -> None:
        session.hold()
        os.kill(os.getpid(), signal.SIGTERM)
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            assert not came
            time.sleep(0.01)

    try:
        trace(process.pid, work)
        proc.eventually(lambda: came == [signal.SIGTERM])
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_ignored_sigchld_does_not_matter(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15}, 3)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert len(trace(process.pid, masks)) == len(proc.tids(process.pid))
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_another_thread_of_ours_can_trace(target: TARGET_FIXTURE) -> None:
    process = target("all_threads_block", {15}, 3)
    found: list[dict[int, SignalSet]] = []
    thread = threading.Thread(target=lambda: found.append(trace(process.pid, masks)))
    thread.start()
    thread.join()
    assert sorted(found[0]) == proc.tids(process.pid)


def refused(pid: int) -> str:
    """Both before anything is tried, and by the kernel."""
    with pytest.raises(NotPermitted) as before:
        refuse(pid, look_first(pid), force=True)
    with pytest.raises(NotPermitted) as tried:
        trace(pid, lambda session: session.seize(pid))
    assert before.value.message == tried.value.message
    return before.value.message


def test_a_process_that_is_traced_already_is_refused_by_name(target: TARGET_FIXTURE) -> None:
    tracer = target("tracer")
    child = tracer.children["child"]
    assert refused(child) == (
        f"process {child} may not be stopped: process {tracer.pid} (tracer) traces it already"
    )


def test_ourselves_are_refused() -> None:
    assert "that is this very process" in refused(os.getpid())


def test_a_zombie_is_refused(target: TARGET_FIXTURE) -> None:
    parent = target("zombie")
    child = parent.children["child"]
    with pytest.raises(NotPermitted, match=f"zombie, and waits for process {parent.pid}"):
        refuse(child, look_first(child), force=True)


@pytest.mark.skipif(not os.path.exists("/proc/2/status"), reason="no kernel threads here")
def test_a_kernel_thread_is_refused() -> None:
    if proc.status(2).get("Kthread") != "1":
        pytest.skip("PID 2 is none here")
    assert "a thread of the kernel" in refused(2)


def test_nobody_is_no_such_target() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    with pytest.raises(NoSuchTarget):
        trace(child.pid, masks)
    with pytest.raises(NoSuchTarget):
        look_first(child.pid)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Another user, without any power, in this process; and back."""
    if os.geteuid() != 0:
        pytest.skip("not root: cannot become another user")
    os.setresgid(65534, 65534, 0)
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


@pytest.mark.usefixtures("nobody")
def test_the_process_of_another_user_is_refused_by_uid(target: TARGET_FIXTURE) -> None:
    pid = os.getppid()
    with pytest.raises(SigscopeError) as error:
        trace(pid, masks)
    assert isinstance(error.value, NotPermitted)
    assert f"it belongs to uid 0, and you are {os.geteuid()}" in error.value.message


def test_what_may_be_done_in_part_is_told_before(target: TARGET_FIXTURE) -> None:
    process = target("blocking_call", "write_pipe_in_part")
    (obstacle,) = look_first(process.pid)
    assert obstacle.tid == process.pid
    assert obstacle.why == "write of 1048576 bytes may return early, with the part that is written"
    assert not obstacle.absolute


def calls(process: Target) -> list[str]:
    return [obstacle.why for obstacle in look_first(process.pid)]


def test_nothing_speaks_against_most_calls(target: TARGET_FIXTURE) -> None:
    for name in ("nanosleep", "epoll_wait_endless", "read_pipe", "pause"):
        process = target("blocking_call", name)
        assert calls(process) == []
