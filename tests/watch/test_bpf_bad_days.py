"""A source of signals whose reader is late, killed, not alone, or not permitted."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sigscope.errors import NotPermitted, NotSupported, UsageError
from sigscope.kernel.bpf import syscall
from sigscope.kernel.bpf.watch import BpfSource
from sigscope.kernel.watch import opening
from sigscope.kernel.watch.opening import engines, open_source
from sigscope.kernel.watch.source import Wanted
from sigscope.model.signals import Signal
from sigscope.model.watch import Event, Missed, Sent
from tests.harness import proc
from tests.kernel.bpf.engine import need_engine

READER = """
import os, sys, time
from sigscope.kernel.bpf.watch import BpfSource
from sigscope.kernel.watch.source import Wanted
with BpfSource(Wanted()) as source:
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_engine()


def ours(pid: int) -> list[str]:
    """What BPF things a process holds."""
    names = (os.path.basename(os.readlink(one)) for one in Path(f"/proc/{pid}/fd").iterdir())
    return [name for name in names if name.startswith(("anon_inode:bpf", "bpf"))]


def programs() -> set[int]:
    """The ids of all programs of the host."""
    found, last = set(), 0
    while (number := syscall.next_id(syscall.PROG_GET_NEXT_ID, last)) is not None:
        found.add(number)
        last = number
    return found


def held(pid: int) -> set[int]:
    """The ids of the programs that a process holds."""
    found = set()
    for one in Path(f"/proc/{pid}/fdinfo").iterdir():
        lines = one.read_text().splitlines()
        if any(line.startswith("prog_type:") for line in lines):
            found |= {int(line.split()[1]) for line in lines if line.startswith("prog_id:")}
    return found


def test_nothing_is_left_of_a_reader_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", READER], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        mine = held(run.pid)
        assert len(mine) >= 5
        assert mine <= programs()
        run.kill()
    proc.eventually(lambda: not mine & programs(), 60, "the programs are gone")


def test_closing_it_twice_leaves_nothing_open() -> None:
    before = set(os.listdir("/proc/self/fd"))
    source = BpfSource(Wanted(targets=frozenset({1})))
    source.close()
    source.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_two_watch_at_once() -> None:
    wanted = Wanted(frozenset({Signal(signal.SIGURG)}))
    with BpfSource(wanted) as one, BpfSource(wanted) as other:
        os.kill(os.getpid(), signal.SIGURG)
        for source in (one, other):
            seen: list[object] = []

            def came(source: BpfSource = source, seen: list[object] = seen) -> bool:
                seen += [
                    event
                    for event in source.events()
                    if isinstance(event, Sent) and event.target.tgid == os.getpid()
                ]
                return bool(seen)

            proc.eventually(came, 60, "both see it")
            assert len(seen) == 1


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    """Its ring is full; the signals go their way, and what was lost is told later."""
    many = 50_000
    wanted = Wanted(frozenset({Signal(signal.SIGURG)}), every=True, buffers=1 << 16)
    with BpfSource(wanted) as source:
        for _ in range(many):
            os.kill(os.getpid(), signal.SIGURG)
        first = source.events()
        assert source.lost
        os.kill(os.getpid(), signal.SIGURG)
        again = source.events()
    mine = [one for one in again if isinstance(one, Sent) and one.target.tgid == os.getpid()]
    assert len(mine) == 1, "there is room again"
    told = sum(isinstance(one, Sent) and one.target.tgid == os.getpid() for one in first)
    assert told + source_lost(first) >= many


def source_lost(events: list[Event]) -> int:
    return sum(one.events or 0 for one in events if isinstance(one, Missed))


def test_who_sleeps_is_woken_by_the_first_event() -> None:
    """Without a timer of his own: by the descriptor alone."""
    wanted = Wanted(frozenset({Signal(signal.SIGURG)}), targets=frozenset({os.getpid()}))
    with BpfSource(wanted) as source:
        for _ in range(2):
            # Long enough to fall asleep, where nobody else forks meanwhile.
            deadline = time.monotonic() + 1
            while select.select([source], [], [], 0.25)[0] and time.monotonic() < deadline:
                source.events()
            os.kill(os.getpid(), signal.SIGURG)
            found: list[object] = []
            while not found:
                assert select.select([source], [], [], 60)[0], "nobody woke us"
                found = [one for one in source.events() if isinstance(one, Sent)]


def test_a_refusal_says_what_is_missing_and_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Wanted) -> BpfSource:
        raise NotPermitted("CAP_BPF missing", "run sigscope as root, or with CAP_BPF")

    def absent(_: Wanted) -> BpfSource:
        raise NotSupported("there is no tracefs", "mount it")

    monkeypatch.setattr(opening, "PASSIVE", (("bpf", refused), ("tracefs", absent)))
    with pytest.raises(NotPermitted, match="bpf: CAP_BPF missing; tracefs: there is no") as error:
        open_source("auto", Wanted())
    assert "--engine ptrace" in error.value.hint
    assert "run sigscope as root" in error.value.hint
    monkeypatch.setattr(opening, "PASSIVE", (("tracefs", absent),))
    with pytest.raises(NotSupported):
        open_source("auto", Wanted())
    with pytest.raises(UsageError, match="there is no engine kprobe"):
        open_source("kprobe", Wanted())
    assert engines()[0] == "auto"


def test_an_ordinary_user_is_told_which_right_is_missing() -> None:
    code = (
        "import os, sigscope.kernel.bpf.watch, sigscope.kernel.bpf.refusal\n"
        "from sigscope.kernel.watch.opening import open_source\n"
        "from sigscope.kernel.watch.source import Wanted\n"
        "from sigscope.errors import NotPermitted\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: open_source('bpf', Wanted())\n"
        "except NotPermitted as error: print(error.message)\n"
    )
    if os.getuid() != 0:
        pytest.skip("only root may become another user")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "CAP_BPF and CAP_PERFMON missing", run.stderr


def test_inside_a_pid_namespace_it_is_refused() -> None:
    code = (
        "from sigscope.kernel.bpf.watch import BpfSource\n"
        "from sigscope.kernel.watch.source import Wanted\n"
        "from sigscope.errors import NotSupported\n"
        "try: BpfSource(Wanted())\n"
        "except NotSupported as error: print(error.message)\n"
    )
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in run.stderr:
        pytest.skip(run.stderr)
    assert "from inside a pid namespace" in run.stdout, run.stderr


def test_a_kernel_that_watches_no_function_has_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    attach = syscall.load_program

    def refused(name: str, *rest: object) -> object:
        if name == "signal_taken":
            raise PermissionError(1, "Operation not permitted", "bpf")
        return attach(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(syscall, "load_program", refused)
    with BpfSource(Wanted()) as source:
        (gap,) = source.gaps
    assert gap.what == "signals taken by sigwait or signalfd"
