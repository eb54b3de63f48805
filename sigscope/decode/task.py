"""What the records of a BPF walk say, as nouns."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from sigscope.errors import DecodeError
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.seccomp import Instruction
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import LAST, SignalSet
from sigscope.model.state import State
from sigscope.model.timer import Running

STOPPED, UNKILLABLE = 0x1, 0x40
"""SIGNAL_STOP_STOPPED and SIGNAL_UNKILLABLE of include/linux/sched/signal.h."""
TICK = 10_000_000
"""What getitimer(2) says of a timer of CPU time that is overdue; nanoseconds, at HZ=100."""
_REPORTED = 0x7F
_IDLE, _RTLOCK, _FROZEN = 0x402, 0x1000, 0x8000
_LETTERS = "RSDTtXZP"
_INSTRUCTION = struct.Struct("<HBBI")

SIGEV_NONE = 1
"""include/uapi/asm-generic/siginfo.h"""

Fields = Mapping[str, int | bytes]


class ActionShape(NamedTuple):
    """Where the parts of struct k_sigaction lie; some machines have no restorer."""

    size: int = 32
    handler: int = 0
    flags: int = 8
    restorer: int | None = 16
    mask: int = 24


USUAL = ActionShape()
_USUAL = struct.Struct("<QQQQ")


def number(fields: Fields, name: str) -> int:
    """A field that is a number."""
    value = fields[name]
    assert isinstance(value, int)
    return value


def text(fields: Fields, name: str) -> bytes:
    """A field that is bytes."""
    value = fields[name]
    assert isinstance(value, bytes)
    return value


@lru_cache(maxsize=4096)
def decode_actions(data: bytes, shape: ActionShape = USUAL) -> tuple[SigAction, ...]:
    """All 64 of sighand_struct.action."""
    if len(data) < LAST * shape.size:
        raise DecodeError("sigaction", "the table is cut off")
    if shape == USUAL:
        return tuple(
            SigAction(handler, flags & 0xFFFFFFFF, signal_set(mask), restorer)
            for handler, flags, restorer, mask in _USUAL.iter_unpack(data[: LAST * shape.size])
        )
    word = struct.Struct("<Q").unpack_from
    found = []
    for at in range(0, LAST * shape.size, shape.size):
        restorer = 0 if shape.restorer is None else word(data, at + shape.restorer)[0]
        flags = word(data, at + shape.flags)[0] & 0xFFFFFFFF
        mask = signal_set(word(data, at + shape.mask)[0])
        found.append(SigAction(word(data, at + shape.handler)[0], flags, mask, restorer))
    return tuple(found)


@lru_cache(maxsize=4096)
def signal_set(mask: int) -> SignalSet:
    """Equal sets are one value: a host has few different ones."""
    return SignalSet(mask)


@lru_cache(maxsize=256)
def decode_state(state: int, exit_state: int) -> State:
    """__task_state_index() of include/linux/sched.h.

    >>> decode_state(1, 0), decode_state(0x402, 0), decode_state(0, 0x20)
    (<State.SLEEPING: 'S'>, <State.IDLE: 'I'>, <State.ZOMBIE: 'Z'>)
    """
    if not exit_state & _REPORTED:
        if state & _IDLE == _IDLE:
            return State.IDLE
        if state & (_RTLOCK | _FROZEN):
            return State.UNINTERRUPTIBLE
    return State.of(_LETTERS[((state | exit_state) & _REPORTED).bit_length()])


@lru_cache(maxsize=4096)
def decode_instructions(data: bytes) -> tuple[Instruction, ...]:
    """struct sock_filter, one after the other."""
    return tuple(Instruction(*one) for one in _INSTRUCTION.iter_unpack(data))


def decode_itimers(process: Fields) -> tuple[IntervalTimer, ...]:
    """Those that are armed, as getitimer(2) would tell them.

    An ITIMER_REAL whose signal is pending starts again when that is taken: nothing remains.
    """
    found = []
    interval = number(process, "real_interval")
    if number(process, "real_armed") & 0xFF:
        left = number(process, "real_expires") - number(process, "now")
        found.append(IntervalTimer(Which.REAL, max(left, 1000), interval))
    elif interval:
        found.append(IntervalTimer(Which.REAL, 0, interval))
    user = number(process, "user_time")
    both = user + number(process, "system_time")
    for which, name, used in ((Which.VIRTUAL, "virtual", user), (Which.PROF, "prof", both)):
        expires = number(process, f"{name}_expires")
        if expires:
            left = expires - used if expires >= used else TICK
            found.append(IntervalTimer(which, left, number(process, f"{name}_interval")))
    return tuple(found)


def decode_running(timer: Fields, now: int | None) -> Running:
    """A TIMER, by what its clock shows now: as timer_gettime(2) and timer_getoverrun(2) would.

    One whose signal waits to be taken starts again when it is: each interval that has passed
    meanwhile is an overrun (posix_timer_fn of kernel/time/posix-timers.c).
    """
    expires, interval = number(timer, "expires"), number(timer, "interval")
    overruns = number(timer, "overruns")
    counts_cpu_time = number(timer, "clock") < 0
    left = expires - (now or 0)
    armed = number(timer, "status") > 0 or (
        expires != 0 if counts_cpu_time else number(timer, "queued") & 1 != 0
    )
    if now is None:
        return Running(number(timer, "number"), armed, None, interval, max(0, overruns))
    if number(timer, "notify") == SIGEV_NONE:  # the kernel only looks at the clock when asked
        armed = left > 0
    if left <= 0 and interval and armed:
        missed = -left // interval + 1
        return Running(
            number(timer, "number"), True, left + missed * interval, interval, overruns + missed
        )
    shown = max(0, overruns, number(timer, "last_overruns"))
    remaining = max(left, 1) if armed else 0
    return Running(number(timer, "number"), armed, remaining, interval, shown)


class Upid(NamedTuple):
    """A pid in one namespace: ``space`` is an address that only serves to know it again."""

    number: int
    space: int


UPID = struct.Struct("<i4xQ")


def decode_numbers(process: Fields) -> tuple[Upid, ...]:
    """The pid in our own namespace and in those below it, down to its own.

    Empty where it is in our own, or nested too deep for a record.
    """
    data, deeper = text(process, "numbers"), number(process, "level")
    if not deeper or (deeper + 1) * UPID.size > len(data):
        return ()
    return tuple(Upid(*one) for one in UPID.iter_unpack(data[: (deeper + 1) * UPID.size]))
