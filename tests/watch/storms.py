"""Random signals of all kinds to processes of all kinds, and what each of them says it got.

``Storm(seed)`` starts the receivers; ``rage(source, number)`` sends ``number`` of signals, one
after the other, while the source is read; ``check`` holds the events against what was sent, and
against the reports of the receivers. The seed stands in each complaint.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

from sigscope.kernel.watch.source import Source
from sigscope.model.watch import Delivered, Event, Missed, Result, Sent
from tests.harness import proc
from tests.harness.build import build

SIGNALS = (1, 10, 12, 15, 28, 23, 36, 37)
OWN = {"a": 14, "t": 40, "p": 13, "s": 11, "c": 17}
"""What the receivers raise themselves, when a letter asks for it."""
CLOCKS = frozenset((14, 40))
INIT_HANDLES = frozenset((10, 36))
ROLES = ("handle", "handle", "block", "ignore", "sigwait", "signalfd", "stopped", "init", "full")
_libc = ctypes.CDLL(None, use_errno=True)
_TGKILL = {"x86_64": 234, "aarch64": 131}[os.uname().machine]
SI_USER, SI_QUEUE, SI_TKILL = 0, -1, -6


class Kind(NamedTuple):
    """What a receiver counts by."""

    signal: int
    code: int
    pid: int
    value: int


class Order(NamedTuple):
    """One signal that the storm sent."""

    pid: int
    kind: Kind
    group: bool
    failed: bool = False


class Receiver:
    """A process with its role; ``pid`` is as we see it."""

    def __init__(self, role: str) -> None:
        self.role = role
        command = [str(build("receives")), "handle" if role == "stopped" else role]
        if role == "init":
            command = ["unshare", "--pid", "--fork", "--kill-child", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = proc.children(self.process.pid)[0] if role == "init" else self.process.pid
        if role == "stopped":
            os.kill(self.pid, signal.SIGSTOP)
            proc.wait_state(self.pid, None, "T")

    def ask(self, letter: str) -> None:
        """Have it raise a signal, and wait until it has handled it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(letter.encode())
        self.process.stdin.flush()
        assert self.process.stdout.read(1) == b"."

    def report(self) -> Counter[Kind]:
        """What it got, in all; it ends."""
        if self.role == "stopped":
            os.kill(self.pid, signal.SIGCONT)
        output, _ = self.process.communicate(b"q", 60)
        lines = output.decode().splitlines()
        assert lines[-1] == "end", lines
        found: Counter[Kind] = Counter()
        for line in lines[:-1]:
            *kind, times = map(int, line.split())
            found[Kind(*kind)] += times
        return found

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()


def by_kill(pid: int, number: int, value: int) -> tuple[bool, int, bool]:
    """(Was it refused, its si_code, is it process-directed)"""
    os.kill(pid, number)
    return False, SI_USER, True


def by_tgkill(pid: int, number: int, value: int) -> tuple[bool, int, bool]:
    return _libc.syscall(_TGKILL, pid, pid, number) != 0, SI_TKILL, False


def by_sigqueue(pid: int, number: int, value: int) -> tuple[bool, int, bool]:
    return _libc.sigqueue(pid, number, ctypes.c_void_p(value)) != 0, SI_QUEUE, True


def by_pidfd(pid: int, number: int, value: int) -> tuple[bool, int, bool]:
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, number)
    finally:
        os.close(fd)
    return False, SI_USER, True


WAYS: tuple[Callable[[int, int, int], tuple[bool, int, bool]], ...] = (
    by_kill,
    by_tgkill,
    by_sigqueue,
    by_pidfd,
)


@dataclass
class Outcome:
    """All that was sent, seen and got."""

    seed: int
    orders: list[Order] = field(default_factory=list)
    asked: Counter[tuple[int, int]] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    reports: dict[int, Counter[Kind]] = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)


class Storm:
    """The receivers; use it in ``with``."""

    def __init__(self, seed: int | None = None, roles: Iterable[str] = ROLES) -> None:
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.random = random.Random(self.seed)
        self.receivers: list[Receiver] = []
        with contextlib.ExitStack() as stack:
            for role in roles:
                receiver = Receiver(role)
                stack.callback(receiver.close)
                self.receivers.append(receiver)
            self._stack = stack.pop_all()

    def __enter__(self) -> Storm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def pids(self) -> frozenset[int]:
        return frozenset(one.pid for one in self.receivers)

    def rage(self, source: Source, number: int) -> Outcome:
        """Send, and read until the source has told the last of it; once only."""
        outcome = Outcome(self.seed, roles={one.pid: one.role for one in self.receivers})
        for place in range(number):
            self._one(outcome)
            if place % 50 == 0:
                outcome.events += source.events()
        for receiver in self.receivers:
            outcome.reports[receiver.pid] = receiver.report()
        # A last event of ours: what came before it was told then, too.
        with subprocess.Popen(["sleep", "600"]) as last:
            os.kill(last.pid, signal.SIGTERM)

            def seen() -> bool:
                outcome.events.extend(source.events())
                return any(
                    isinstance(one, Sent) and one.target.tgid == last.pid and one.info.signal == 15
                    for one in outcome.events
                )

            proc.eventually(seen, 60, f"the last signal is told (seed {self.seed})")
        return outcome

    def _one(self, outcome: Outcome) -> None:
        receiver = self.random.choice(self.receivers)
        if receiver.role in ("handle", "block", "ignore") and self.random.random() < 0.1:
            letter = self.random.choice("atpsc")
            receiver.ask(letter)
            outcome.asked[receiver.pid, OWN[letter]] += 1
            return
        number = self.random.choice(SIGNALS)
        value = self.random.randrange(1, 4)
        way = self.random.choice(WAYS)
        failed, code, group = way(receiver.pid, number, value)
        kind = Kind(number, code, os.getpid(), value if code == SI_QUEUE else 0)
        outcome.orders.append(Order(receiver.pid, kind, group, failed))


