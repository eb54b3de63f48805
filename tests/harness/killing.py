"""sigscope killed at each step of what it does to a program that sits in a blocking call.

Nobody may die, hang or stay stopped for it. What the program may see is its own call interrupted,
if the tracer is killed between the stop and its undoing: EINTR, where the call gives that to
whoever was stopped; and where a filter kills for restart_syscall, that.
"""

from __future__ import annotations

import functools
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unittest import mock

from sigscope.actions.restart import try_live
from sigscope.actions.unblock import unblock, undo
from sigscope.decode.syscall_names import NAMES
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.ptrace.laundering import REPEATED
from sigscope.kernel.ptrace.preflight import look_first
from sigscope.kernel.undoing import load
from sigscope.model.live import Method
from sigscope.model.signals import SignalSet
from sigscope.model.unblock import Change, Plan
from tests.harness import proc
from tests.harness.blocked import PATIENCE
from tests.harness.inspecting import Dying, done, in_a_child, look
from tests.harness.targets import Target, start

BLOCKED = frozenset((int(signal.SIGUSR2),))
LONG = 600_000
RESTART_SYSCALL = 219
MOST_STEPS = 400


def _inspect(pid: int) -> None:
    look(pid, actions=False)


def _inject(pid: int) -> None:
    look(pid)


def _unblock(pid: int) -> None:
    process = read_status(ProcFS(), pid)
    mask = process.threads[0].blocked or SignalSet()
    change = Change(pid, mask, mask - SignalSet.containing(BLOCKED))
    unblock(Plan(pid, process.start_time, process.comm, (change,)))


def _live(method: Method, pid: int) -> None:
    try_live(read_status(ProcFS(), pid), method, frozenset())


ACTIONS: dict[str, Callable[[int], None]] = {
    "inspect": _inspect,
    "inject": _inject,
    "unblock": _unblock,
    "live stop": functools.partial(_live, Method.STOP),
    "live interrupt": functools.partial(_live, Method.INTERRUPT),
}


class Seen(NamedTuple):
    """What became of the program after each kill: how often it waited on, saw EINTR, was killed."""

    kills: int
    waits: int
    interrupted: int
    killed: int


def killed_at_every_step(action: str, call: str, answer: str = "none", stride: int = 1) -> Seen:
    """At each step (or each so-manieth) until the action gets to its end.

    AssertionError where something became of the program that may not. All zero for a call that this
    kernel has not, or that is left alone. The undo records go where ``XDG_STATE_HOME`` says.
    """
    counts: Counter[str] = Counter()
    process = _begin(call, answer)
    try:
        if process is None or look_first(process.pid):
            return Seen(0, 0, 0, 0)
        for step in range(0, MOST_STEPS, stride):
            goes_on = proc.syscall(process.pid, process.pid) == RESTART_SYSCALL
            before = proc.masks(process.pid).blocked
            status = _killed(action, process.pid, step)
            became = _became(process, call, answer, before, action == "inject" and goes_on)
            counts[became] += 1
            if became != "waits":
                process.stop()
                process = _begin(call, answer)
                assert process is not None
            if status == 0:
                break
            assert status == -signal.SIGKILL, f"{action} of {call} at {step} ended with {status}"
            counts["kills"] += 1
        else:
            raise AssertionError(f"{action} of {call} does not end")
    finally:
        if process is not None:
            process.stop()
    return Seen(counts["kills"], counts["waits"], counts["interrupted"], counts["killed"])


def _begin(call: str, answer: str) -> Target | None:
    process = start("blocking_call", call, LONG, "none", answer, mask=BLOCKED)
    if "pid" in process.truth:
        return process
    process.stop()
    return None


def _killed(action: str, pid: int, step: int) -> int:
    def work() -> None:
        hand = Dying(step)
        with (
            mock.patch("sigscope.kernel.ptrace.session.Requests", return_value=hand),
            mock.patch("sigscope.kernel.ptrace.inspection.Requests", return_value=hand),
        ):
            ACTIONS[action](pid)

    return done(in_a_child(work))


def _became(
    process: Target, call: str, answer: str, before: frozenset[int], may_not_go_on: bool
) -> str:
    """After some time, in which whoever watches over it does what it owes.

    ``may_not_go_on``: it heals through rt_sigreturn(2), which forgets what a restart_syscall
    that is in progress would go on with; it was in one before.
    """
    pid, number = process.pid, _number(process)
    ends = proc.eventually(
        lambda: next(iter(_settled(pid, number)), None), PATIENCE, f"{call} goes on, or ends"
    )
    if ends == "waits":
        assert proc.status(pid)["TracerPid"] == "0"
        _mask_as_before(pid, before)
        return "waits"
    told = process.hear(PATIENCE)
    if told is None:
        assert answer == "kill", f"{call} was killed without a filter"
        assert -process.wait(PATIENCE) == signal.SIGSYS
        assert _name(number) not in REPEATED
        return "killed"
    assert (told["ret"], told["errno"]) == (-1, 4), f"{call} ended with {told}"
    name = _name(number)
    assert name in REPEATED or may_not_go_on, f"{name} is not one that a stop interrupts"
    return "interrupted"


def _settled(pid: int, number: int) -> Iterator[str]:
    if proc.state(pid) in ("Z", "gone"):
        yield "ended"
    elif proc.state(pid) == "S" and proc.syscall(pid, pid) in (number, RESTART_SYSCALL):
        yield "waits"


def _number(process: Target) -> int:
    return int(process.truth["in"]["main"])


def _name(number: int) -> str:
    return NAMES["x86_64"][number]


def _mask_as_before(pid: int, before: frozenset[int]) -> None:
    """It is, or it is as it was to become, and the record to undo that is there.

    That of a call which has a mask of its own, while it lasts, is always as before.
    """
    blocked = proc.masks(pid).blocked
    if blocked == before:
        return
    assert blocked == before - BLOCKED
    (one,) = undo(load(pid, read_status(ProcFS(), pid).start_time))
    assert one.change is not None
    assert proc.masks(pid).blocked == before
