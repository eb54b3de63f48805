"""The part of a program that follows the pending queues, entry by entry.

Nobody locks them for us. So each step is checked: the way back from an entry must lead to where
we came from. include/linux/signal_types.h (struct sigqueue), list.h.
"""

from __future__ import annotations

from sigscope.decode.records import ENTRY, LONGER, QUEUE_END, TORN, WHOLE
from sigscope.kernel.bpf.assembler import R0, R1, R2, R8, R9, R10
from sigscope.kernel.bpf.taskcode import SCRATCH, TASK, TaskCode

QUEUE_FIELDS = (
    "task_struct.pending.list",
    "signal_struct.shared_pending.list",
    "sigqueue.list",
    "sigqueue.info",
)
MOST_AT_ONCE = 24
"""Entries of one queue that are told in one walk: few, for the verifier follows each of them,
and what a walk writes of one task must stay below 32 KB."""
MOST_OF_ONE = 240
"""The same where it is known that one queue is long, and the other is not asked for."""
CURSOR = 32
"""Bytes of a queue's place in the cursor map: node, previous, head, index."""
ELSEWHERE = -1
"""A node that says: this queue is not asked for."""


def queues(code: TaskCode, cursor: int, most: int = MOST_AT_ONCE) -> None:
    """What waits for the thread, and at the leader what waits for the process."""
    _queue(code, cursor, False, most)
    with code.leader_only():
        _queue(code, cursor, True, most)


_LIST = -SCRATCH - max(ENTRY.size, QUEUE_END.size) - 16
"""Behind the records on the stack: a list_head (next, previous), and below it these words."""
_HEAD, _PREVIOUS, _START, _STATUS = _LIST - 8, _LIST - 16, _LIST - 24, _LIST - 32


def _queue(code: TaskCode, cursor: int, shared: bool, most: int) -> None:
    """Follow the list; at each entry the way back must lead to where we came from, or it was
    changed meanwhile. r9 is the entry, r8 counts."""
    again, torn, longer, told, behind, begun, resume = map(
        code.fresh, ("again", "torn", "longer", "told", "behind", "begun", "resume")
    )
    code.map_value(R8, cursor, CURSOR * shared)
    code.load(R1, R8, 0, 8)
    code.jump_if(R1, "==", ELSEWHERE, behind)
    code.load(R1, R8, 24, 8)
    code.store(R10, _START, R1, 8)
    code.open_record(ENTRY)
    code.ids(ENTRY)
    code.put(ENTRY, "shared", int(shared))
    if shared:
        code.follow(R1, TASK, "task_struct.signal", behind)
        code.do(R1, "+=", code.offset("signal_struct.shared_pending.list"))
    else:
        code.address(R1, TASK, code.offset("task_struct.pending.list"))
    code.store(R10, _HEAD, R1, 8)
    code.load(R9, R8, 0, 8)
    code.jump_if(R9, "!=", 0, resume)
    code.store(R10, _PREVIOUS, R1, 8)
    code.read(_LIST, 16, R1, 0)
    code.load(R9, R10, _LIST, 8)
    code.jump(begun)
    code.label(resume)
    code.load(R1, R8, 8, 8)
    code.store(R10, _PREVIOUS, R1, 8)
    code.label(begun)
    code.do(R8, "=", 0)
    code.label(again)
    code.load(R1, R10, _HEAD, 8)
    code.do(R0, "=", WHOLE)
    code.jump_if(R9, "==", R1, told)
    code.jump_if(R8, ">=", most, longer)
    code.read(_LIST, 16, R9, code.offset("sigqueue.list"))
    code.jump_if(R0, "!=", 0, torn)
    code.load(R1, R10, _LIST + 8, 8)
    code.load(R2, R10, _PREVIOUS, 8)
    code.jump_if(R1, "!=", R2, torn)
    info = code.offset("sigqueue.info") - code.offset("sigqueue.list")
    code.read_into(ENTRY, "info", R9, info)
    code.load(R1, R10, _START, 8)
    code.do(R1, "+=", R8)
    code.put(ENTRY, "index", R1)
    code.write(ENTRY)
    code.store(R10, _PREVIOUS, R9, 8)
    code.load(R9, R10, _LIST, 8)
    code.do(R8, "+=", 1)
    code.jump(again)
    code.label(torn)
    code.do(R0, "=", TORN)
    code.jump(told)
    code.label(longer)
    code.do(R0, "=", LONGER)
    code.label(told)
    code.store(R10, _STATUS, R0, 8)
    code.store(R10, _LIST, R9, 8)
    code.load(R1, R10, _START, 8)
    code.do(R8, "+=", R1)
    code.store(R10, _START, R8, 8)
    code.open_record(QUEUE_END)
    code.ids(QUEUE_END)
    code.put(QUEUE_END, "shared", int(shared))
    for name, place in (
        ("status", _STATUS),
        ("index", _START),
        ("node", _LIST),
        ("previous", _PREVIOUS),
    ):
        code.load(R1, R10, place, 8)
        code.put(QUEUE_END, name, R1)
    code.write(QUEUE_END)
    code.label(behind)
