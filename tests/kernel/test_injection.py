"""Sigactions asked inside the target: right answers, and a target that does not notice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess

import pytest

from sigscope.analysis.seccomp.proven import NUMBERS, passing
from sigscope.kernel.ptrace.asking import Permission
from sigscope.model.abi import X86_64
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter
from sigscope.model.signals import SignalSet
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.build import directory
from tests.harness.inspecting import done, in_a_child, look
from tests.harness.queueing import queue_value
from tests.harness.targets import Target

pytestmark = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="sigactions are asked on x86-64 only"
)
ALLOWED = frozenset(("rt_sigaction", "rt_sigreturn", "restart_syscall"))


def why_not(process: Process) -> str:
    assert process.depth is not None
    assert process.depth.actions is None
    (gap,) = (gap for gap in process.gaps if gap.what == f"handlers of {process.pid}")
    return gap.why


def test_the_actions_are_those_that_the_program_reads_itself(target: TARGET_FIXTURE) -> None:
    process = target("self_checking")
    depth = look(process.pid).depth
    assert depth is not None
    assert depth.engine == "ptrace"
    for number, told in ((10, process.truth["usr1"]), (12, process.truth["usr2"])):
        action = depth.action(number)
        assert action is not None
        assert [action.handler, action.flags, action.mask.mask] == told
    assert depth.actions is not None
    caught = [n for n, action in enumerate(depth.actions, 1) if action.handler > 1]
    assert [n for n in caught if n not in (32, 33)] == [10, 12, 37], "but for libc's own"
    finish(process)


def finish(process: Target, values: int = 0, rounds: int = 1) -> None:
    """It ends, and found nothing wrong."""
    process.close_input()
    told = process.hear()
    assert told is not None, f"it died: {process.wait()}"
    assert told["wrong"] == ""
    assert told["interrupted"] == 0
    assert told["values"] == values
    assert told["rounds"] >= rounds
    assert process.wait() == 0


def test_queues_and_masks_come_with_them(target: TARGET_FIXTURE) -> None:
    process = target("self_checking")
    seen = look(process.pid)
    assert seen.depth is not None
    assert seen.depth.queue is not None
    assert [info.value for info in seen.depth.queue if info.signal == 39] == [1, 2, 3]
    main, waiter = seen.thread(process.pid), seen.thread(process.tids["waiter"])
    assert main is not None
    assert waiter is not None
    assert main.depth is not None
    assert waiter.depth is not None
    assert main.depth.blocked == SignalSet.containing((3, 39))
    assert waiter.depth.blocked is not None
    assert 43 in waiter.depth.blocked, "though it waits for it at times"
    assert seen.gaps == ()
    finish(process)


def test_a_busy_target_is_the_same_after_many_looks(target: TARGET_FIXTURE) -> None:
    """Registers, red zone, timeouts, masks, timers, queues; and every signal sent meanwhile."""
    process = target("self_checking")
    rounds, sent = 60, 0

    def looks() -> None:
        for _ in range(rounds):
            look(process.pid)

    child = in_a_child(looks)
    dice = random.Random(5)
    ended = 0
    while not ended:
        if sent < 2000:
            sent += 1
            queue_value(process.pid, process.truth["ordered"], sent)
            process.send(signal.SIGUSR1)
        signal.sigtimedwait((), dice.random() * 0.004)
        ended, status = os.waitpid(child, os.WNOHANG)
    assert os.waitstatus_to_exitcode(status) == 0
    finish(process, values=sent)


def test_a_stopped_process_is_not_asked(target: TARGET_FIXTURE) -> None:
    process = target("blocking_call", "pause", 1000, "plain")
    process.send(signal.SIGSTOP)
    proc.wait_state(process.pid, None, "T")
    assert "it is stopped" in why_not(look(process.pid))
    proc.wait_state(process.pid, None, "T")


def test_a_filter_has_to_be_known_to_allow_it(target: TARGET_FIXTURE) -> None:
    process = target("blocking_call", "nanosleep", 3000, "plain", "kill")
    assert "seccomp filter is not known to let rt_sigaction" in why_not(look(process.pid))
    allowed = look(process.pid, permission=Permission(ALLOWED - {"restart_syscall"}))
    assert allowed.depth is not None
    assert allowed.depth.actions is not None
    assert allowed.depth.actions[9].disposition == "caught"
    told = process.hear()
    assert told is not None
    assert (told["ret"], told["errno"], told["handled"]) == (0, 0, 0)
    assert told["ended"] - process.truth["began"] >= 3_000_000_000


def test_its_filters_can_be_read_and_judged_on_the_way(target: TARGET_FIXTURE) -> None:
    process = target("blocking_call", "pause", 3000, "plain", "kill")
    judged: list[tuple[Filter, ...]] = []

    def judge(filters: tuple[Filter, ...]) -> frozenset[str]:
        judged.append(filters)
        return passing(filters, X86_64)

    seen = look(process.pid, permission=Permission(judge=judge))
    if os.geteuid() != 0:
        assert "cannot be read" in why_not(seen)
        return
    assert seen.depth is not None
    assert seen.depth.actions is not None
    assert [len(one.instructions) for one in judged[0]] == [4]
    assert passing(judged[0], X86_64) == NUMBERS[X86_64].keys() - {"restart_syscall"}
    refused = look(process.pid, permission=Permission(judge=lambda _: frozenset()))
    assert "does not let rt_sigaction" in why_not(refused)


@pytest.mark.parametrize("name", ["read_pipe", "epoll_wait_endless", "poll_timed", "pause"])
def test_a_call_that_was_interrupted_for_it_goes_on(target: TARGET_FIXTURE, name: str) -> None:
    process = target("blocking_call", name, 1500, "plain")
    call = proc.syscall(process.pid, process.pid)
    for _ in range(5):
        child = in_a_child(lambda: look(process.pid))
        assert done(child) == 0
    if name == "poll_timed":
        told = process.hear()
        assert told is not None
        assert (told["ret"], told["errno"]) == (0, 0)
        assert told["ended"] - process.truth["began"] >= 1_500_000_000
    else:
        proc.wait_syscall(process.pid, process.pid, call or 0)
        process.send(signal.SIGUSR1)
        told = process.hear()
        assert told is not None
        assert (told["ret"], told["errno"], told["handled"]) == (-1, 4, 1)


def program(source: str, *command: str) -> str:
    """A program made by another compiler; skips the test where that is missing."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    suffix = {"go": ".go"}.get(command[0], ".c")
    path = directory() / f"other_{command[0]}{suffix}"
    path.write_text(source)
    output = path.with_suffix("")
    environment = {**os.environ, "GOCACHE": str(directory() / "go"), "GO111MODULE": "off"}
    run = subprocess.run(
        [*command, str(output), str(path)], capture_output=True, text=True, env=environment
    )
    if run.returncode:
        pytest.skip(f"{command[0]} cannot make it: {run.stderr[:200]}")
    return str(output)


GO = """
package main
import ("fmt"; "os"; "time")
func main() {
	for n := 0; n < 50; n++ {
		go func() { for { s := 0; for i := 0; i < 1000000; i++ { s += i }; time.Sleep(1000) } }()
	}
	fmt.Println("ready")
	b := make([]byte, 1)
	os.Stdin.Read(b)
	fmt.Println("fine")
}
"""


def test_a_go_program_with_its_tiny_stacks_goes_on() -> None:
    """Below a goroutine's stack pointer is another goroutine's memory: it is not touched."""
    go = program(GO, "go", "build", "-o")
    process = subprocess.Popen(
        [go], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            answers = [look(process.pid).depth for _ in range(20)]
            assert all(answer is not None for answer in answers)
            output, _ = process.communicate(b"x", timeout=60)
            assert output == b"fine\n"
        finally:
            process.kill()
