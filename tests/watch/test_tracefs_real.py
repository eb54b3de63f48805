"""An instance of tracefs: real senders, two watchers at once, and what a killed one leaves."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sigscope.errors import NotSupported
from sigscope.kernel.tracefs import instance, root
from sigscope.kernel.tracefs.source import TracefsSource
from sigscope.kernel.watch.source import Wanted
from sigscope.model.signals import Signal
from sigscope.model.watch import Delivered, Event, Executed, Exited, Missed, Sent
from tests.watch.gathering import gather, sent_to

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="tracefs wants root")
USR1, TERM = Signal(signal.SIGUSR1), Signal(signal.SIGTERM)
SMALLEST = 64 << 10


@pytest.fixture
def tracefs() -> Iterator[root.Tracefs]:
    """The real one; whatever a test has left in it is removed, and then complained about."""
    with root.open_tracefs("a test") as opened:
        yield opened
        left = instances(opened, os.getpid())
        for name in left:
            os.rmdir(f"instances/{name}", dir_fd=opened.fd)
        assert not left


def instances(tracefs: root.Tracefs, pid: int) -> list[str]:
    """Those of this process: other tests may be running."""
    return [
        name
        for name in tracefs.names("instances")
        if re.fullmatch(rf"sigscope-\d+-{pid}-\d+-\d+", name)
    ]


def ended(pid: int, found: list[Event]) -> bool:
    return any(isinstance(event, Exited) and event.task.tid == pid for event in found)


def test_a_command_and_the_signal_that_ends_it(tracefs: root.Tracefs) -> None:
    with TracefsSource(Wanted()) as source:
        assert len(instances(tracefs, os.getpid())) == 1
        child = subprocess.Popen(["sleep", "1000"])
        gather(
            source,
            lambda found: any(
                isinstance(one, Executed) and one.task.tid == child.pid for one in found
            ),
        )
        killer = subprocess.Popen(["sh", "-c", f"kill -TERM {child.pid}"])
        killer.wait()
        child.wait()
        found = gather(source, lambda found: ended(child.pid, found) and ended(killer.pid, found))
        assert source.lost == 0
    assert source.lost == 0
    (term,) = (one for one in sent_to(found, child.pid) if one.info.signal == TERM)
    assert (term.sender.tid, term.sender.tgid, term.sender.comm) == (killer.pid, killer.pid, "sh")
    assert (term.target.tgid, term.target.comm) == (child.pid, "sleep")
    assert (term.info.code, term.info.pid, term.group) == (0, killer.pid, True)
    taken = [one for one in found if isinstance(one, Delivered) and one.task.tid == child.pid]
    assert [one.signal.name for one in taken] == ["SIGKILL"]


def test_two_watchers_do_not_disturb_one_another(tracefs: root.Tracefs) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with TracefsSource(Wanted(frozenset((USR1,)))) as one:
            with TracefsSource(Wanted(frozenset((TERM,)))) as other:
                assert len(instances(tracefs, os.getpid())) == 2
                os.kill(os.getpid(), signal.SIGUSR1)
                gather(one, lambda found: sent_to(found, os.getpid()))
                assert not sent_to(other.events(), os.getpid())
            os.kill(os.getpid(), signal.SIGUSR1)
            gather(one, lambda found: sent_to(found, os.getpid()))
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_was_written_over_is_counted(tracefs: root.Tracefs) -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with TracefsSource(Wanted(frozenset((USR1,)), buffers=SMALLEST)) as source:
            for _ in range(20000):
                os.kill(os.getpid(), signal.SIGUSR1)
            found = gather(source, lambda found: any(isinstance(one, Missed) for one in found))
            seen = len([one for one in found if isinstance(one, Sent)])
            assert source.lost
            assert source.lost + seen >= 20000
    finally:
        signal.signal(signal.SIGUSR1, before)


WATCHER = """
import sys, time
from sigscope.kernel.tracefs.source import TracefsSource
from sigscope.kernel.watch.source import Wanted
with TracefsSource(Wanted()) as source:
    print(source._instance.name, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def watcher() -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", WATCHER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_the_next_start_sweeps_what_a_killed_watcher_left(tracefs: root.Tracefs) -> None:
    with watcher() as (killed, left), watcher() as (_, living):
        assert {left, living} <= set(tracefs.names("instances"))
        killed.kill()
        killed.wait()
        assert left in tracefs.names("instances")
        with TracefsSource(Wanted()):
            names = tracefs.names("instances")
            assert left not in names
            assert living in names
        assert living in tracefs.names("instances")
    instance.sweep(tracefs)
    assert living not in tracefs.names("instances")


def test_an_interrupt_leaves_nothing(tracefs: root.Tracefs) -> None:
    with watcher() as (process, name):
        process.send_signal(signal.SIGINT)
        process.wait()
        assert name not in tracefs.names("instances")


def test_what_is_not_ours_stays(tracefs: root.Tracefs) -> None:
    name = f"sigscope-of-somebody-else-{os.getpid()}"
    os.mkdir(f"instances/{name}", dir_fd=tracefs.fd)
    try:
        instance.sweep(tracefs)
        assert name in tracefs.names("instances")
    finally:
        os.rmdir(f"instances/{name}", dir_fd=tracefs.fd)


def test_a_live_instance_of_another_namespace_is_left_to_the_kernel(tracefs: root.Tracefs) -> None:
    name = f"sigscope-1-{os.getpid()}-1-0"
    os.mkdir(f"instances/{name}", dir_fd=tracefs.fd)
    pipe = tracefs.open(f"instances/{name}/per_cpu/cpu0/trace_pipe_raw", os.O_RDONLY)
    instance.sweep(tracefs)
    assert name in tracefs.names("instances")
    os.close(pipe)
    instance.sweep(tracefs)
    assert name not in tracefs.names("instances")


def test_a_filter_that_the_kernel_refuses_is_told_in_its_words(tracefs: root.Tracefs) -> None:
    with (
        instance.make(tracefs, SMALLEST) as made,
        pytest.raises(NotSupported, match=r"nosuchfield|Field not found"),
    ):
        made.listen("signal/signal_generate", "nosuchfield == 1")


def test_a_failure_on_the_way_leaves_nothing(
    tracefs: root.Tracefs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(instance.Instance, "listen", refused)
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(Exception, match="permission denied"):
        TracefsSource(Wanted())
    assert not instances(tracefs, os.getpid())
    assert set(os.listdir("/proc/self/fd")) == before


def test_where_none_is_mounted_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
import os, sys
from sigscope.errors import SigscopeError
from sigscope.kernel.tracefs import root
root.PLACES = ()
root._mounted = lambda: []
os.setuid(65534)
try:
    root.open_tracefs("a watch")
except SigscopeError as error:
    print(type(error).__name__, error.message, error.hint, sep="\\n")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    kind, message, hint = ran.stdout.splitlines()
    assert kind == "NotPermitted"
    assert message.startswith("a watch: ")
    assert "tracefs" in message or "/sys/kernel/tracing" in message
    assert hint.endswith("as root: mount -t tracefs nodev /sys/kernel/tracing")
