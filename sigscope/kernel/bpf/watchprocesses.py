"""Programs at the tracepoints of processes: forked, executed, ended (include/trace/events/sched.h).

They tell of all, whatever the filters for signals are: whoever follows a story needs names.
"""

from __future__ import annotations

from sigscope.decode.watch_records import EXECUTED, EXITED, FORKED
from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R4, R7, R10
from sigscope.kernel.bpf.layouts import Layout
from sigscope.kernel.bpf.watchcode import (
    CURRENT,
    DELETE,
    READ_TEXT,
    READ_USER,
    RECORD,
    SPARE,
    UPDATE,
    Maps,
    WatchCode,
)

FIELDS = (
    "task_struct.mm",
    "task_struct.exit_code",
    "task_struct.group_leader",
    "signal_struct.live",
    "signal_struct.group_exit_code",
    "linux_binprm.filename",
    "mm_struct.arg_start",
    "mm_struct.arg_end",
)
SIGNAL_GROUP_EXIT = 4
"""include/linux/sched/signal.h"""
_CHILD = _BINARY = R7


def forked(layout: Layout, maps: Maps) -> bytes:
    """At sched_process_fork(parent, child)."""
    code = WatchCode(layout, maps)
    code.begin()
    code.argument(_CHILD, 1)
    if maps.targets is not None and maps.descendants:
        _inherit(code, maps.targets)
    code.now()
    code.open_record(FORKED)
    code.put_time(FORKED)
    code.put_ids(FORKED, CURRENT)
    code.put_ids(FORKED, _CHILD, "to_")
    code.put_field(FORKED, "uid", _CHILD, "task_struct.cred", "cred.uid")
    code.put_comm(FORKED, "comm", _CHILD)
    code.close_record()
    return code.finish()


def _inherit(code: WatchCode, targets: int) -> None:
    """The child of a target is one from its first moment on."""
    code.fetch(R1, CURRENT, "task_struct.tgid")
    code.store(R10, SPARE, R1, 4)
    code.lookup(targets, SPARE)
    code.jump_if(R0, "==", 0, "no_target")
    code.fetch(R1, _CHILD, "task_struct.tgid")
    code.store(R10, SPARE, R1, 4)
    code.store(R10, SPARE + 4, 1, 4)
    code.map(R1, targets)
    code.address(R2, R10, SPARE)
    code.address(R3, R10, SPARE + 4)
    code.do(R4, "=", 0)
    code.call(UPDATE, "map_update_elem")
    code.label("no_target")


def executed(layout: Layout, maps: Maps) -> bytes:
    """At sched_process_exec(task, old_pid, binary), in the new program's memory."""
    code = WatchCode(layout, maps)
    code.begin()
    code.argument(_BINARY, 2)
    code.now()
    code.open_record(EXECUTED)
    code.put_time(EXECUTED)
    code.put_ids(EXECUTED, CURRENT)
    code.put_field(EXECUTED, "uid", CURRENT, "task_struct.cred", "cred.uid")
    code.put_comm(EXECUTED, "comm", CURRENT)
    code.put_parent(EXECUTED, CURRENT)
    code.fetch(R3, _BINARY, "linux_binprm.filename")
    code.address(R1, RECORD, EXECUTED.offset("path"))
    code.store(R1, 0, 0, 8)
    code.do(R2, "=", EXECUTED.width("path"))
    code.call(READ_TEXT, "probe_read_kernel_str")
    _arguments(code)
    code.close_record()
    return code.finish()


def _arguments(code: WatchCode) -> None:
    room = EXECUTED.width("arguments")
    code.put(EXECUTED, "length", 0)
    code.fetch(R1, CURRENT, "task_struct.mm")
    code.jump_if(R1, "==", 0, "no_memory")
    code.fetch(R3, R1, "mm_struct.arg_start")
    code.fetch(R2, R1, "mm_struct.arg_end")
    code.do(R2, "-=", R3)
    code.jump_if(R2, "<=", 1 << 30, "counted")
    code.do(R2, "=", 0)
    code.label("counted")
    code.put(EXECUTED, "length", R2)
    code.jump_if(R2, "<=", room, "fits")
    code.do(R2, "=", room)
    code.label("fits")
    code.address(R1, RECORD, EXECUTED.offset("arguments"))
    code.call(READ_USER, "probe_read_user")
    code.jump_if(R0, "==", 0, "no_memory")
    code.put(EXECUTED, "length", 0)
    code.label("no_memory")


def exited(layout: Layout, maps: Maps, parameters: int) -> bytes:
    """At sched_process_exit(task[, group_dead]), in the thread that ends.

    Where the tracepoint does not tell whether it is the last one (before Linux 6.16), two that
    end at once may both be said to be.
    """
    code = WatchCode(layout, maps)
    code.begin()
    code.now()
    code.open_record(EXITED)
    code.put_time(EXITED)
    code.put_ids(EXITED, CURRENT)
    code.put(EXITED, "spare", 0)
    code.put_field(EXITED, "uid", CURRENT, "task_struct.cred", "cred.uid")
    code.put_parent(EXITED, CURRENT)
    code.put_comm(EXITED, "comm", CURRENT)
    code.put(EXITED, "process", 0)
    code.put_field(EXITED, "status", CURRENT, "task_struct.exit_code")
    if parameters > 1:
        code.argument(R1, 1)
        code.do(R1, "&=", 1)
        code.jump_if(R1, "==", 0, "told")
    else:
        code.fetch(R1, CURRENT, "task_struct.signal", "signal_struct.live")
        code.jump_if(R1, "!=", 0, "told")
    code.put(EXITED, "process", 1)
    # As wait_task_zombie() of kernel/exit.c finds it.
    code.fetch(R1, CURRENT, "task_struct.signal", "signal_struct.flags")
    code.do(R1, "&=", SIGNAL_GROUP_EXIT)
    code.jump_if(R1, "!=", 0, "group")
    code.put_field(EXITED, "status", CURRENT, "task_struct.group_leader", "task_struct.exit_code")
    code.jump("known")
    code.label("group")
    code.put_field(EXITED, "status", CURRENT, "task_struct.signal", "signal_struct.group_exit_code")
    code.label("known")
    if maps.targets is not None:
        code.fetch(R1, CURRENT, "task_struct.tgid")
        code.store(R10, SPARE, R1, 4)
        code.map(R1, maps.targets)
        code.address(R2, R10, SPARE)
        code.call(DELETE, "map_delete_elem")
    code.label("told")
    code.close_record()
    return code.finish()
