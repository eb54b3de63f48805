"""The engine only looks: nothing of it is seen in the target, in other looks, or afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from signal import SIGTERM, SIGUSR1

import pytest

from sigscope.kernel.bpf import syscall
from sigscope.kernel.bpf.depth import read_all_deep, read_deep
from sigscope.kernel.bpf.opening import open_tasks
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import environment

LOOKS = 40


@pytest.fixture(autouse=True)
def engine() -> None:
    need_engine()


def traces(pid: int) -> dict[str, str]:
    """What would tell that somebody stopped, woke or traced it."""
    found = {}
    for tid in proc.tids(pid):
        status = proc.status(pid, tid)
        for name in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches", "TracerPid"):
            found[f"{tid} {name}"] = status[name]
        for name in ("State", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"):
            found[f"{tid} {name}"] = status[name]
        for file in ("syscall", "schedstat"):
            with open(f"/proc/{pid}/task/{tid}/{file}") as opened:
                found[f"{tid} {file}"] = opened.read()
    with open(f"/proc/{pid}/timers") as opened:
        found["timers"] = opened.read()
    return found


@pytest.mark.parametrize("name", ["posix_timer", "sigwait_thread", "sigsuspend", "blocked_pending"])
def test_a_target_that_sleeps_is_not_woken(name: str, target: TARGET_FIXTURE) -> None:
    arguments = {"posix_timer": ([SIGTERM],), "sigwait_thread": ({SIGTERM},)}.get(name, ())
    sleeper = target(name, *arguments)
    with open_tasks() as tasks:
        for _ in range(LOOKS):
            before = traces(sleeper.pid)
            for _ in range(5):
                assert read_deep(tasks, sleeper.pid) is not None
                tasks.scan()
            if traces(sleeper.pid) == before:
                return  # a timer of its own, or a stray wakeup, may fall in between once
    raise AssertionError(f"{name} moved in every one of {LOOKS} rounds")


SCANS = """\
import json, sys
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from sigscope.kernel.depths import look_deeper
pid = int(sys.argv[1])
procfs, seen = ProcFS(engine="bpf"), set()
for _ in range(60):
    host = look_deeper(procfs, read_host(procfs), [pid])
    one = host.processes[pid]
    masks = [thread.blocked.mask for thread in one.threads]
    deep = [thread.depth.blocked.mask for thread in one.threads]
    seen.add((tuple(masks), tuple(deep), one.caught.mask, one.ignored.mask))
print(json.dumps(list(seen)))
"""


def test_scans_side_by_side_do_not_disturb_each_other(target: TARGET_FIXTURE) -> None:
    marked = target("all_threads_block", {SIGTERM, SIGUSR1}, 3)
    mask = proc.mask_of({SIGTERM, SIGUSR1})
    asked = [sys.executable, "-c", SCANS, str(marked.pid)]
    scans = [subprocess.Popen(asked, env=environment(), stdout=subprocess.PIPE) for _ in range(3)]
    for scan in scans:
        said, _ = scan.communicate(timeout=120)
        assert scan.returncode == 0
        ((masks, deep, *_),) = json.loads(said)
        assert masks == deep == [mask] * len(marked.tids)


def test_threads_of_one_process_may_share_the_engine(target: TARGET_FIXTURE) -> None:
    ours = [target("ignores", {number}) for number in (1, 10, 12)]
    wrong: list[object] = []

    def look(pid: int, number: int) -> None:
        for _ in range(LOOKS):
            deep = read_deep(tasks, pid)
            assert deep is not None
            ignored = [n for n in range(1, 65) if deep.process.actions[n - 1].handler == 1]  # type: ignore[index]
            if number not in ignored or {1, 10, 12} & set(ignored) != {number}:
                wrong.append((pid, number, ignored))

    with open_tasks() as tasks:
        threads = [
            threading.Thread(target=look, args=(one.pid, number))
            for one, number in zip(ours, (1, 10, 12), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []


def test_a_fork_opens_an_engine_of_its_own() -> None:
    procfs = ProcFS(engine="bpf")
    ours = procfs.passive.tasks()
    assert procfs.passive.tasks() is ours
    child = os.fork()
    if child == 0:
        os._exit(0 if procfs.passive.tasks() is not ours else 1)
    assert os.waitpid(child, 0)[1] == 0


SCANNER = """\
import json, os
from sigscope.kernel.bpf.depth import read_all_deep
from sigscope.kernel.bpf.opening import open_tasks
tasks = open_tasks()
tasks.scan(), tasks.queues(), read_all_deep(tasks)
own = "/proc/self/fdinfo"
names = [name for name in os.listdir(own) if os.path.exists(f"{own}/{name}")]
words = [open(f"{own}/{name}").read().split() for name in names]
ids = [[int(text[text.index(key) + 1]) for text in words if key in text]
       for key in ("prog_id:", "map_id:")]
print(json.dumps(ids), flush=True)
while True:
    tasks.scan()
    read_all_deep(tasks)
"""


def ids(command: int) -> set[int]:
    """All programs, links or maps of the host, by number; none is given twice."""
    found, last = set(), 0
    while (number := syscall.next_id(command, last)) is not None:
        found.add(number)
        last = number
    return found


def test_a_scan_that_is_killed_leaves_nothing_behind() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may list programs and links")
    links_before = ids(syscall.LINK_GET_NEXT_ID)
    with subprocess.Popen(
        [sys.executable, "-c", SCANNER], env=environment(), stdout=subprocess.PIPE
    ) as scanner:
        assert scanner.stdout is not None
        programs, maps = json.loads(scanner.stdout.readline())
        assert len(programs) >= 3
        assert set(programs) <= ids(syscall.PROG_GET_NEXT_ID)
        assert maps
        links_meanwhile = ids(syscall.LINK_GET_NEXT_ID) - links_before
        scanner.kill()
    proc.eventually(lambda: not set(programs) & ids(syscall.PROG_GET_NEXT_ID), 30)
    proc.eventually(lambda: not set(maps) & ids(syscall.MAP_GET_NEXT_ID), 30)
    proc.eventually(lambda: not links_meanwhile & ids(syscall.LINK_GET_NEXT_ID), 30)


def test_closed_it_holds_nothing_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with open_tasks() as tasks:
        tasks.scan()
        read_all_deep(tasks)
    assert len(os.listdir("/proc/self/fd")) == before


def test_looks_do_not_pile_up() -> None:
    procfs = ProcFS(engine="bpf")
    read_host(procfs)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(LOOKS):
        read_host(procfs)
    assert len(os.listdir("/proc/self/fd")) == before
