"""The tests of the tests: is each target in the situation that it claims, by /proc itself?"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import build, proc, start
from tests.harness.build import TARGETS
from tests.harness.targets import NotReady, Target

ALRM, TERM, HUP, INT = signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT
USR1, USR2, WINCH = signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH
ALL = frozenset(range(1, 65))
UNBLOCKABLE = frozenset({signal.SIGKILL, signal.SIGSTOP})
Start = Callable[..., Target]

CASES: dict[str, Callable[[Start], None]] = {}


def situation(check: Callable[[Start], None]) -> Callable[[Start], None]:
    """A check is named for its target, so that none can be forgotten."""
    CASES[check.__name__] = check
    return check


@situation
def blocked_pending(start: Start) -> None:
    child = start("blocked_pending")
    found = proc.masks(child.pid)
    assert found.blocked == found.shared_pending == found.caught == {ALRM}
    assert found.pending == set()


@situation
def one_thread_blocks(start: Start) -> None:
    child = start("one_thread_blocks")
    assert proc.masks(child.pid, child.tids["main"]).blocked == {WINCH}
    assert proc.masks(child.pid, child.tids["worker"]).blocked == set()


@situation
def all_threads_block(start: Start) -> None:
    child = start("all_threads_block", {TERM, HUP}, 3)
    assert proc.tids(child.pid) == sorted(child.tids.values())
    assert len(child.tids) == 3
    for tid in proc.tids(child.pid):
        found = proc.masks(child.pid, tid)
        assert found.blocked == {TERM, HUP}
        assert found.pending == found.shared_pending == set()


@situation
def sigwait_thread(start: Start) -> None:
    child = start("sigwait_thread")
    assert proc.masks(child.pid, child.tids["main"]).blocked == {TERM, HUP}
    # The kernel opens the awaited set for the time of the wait.
    assert proc.masks(child.pid, child.tids["waiter"]).blocked == set()
    child.send(TERM)
    assert child.hear() == {"taken": TERM, "tid": child.tids["waiter"]}


@situation
def signalfd_polled(start: Start) -> None:
    child = start("signalfd_polled")
    for tid in proc.tids(child.pid):
        assert proc.masks(child.pid, tid).blocked == {TERM}
    information = Path(f"/proc/{child.pid}/fdinfo")
    sigmask = (information / str(child.truth["signalfd"])).read_text().split("sigmask:")[1]
    assert proc.signals(sigmask.strip()) == {TERM}
    watched = (information / str(child.truth["epoll"])).read_text()
    assert f"tfd: {child.truth['signalfd']:8}" in watched
    child.send(TERM)
    assert child.hear() == {"taken": TERM, "tid": child.tids["main"]}


@situation
def signalfd_unread(start: Start) -> None:
    child = start("signalfd_unread")
    found = proc.masks(child.pid)
    assert found.blocked == found.shared_pending == {TERM}
    fdinfo = Path(f"/proc/{child.pid}/fdinfo/{child.truth['signalfd']}").read_text()
    assert "sigmask:\t0000000000004000" in fdinfo


@situation
def ppoll_loop(start: Start) -> None:
    child = start("ppoll_loop", 20000, 20000)
    proc.eventually(lambda: proc.masks(child.pid).blocked == {TERM, HUP, INT}, saying="blocked")
    proc.eventually(lambda: proc.masks(child.pid).blocked == set(), saying="open")
    child.send(HUP)
    assert child.hear() == {"handled": HUP, "tid": child.pid}
    child.send(TERM)
    assert child.wait() == 0


@situation
def sigsuspend(start: Start) -> None:
    child = start("sigsuspend")
    assert proc.masks(child.pid).blocked == set()
    child.send(HUP)
    assert child.hear() == {"handled": HUP, "tid": child.pid}


@situation
def dead_leader(start: Start) -> None:
    child = start("dead_leader")
    assert proc.state(child.pid) == "Z"
    assert proc.masks(child.pid, child.tids["one"]).blocked == {TERM, USR1}
    assert proc.masks(child.pid, child.tids["two"]).blocked == {TERM}
    assert len(proc.tids(child.pid)) == 3


@situation
def thread_pending(start: Start) -> None:
    child = start("thread_pending")
    worker = proc.masks(child.pid, child.tids["worker"])
    assert worker.blocked == worker.pending == {USR1}
    assert worker.shared_pending == set()
    main = proc.masks(child.pid, child.tids["main"])
    assert main.blocked == main.pending == set()


@situation
def zombie(start: Start) -> None:
    child = start("zombie")
    assert proc.state(child.children["child"]) == "Z"
    assert proc.children(child.pid) == [child.children["child"]]


@situation
def stopped(start: Start) -> None:
    child = start("stopped")
    assert proc.state(child.pid) == "T"
    child.send(signal.SIGCONT)
    proc.wait_syscall(child.pid, child.pid, "pause")


@situation
def hostile_comm(start: Start) -> None:
    name, argument = b"\x1b[31m(x) R 1\n\xff", b"--a\nb\x1b]0;owned\x07\xc3"
    child = start("hostile_comm", name.hex(), argument)
    assert bytes.fromhex(child.truth["comm"]) == name
    assert Path(f"/proc/{child.pid}/comm").read_bytes() == name + b"\n"
    cmdline = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    assert cmdline.endswith(b"\0" + argument + b"\0")


@situation
def fault_blocked(start: Start) -> None:
    faults = {11, 7, 8, 4, 5, 31}
    child = start("fault_blocked")
    found = proc.masks(child.pid)
    assert found.blocked == found.caught == faults
    child.tell("fault")
    assert child.wait() == -signal.SIGSEGV
    assert child.hear() is None


@situation
def realtime_pending(start: Start) -> None:
    child = start("realtime_pending")
    found = proc.masks(child.pid)
    number = child.truth["signal"]
    assert number == signal.SIGRTMIN + 2
    assert found.blocked == found.shared_pending == {number}
    assert int(proc.status(child.pid)["SigQ"].split("/")[0]) >= 3


@situation
def ignores(start: Start) -> None:
    child = start("ignores", {HUP, USR2})
    assert proc.masks(child.pid).ignored == {HUP, USR2}


@situation
def churn(start: Start) -> None:
    child = start("churn", 8, 2)
    seen: set[int] = set()

    def many() -> bool:
        seen.update(proc.tids(child.pid), proc.children(child.pid))
        return len(seen) > 10

    proc.eventually(many, saying="threads and children come and go")
    child.close_input()
    told = child.hear()
    assert told is not None
    assert told["threads"] > 0
    assert told["children"] > 0
    assert child.wait() == 0


@situation
def spawner(start: Start) -> None:
    options = ("--workers", 2, "--workers-block", {TERM, ALRM}, "--main-blocks", {WINCH})
    child = start("spawner", *options, "--ignore", {HUP}, "--fork-by", 2, "--", "sleep", "60")
    grandchild = child.children["child"]
    assert proc.status(grandchild)["Name"] == "sleep"
    assert proc.masks(child.pid, child.tids["main"]).blocked == {WINCH}
    assert proc.masks(child.pid, child.tids["worker1"]).blocked == {TERM, ALRM}
    assert proc.masks(grandchild).blocked == {TERM, ALRM}
    assert proc.masks(grandchild).ignored == {HUP}
    assert child.truth["forker"] == child.tids["worker2"]
    assert proc.children(child.pid, child.tids["worker2"]) == [grandchild]
    assert proc.children(child.pid, child.tids["main"]) == []


@situation
def python_program(start: Start) -> None:
    child = start("python_program", mask={USR1})
    found = proc.masks(child.pid)
    assert found.blocked == {USR1}
    assert found.ignored == {signal.SIGPIPE, signal.SIGXFSZ}


# Programs that make no situation of their own: they are tested by what is built upon them.
TOOLS = {"clean_exec", "keeper", "record_masks"}


def test_every_target_is_checked() -> None:
    """Here, or where another test starts it by its name and needs the situation that it claims."""
    files = {path.stem for path in TARGETS.iterdir() if path.suffix in (".c", ".py")}
    others = [path for path in TARGETS.parent.rglob("*.py") if path != Path(__file__)]
    named = {
        word for path in others for word in re.findall(r'"(\w+)(?:\.c)?"', path.read_text("utf-8"))
    }
    assert set(CASES) <= files
    assert files - TOOLS - {"__init__"} <= set(CASES) | named


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_target_is_in_the_situation_that_it_claims(name: str, target: Start) -> None:
    CASES[name](target)


def test_what_the_kernel_refuses_to_block_is_the_only_exception(target: Start) -> None:
    child = target("ignores", {HUP}, mask=ALL, ignored=ALL)
    found = proc.masks(child.pid)
    assert found.blocked == ALL - UNBLOCKABLE
    assert found.ignored == ALL - UNBLOCKABLE


def test_a_target_inherits_nothing_from_us(target: Start) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {USR1})
    handler = signal.signal(USR2, signal.SIG_IGN)
    try:
        child = target("one_thread_blocks", "", mask={TERM}, ignored={HUP})
    finally:
        signal.signal(USR2, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for tid in proc.tids(child.pid):
        found = proc.masks(child.pid, tid)
        assert found.blocked == {TERM}
        assert found.ignored == {HUP}


@pytest.mark.parametrize("forker", [0, 1])
def test_the_forking_thread_may_end(target: Start, forker: int) -> None:
    child = target(
        "spawner", "--workers", 2, "--workers-block", {TERM}, "--fork-by", forker,
        "--forker-exits", "--", "sleep", "60",
    )  # fmt: skip
    grandchild = child.children["child"]
    assert proc.masks(grandchild).blocked == ({TERM} if forker else set())
    if forker:
        assert child.truth["forker"] not in proc.tids(child.pid)
        # The orphan of a thread goes to another thread of the same process.
        assert proc.children(child.pid, child.tids["main"]) == [grandchild]
    else:
        assert proc.state(child.pid, child.pid) == "Z"
        assert proc.children(child.pid) == [grandchild]
    assert int(proc.status(grandchild)["PPid"]) == child.pid


def test_a_fork_without_exec_keeps_the_program(target: Start) -> None:
    child = target("spawner", "--no-exec", "--ignore", {USR1}, "--stop-ignoring", mask={TERM})
    copy = child.children["child"]
    assert proc.status(copy)["Name"] == "spawner"
    assert proc.masks(copy).blocked == {TERM}
    assert proc.masks(copy).ignored == {USR1}
    assert proc.masks(child.pid).ignored == set()


def test_nothing_is_left_of_a_target_and_its_children() -> None:
    with start("spawner", "--workers", 1, "--fork-by", 1, "--", "sleep", "60", mask=ALL) as child:
        pids = [child.pid, child.children["child"]]
        assert all(proc.state(pid) != "gone" for pid in pids)
    proc.wait_dead(*pids)


def test_a_killed_test_run_leaves_nothing(tmp_path: Path) -> None:
    """The targets die with whoever started them: here a Python that is killed."""
    program = (
        "from tests.harness import start\n"
        "child = start('spawner', '--workers', 1, '--fork-by', 1, '--', 'sleep', '60', mask=[15])\n"
        "print(child.pid, child.children['child'], flush=True)\n"
        "input()\n"
    )
    root = str(TARGETS.parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root,
        env={**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path)},
    ) as run:  # fmt: skip
        assert run.stdout is not None
        pids = [int(word) for word in run.stdout.readline().split()]
        run.kill()
    assert len(pids) == 2
    proc.wait_dead(*pids)


def test_a_target_that_fails_says_why(target: Start) -> None:
    with pytest.raises(NotReady, match=r"spawner ended with 2: .*a command is missing"):
        target("spawner")


def test_eventually_gives_up_and_says_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match="not within 0 s: the moon is full"):
        proc.eventually(lambda: False, timeout=0, saying="the moon is full")


def test_programs_are_compiled_once() -> None:
    assert build("clean_exec") is build("clean_exec")
