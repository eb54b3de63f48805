"""The BPF source of a watch, on signals of our own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from sigscope.decode.watch import Decoder
from sigscope.kernel.bpf.watch import BpfSource
from sigscope.kernel.watch.opening import open_source
from sigscope.kernel.watch.source import Wanted
from sigscope.model.signals import Signal
from sigscope.model.watch import Delivered, Event, Executed, Exited, Forked, Missed, Result, Sent
from tests.harness import proc
from tests.kernel.bpf.engine import need_engine

SLEEPER = "import signal, sys; {}; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    need_engine()


def sleeper(do: str = "pass") -> subprocess.Popen[bytes]:
    found = subprocess.Popen(
        [sys.executable, "-c", SLEEPER.format(do)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert found.stdout is not None
    assert found.stdout.readline()
    return found


@pytest.fixture
def quiet() -> Iterator[subprocess.Popen[bytes]]:
    """Blocks SIGUSR1, ignores SIGUSR2, has a handler for SIGTERM."""
    do = (
        "signal.pthread_sigmask(0, [10]); signal.signal(12, signal.SIG_IGN);"
        "signal.signal(15, lambda *_: None)"
    )
    with sleeper(do) as run:
        yield run
        run.kill()


def until(source: BpfSource, enough: Callable[[list[Event]], bool], what: str) -> list[Event]:
    """Events, awaited through the descriptor alone."""
    events: list[Event] = []

    def came() -> bool:
        select.select([source], [], [], 1)
        events.extend(source.events())
        return enough(events)

    proc.eventually(came, 60, what)
    return events


def sent(events: list[Event], number: int, pid: int) -> list[Sent]:
    return [
        one
        for one in events
        if isinstance(one, Sent) and one.info.signal == number and one.target.tgid == pid
    ]


def delivered(events: list[Event], number: int, pid: int) -> list[Delivered]:
    return [
        one
        for one in events
        if isinstance(one, Delivered) and one.signal == number and one.task.tgid == pid
    ]


def ends(events: list[Event], pid: int) -> list[Exited]:
    return [one for one in events if isinstance(one, Exited) and one.task.tgid == pid]


def test_a_signal_that_is_blocked_ignored_or_handled(quiet: subprocess.Popen[bytes]) -> None:
    with BpfSource(Wanted()) as source:
        for number in (10, 10, 12, 15):
            os.kill(quiet.pid, number)
        events = until(
            source,
            lambda seen: bool(delivered(seen, 15, quiet.pid)),
            "SIGTERM is delivered",
        )
        assert source.lost == 0
    first, second = sent(events, 10, quiet.pid)
    assert (first.result, first.blocked) == (Result.QUEUED, True)
    assert (second.result, second.blocked) == (Result.PENDING, True)
    (ignored,) = sent(events, 12, quiet.pid)
    assert (ignored.result, ignored.blocked) == (Result.IGNORED, False)
    (term,) = sent(events, 15, quiet.pid)
    us = os.getpid()
    assert (term.sender.tgid, term.info.pid, term.info.code) == (us, us, 0)
    assert (term.sender.uid, term.sender.parent) == (os.getuid(), os.getppid())
    assert term.group
    assert not term.init
    (took,) = delivered(events, 15, quiet.pid)
    assert took.handler > 1
    assert term.time < took.time


def test_a_command_from_its_fork_to_its_end() -> None:
    with BpfSource(Wanted()) as source:
        command = ["sh", "-c", "exec /bin/sh -c 'kill -9 $$' name x"]
        with subprocess.Popen(command) as run:
            events = until(source, lambda seen: bool(ends(seen, run.pid)), "the end is told")
    assert run.returncode == -9
    (fork,) = [one for one in events if isinstance(one, Forked) and one.child.tgid == run.pid]
    assert fork.parent.tgid == os.getpid()
    executed = [one for one in events if isinstance(one, Executed) and one.task.tgid == run.pid]
    assert executed[-1].path == "/bin/sh"
    assert executed[-1].cmdline == ("/bin/sh", "-c", "kill -9 $$", "name", "x")
    (end,) = ends(events, run.pid)
    assert (end.status, end.process) == (9, True)


def test_arguments_that_are_too_many_are_cut() -> None:
    with BpfSource(Wanted()) as source, subprocess.Popen(["/bin/true", "y" * 5000]) as run:
        events = until(source, lambda seen: bool(ends(seen, run.pid)), "the end is told")
    (told,) = [one for one in events if isinstance(one, Executed) and one.task.tgid == run.pid]
    assert told.path == "/bin/true"
    assert told.cmdline is not None
    assert told.cmdline[0] == "/bin/true"
    assert 200 < len(told.cmdline[1]) < 300


def test_only_these_signals_to_these_processes(quiet: subprocess.Popen[bytes]) -> None:
    wanted = Wanted(frozenset({Signal(15)}), frozenset({quiet.pid}))
    with sleeper("signal.signal(15, signal.SIG_IGN)") as other, BpfSource(wanted) as source:
        os.kill(other.pid, 15)
        os.kill(quiet.pid, 12)
        os.kill(quiet.pid, 15)
        seen = until(source, lambda seen: bool(sent(seen, 15, quiet.pid)), "SIGTERM is sent")
        source.add(other.pid)
        source.remove(quiet.pid)
        os.kill(quiet.pid, 15)
        os.kill(other.pid, 15)
        seen += until(source, lambda seen: bool(sent(seen, 15, other.pid)), "SIGTERM is sent")
        other.kill()
    assert [one.target.tgid for one in seen if isinstance(one, Sent)] == [quiet.pid, other.pid]


def test_what_a_target_forks_is_a_target() -> None:
    command = "sleep 0; kill -USR2 $$; sh -c 'kill -USR1 $$; kill -TERM $$'"
    with sleeper("import os") as other:
        do = f"sys.stdin.readline(); import subprocess; subprocess.run(['sh', '-c', {command!r}])"
        start = "import sys; print('ready', flush=True); " + do
        with subprocess.Popen(
            [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            assert run.stdout.readline()
            wanted = Wanted(targets=frozenset({run.pid}), descendants=True)
            with BpfSource(wanted) as source:
                os.kill(other.pid, 0)
                os.kill(other.pid, signal.SIGURG)
                run.communicate(b"\n", 60)
                seen = until(source, lambda seen: bool(ends(seen, run.pid)), "the end")
        other.kill()
    told = {one.info.signal.short for one in seen if isinstance(one, Sent)}
    assert told >= {"USR2", "CHLD"}
    assert not sent(seen, signal.SIGURG, other.pid)


def test_a_storm_is_folded_and_counted_exactly(quiet: subprocess.Popen[bytes]) -> None:
    many = 20_000
    with BpfSource(Wanted(frozenset({Signal(12)}))) as source:
        for _ in range(many):
            os.kill(quiet.pid, 12)
        events = until(
            source,
            lambda seen: sum(one.times for one in sent(seen, 12, quiet.pid)) >= many,
            "all are counted",
        )
        assert source.lost == 0
    found = sent(events, 12, quiet.pid)
    assert sum(one.times for one in found) == many
    assert len(found) < many / 10
    assert {one.sender.tgid for one in found} == {os.getpid()}
    assert {one.sender.comm for one in found} == {proc.name(os.getpid())}


def test_every_one_is_told_where_that_is_wanted(quiet: subprocess.Popen[bytes]) -> None:
    many = 5_000
    with BpfSource(Wanted(frozenset({Signal(12)}), every=True)) as source:
        for _ in range(many):
            os.kill(quiet.pid, 12)
        data = source.raw()
        events = source.events()
    found = sent([*Decoder().events(data), *events], 12, quiet.pid)
    assert len(found) == many
    assert {one.times for one in found} == {1}


def test_what_has_no_room_is_counted_and_told(quiet: subprocess.Popen[bytes]) -> None:
    many = 3_000
    with BpfSource(Wanted(frozenset({Signal(12)}), every=True, buffers=1 << 16)) as source:
        for _ in range(many):
            os.kill(quiet.pid, 12)
        events = source.events()
        lost = source.lost
    assert lost
    missed = [one.events for one in events if isinstance(one, Missed)]
    assert missed == [lost]
    assert len(sent(events, 12, quiet.pid)) + lost >= many


def test_the_registry_gives_it_first() -> None:
    with open_source("auto", Wanted()) as source:
        assert source.engine == "bpf"


def test_the_siginfo_of_a_real_time_signal() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with sleeper("signal.pthread_sigmask(0, [36])") as run, BpfSource(Wanted()) as source:
        assert libc.sigqueue(run.pid, 36, ctypes.c_void_p(0x1234)) == 0
        events = until(source, lambda seen: bool(sent(seen, 36, run.pid)), "it is sent")
        run.kill()
    (found,) = sent(events, 36, run.pid)
    assert (found.info.code, found.info.value, found.info.pid) == (-1, 0x1234, os.getpid())


def test_a_storm_to_many_is_counted_exactly_too() -> None:
    """Too few to each of them to be folded, but too much in all to be told one by one."""
    many, rounds, at_once = 100, 300, 100
    with contextlib.ExitStack() as stack:
        pids = set()
        for _ in range(many):
            one = stack.enter_context(subprocess.Popen(["sleep", "600"], preexec_fn=_ignore_usr2))
            stack.callback(one.kill)
            pids.add(one.pid)
        source = stack.enter_context(BpfSource(Wanted(frozenset({Signal(12)}))))
        counted = told = 0

        def read() -> bool:
            nonlocal counted, told
            for one in source.events():
                if isinstance(one, Sent) and one.target.tgid in pids:
                    counted += one.times
                    told += 1
            return counted >= many * rounds

        for number in range(1, rounds + 1):
            for pid in pids:
                os.kill(pid, 12)
            if number % at_once == 0:
                read()
        proc.eventually(read, 60, "all are counted")
        assert source.lost == 0
    assert counted == many * rounds
    assert told < counted


def _ignore_usr2() -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