def kind_of(event: Sent) -> Kind:
    """By which its receiver counts it. A queue that is full loses who sent it."""
    info = event.info
    if event.result is Result.LOST_INFO:
        return Kind(info.signal, SI_USER, 0, 0)
    value = info.value or 0 if info.code in (SI_QUEUE, -2) else 0
    return Kind(info.signal, info.code, info.pid or 0, value & 0xFFFFFFFF)


def bare(kinds: Counter[Kind]) -> Counter[Kind]:
    """As a tracepoint tells them: no value, and a sender only where a process sent it."""
    found: Counter[Kind] = Counter()
    for kind, times in kinds.items():
        found[kind._replace(value=0, pid=kind.pid if kind.code <= 0 else 0)] += times
    return found


def check(outcome: Outcome, hidden: bool = False, full: bool = True) -> None:
    """Every signal appears once, with its sender, code and result; AssertionError if not.

    ``hidden``: a host may keep BPF programs away from its PID 1, and so from the few
    interrupts of a clock that come while that is running: signals of timers may be missing.
    Not ``full``: of the siginfo only signal and code are told, and the sender by who was running.
    """
    said = f"seed {outcome.seed}"
    sent = [
        one for one in outcome.events if isinstance(one, Sent) and one.target.tgid in outcome.roles
    ]
    assert not [one for one in outcome.events if isinstance(one, Missed)], said
    us = os.getpid()
    ours = [one for one in sent if one.sender.tgid == us and one.info.signal in SIGNALS]
    told = [(one.target.tgid, one.info.signal, one.info.code, one.group) for one in ours]
    plan = [(one.pid, one.kind.signal, one.kind.code, one.group) for one in outcome.orders]
    assert told == plan, f"{said}: {difference(told, plan)}"
    for event, order in zip(ours, outcome.orders, strict=True):
        if event.info.value is not None:
            assert event.info.value & 0xFFFFFFFF == order.kind.value, (said, event, order)
        assert event.info.pid == us, (said, event)
        assert (event.result is Result.OVERFLOW) == order.failed, (said, event, order)
    for pid, role in outcome.roles.items():
        mine = [
            one
            for one in sent
            if one.target.tgid == pid
            and (one.info.signal in SIGNALS or one.info.signal in OWN.values())
        ]
        _agree(outcome, pid, role, mine, hidden, full, f"{said}, {role} {pid}")


def _agree(
    outcome: Outcome,
    pid: int,
    role: str,
    sent: list[Sent],
    hidden: bool,
    full: bool,
    said: str,
) -> None:
    """What was queued for a process is what it got."""
    got = outcome.reports[pid]
    queued = _queued(role, sent, said)
    if not full:
        got, queued = bare(got), bare(queued)
    assert not queued - got, f"{said}: {queued - got} told, but not got"
    missing = got - queued
    if hidden:
        assert sum(missing.values()) <= 3 + len(outcome.orders) // 500, f"{said}: {missing}"
        missing = Counter({kind: n for kind, n in missing.items() if kind.signal not in CLOCKS})
    assert not missing, f"{said}: {missing} got, but not told"
    for (asked, number), times in outcome.asked.items():
        if asked == pid and not (hidden and number in CLOCKS):
            assert sum(one.info.signal == number for one in sent) == times, (said, number, times)
    results = {one.result for one in sent if one.info.signal in SIGNALS}
    if role == "ignore":
        assert results <= {Result.IGNORED}, said
    elif role == "init":
        assert all(one.init in (True, None) for one in sent), said
    elif role != "full":
        assert results <= {Result.QUEUED, Result.PENDING}, said
    if role in ("handle", "stopped", "init"):
        handled: Counter[int] = Counter(
            int(one.signal)
            for one in outcome.events
            if isinstance(one, Delivered) and one.task.tgid == pid and one.handler > 1
        )
        reported: Counter[int] = Counter()
        for kind, times in got.items():
            reported[kind.signal] += times
        assert {number: handled[number] for number in reported} == dict(reported), said


def _queued(role: str, sent: list[Sent], said: str) -> Counter[Kind]:
    queued: Counter[Kind] = Counter()
    bits: set[tuple[int, bool]] = set()
    for one in sent:
        number = one.info.signal
        if role == "init" and number in SIGNALS and number not in INIT_HANDLES:
            # Dropped at once, or, if it came while a handler ran, when that was over.
            assert one.result is not Result.QUEUED or one.blocked in (True, None), (said, one)
        elif one.result is Result.LOST_INFO:
            # A bit is left of it, in the set of the thread or in that of the process.
            queued[kind_of(one)] += (number, one.group) not in bits
            bits.add((number, one.group))
        elif one.result is Result.QUEUED:
            kind = kind_of(one)
            # From inside a pid namespace nobody outside has a pid.
            outside = role == "init" and number in SIGNALS
            queued[kind._replace(pid=0) if outside else kind] += 1
    return queued


def difference(told: Sequence[object], plan: Sequence[object]) -> str:
    """Where two lists part."""
    for place, (one, other) in enumerate(zip(told, plan, strict=False)):
        if one != other:
            return f"{len(told)} told, {len(plan)} sent; at {place}: {one} told, {other} sent"
    return f"{len(told)} told, {len(plan)} sent"
