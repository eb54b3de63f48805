"""The part of a program that follows the POSIX timers of a process, one after the other.

Nobody locks the list for us. So each step is checked: the way back from a timer must lead to
where we came from. include/linux/posix-timers.h (struct k_itimer), list.h (hlist).
"""

from __future__ import annotations

from sigscope.decode.records import TIMER
from sigscope.kernel.bpf.assembler import R0, R1, R2, R8, R9, R10
from sigscope.kernel.bpf.taskcode import SCRATCH, SPARE, TASK, TaskCode

_LIST = "k_itimer.list"
_EXPIRES = "k_itimer.it.real.timer.node.expires"
_PARTS = (
    ("number", "k_itimer.it_id"),
    ("clock", "k_itimer.it_clock"),
    ("notify", "k_itimer.it_sigev_notify"),
    ("status", "k_itimer.it_status"),
    ("queued", "k_itimer.it.real.timer.state"),
    ("expires", _EXPIRES),
    ("interval", "k_itimer.it_interval"),
    ("overruns", "k_itimer.it_overrun"),
    ("last_overruns", "k_itimer.it_overrun_last"),
)
NEEDED = ("signal_struct.posix_timers", _LIST, "k_itimer.it_id", _EXPIRES)
"""Without these nothing can be told; the others may be absent. A timer of CPU time keeps its
expiry in ``it.cpu.node.expires``, at the same place: both begin with a timerqueue_node.
(That of an interval on CLOCK_REALTIME is counted on CLOCK_MONOTONIC: common_hrtimer_arm.)"""
_BASE = "k_itimer.it.real.timer.base"
_CLOCK = "hrtimer_clock_base.clockid"
_OWNER = "k_itimer.it.cpu.pid"
TIMER_FIELDS = (
    "signal_struct.posix_timers",
    _LIST,
    _BASE,
    _CLOCK,
    _OWNER,
    *(field for _, field in _PARTS),
)
MOST_AT_ONCE = 64
"""Timers that are told in one walk: the verifier follows each of them."""
_NODE = -SCRATCH - TIMER.size - 16
"""Behind the record on the stack: an hlist_node (next, pprev), and below it this word."""
_PREVIOUS = _NODE - 8


def timers(code: TaskCode, cursor: int) -> None:
    """At the leader, from the place in the cursor (node, previous) on, or from the beginning.

    r9 is the hlist_node of a timer, r8 counts.
    """
    again, behind, begun = map(code.fresh, ("again", "behind", "begun"))
    with code.leader_only():
        code.map_value(R8, cursor)
        code.load(R1, R8, 8, 8)
        code.store(R10, _PREVIOUS, R1, 8)
        code.load(R9, R8, 0, 8)
        code.jump_if(R9, "!=", 0, begun)
        code.follow(R1, TASK, "task_struct.signal", behind)
        code.do(R1, "+=", code.offset("signal_struct.posix_timers"))
        code.store(R10, _PREVIOUS, R1, 8)
        code.read(_NODE, 8, R1, 0)
        code.load(R9, R10, _NODE, 8)
        code.label(begun)
        code.do(R8, "=", 0)
        code.label(again)
        code.jump_if(R9, "==", 0, behind)
        code.jump_if(R8, ">=", MOST_AT_ONCE, behind)
        code.read(_NODE, 16, R9, 0)
        code.jump_if(R0, "!=", 0, behind)
        code.load(R1, R10, _NODE + 8, 8)
        code.load(R2, R10, _PREVIOUS, 8)
        code.jump_if(R1, "!=", R2, behind)
        _tell(code)
        code.store(R10, _PREVIOUS, R9, 8)
        code.load(R9, R10, _NODE, 8)
        code.do(R8, "+=", 1)
        code.jump(again)
        code.label(behind)


def _tell(code: TaskCode) -> None:
    """One timer. r9, which the ids need, is put by on the stack."""
    code.open_record(TIMER)
    code.put(TIMER, "node", R9)
    code.ids(TIMER)
    list_at = code.offset(_LIST)
    if code.layout.has(_OWNER):
        code.load(R9, R10, code.place(TIMER, "node"), 8)
        code.read(SPARE, 8, R9, code.offset(_OWNER) - list_at)
        code.load(R9, R10, SPARE, 8)
        code.number(TIMER, "owner")
    code.load(R9, R10, code.place(TIMER, "node"), 8)
    code.load(R1, R10, _NODE, 8)
    code.put(TIMER, "next", R1)
    for name, path in _PARTS:
        field = code.layout.find(path)
        if field is not None:
            size = min(field.size, TIMER.width(name))
            code.read_into(TIMER, name, R9, field.offset - list_at, size)
    if code.layout.has(_BASE, _CLOCK):
        code.read(SPARE, 8, R9, code.offset(_BASE) - list_at)
        code.load(R1, R10, SPARE, 8)
        code.read_into(TIMER, "base", R1, code.offset(_CLOCK))
    code.write(TIMER)
