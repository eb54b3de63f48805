"""Programs at the tracepoints of signals: sent, delivered, and taken without a handler.

include/trace/events/signal.h; dequeue_signal() and __send_signal_locked() of kernel/signal.c.
"""

from __future__ import annotations

from sigscope.decode.watch_records import (
    BLOCKED,
    DELIVERED,
    GROUP,
    INSIDE,
    NO_INFO,
    PRIVATE,
    SENT,
    TAKEN,
    UNKILLABLE,
)
from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R7, R8, R9, R10, Register
from sigscope.kernel.bpf.layouts import Layout
from sigscope.kernel.bpf.watchcode import (
    AT_INFO,
    CURRENT,
    END,
    RECORD,
    REGISTERS,
    Maps,
    WatchCode,
)

FIELDS = (
    "task_struct.pid",
    "task_struct.tgid",
    "task_struct.comm",
    "task_struct.blocked",
    "task_struct.signal",
    "task_struct.cred",
    "task_struct.real_parent",
    "task_struct.thread_pid",
    "signal_struct.flags",
    "cred.uid",
    "pid.level",
    "k_sigaction.sa.sa_handler",
    "k_sigaction.sa.sa_flags",
    "pt_regs.orig_ax|syscallno",
)
SIGNAL_UNKILLABLE = 0x40
"""include/linux/sched/signal.h"""
_CODE = 8
"""si_code in struct kernel_siginfo."""
_TASK = R7


def sent(layout: Layout, maps: Maps) -> bytes:
    """At signal_generate(sig, info, task, group, result)."""
    code = WatchCode(layout, maps)
    code.begin()
    code.argument(R1, 0)
    code.do(R8, "=", R1)
    code.only_signals(R8)
    code.argument(_TASK, 2)
    code.only_targets(_TASK)
    code.now()
    code.open_key(SENT.kind or 0)
    code.key("signal", R8)
    _code(code)
    code.argument(R1, 3)
    code.key("group", R1)
    code.argument(R1, 4)
    code.key("result", R1)
    code.fetch(R1, CURRENT, "task_struct.tgid")
    code.key("tgid", R1)
    code.fetch(R1, _TASK, "task_struct.tgid")
    code.key("to_tgid", R1)
    code.fold()
    code.open_record(SENT)
    code.put_time(SENT)
    code.put_ids(SENT, CURRENT)
    code.put_field(SENT, "uid", CURRENT, "task_struct.cred", "cred.uid")
    code.put_ids(SENT, _TASK, "to_")
    code.argument(R1, 0)
    code.put(SENT, "signal", R1)
    code.argument(R1, 4)
    code.put(SENT, "result", R1)
    _flags(code)
    code.put_comm(SENT, "comm", CURRENT)
    code.put_comm(SENT, "to_comm", _TASK)
    code.put_parent(SENT, CURRENT)
    code.argument(R3, 1)
    code.put_copy(SENT, "info", R3, 0)
    code.close_record()
    return code.finish()


def _code(code: WatchCode) -> None:
    """Where it comes from, and si_code, into the key."""
    code.argument(R3, 1)
    code.jump_if(R3, "<", 1, "coded")
    code.key("origin", 1)
    code.jump_if(R3, "<=", 1, "coded")
    code.key("origin", 2)
    code.copy(AT_INFO, 16, R3)
    code.load(R1, R10, AT_INFO + _CODE, 4)
    code.key("code", R1)
    code.label("coded")


def _flags(code: WatchCode) -> None:
    """r2 gathers them."""
    code.do(R2, "=", 0)
    _set_if(code, GROUP, 3)
    code.fetch(R1, _TASK, "task_struct.signal", "signal_struct.flags")
    code.do(R1, "&=", SIGNAL_UNKILLABLE)
    _set(code, UNKILLABLE)
    code.argument(R3, 0)
    code.do(R3, "-=", 1)
    code.do(R3, "&=", 63)
    code.fetch(R1, _TASK, "task_struct.blocked")
    code.do(R1, ">>=", R3)
    code.do(R1, "&=", 1)
    _set(code, BLOCKED)
    for task in (CURRENT, _TASK):
        code.fetch(R1, task, "task_struct.thread_pid")
        label = f"level{int(task)}"
        code.jump_if(R1, "==", 0, label)
        code.fetch(R1, R1, "pid.level")
        _set(code, INSIDE)
        code.label(label)
    code.argument(R1, 1)
    code.jump_if(R1, ">", 1, "info")
    code.do(R3, "=", NO_INFO)
    code.jump_if(R1, "<", 1, "which")
    code.do(R3, "=", PRIVATE)
    code.label("which")
    code.do(R2, "|=", R3)
    code.label("info")
    code.put(SENT, "flags", R2)


def _set_if(code: WatchCode, flag: int, argument: int) -> None:
    code.argument(R1, argument)
    code.do(R1, "<<=", 32)
    _set(code, flag)


def _set(code: WatchCode, flag: int) -> None:
    """The flag, unless r1 is 0."""
    label = f"flag{len(code)}"
    code.jump_if(R1, "==", 0, label)
    code.do(R2, "|=", flag)
    code.label(label)


def delivered(layout: Layout, maps: Maps) -> bytes:
    """At signal_deliver(sig, info, ka), in the thread that takes it."""
    code = WatchCode(layout, maps)
    code.begin()
    code.argument(R8, 0)
    code.only_signals(R8)
    code.only_targets(CURRENT)
    code.argument(_TASK, 2)
    code.now()
    code.open_key(DELIVERED.kind or 0)
    code.key("signal", R8)
    _code(code)
    _receiver(code)
    code.fetch(R1, _TASK, "k_sigaction.sa.sa_handler")
    code.key("handler", R1)
    code.fold()
    code.open_record(DELIVERED)
    code.put_time(DELIVERED)
    code.put_ids(DELIVERED, CURRENT)
    code.put_field(DELIVERED, "uid", CURRENT, "task_struct.cred", "cred.uid")
    code.argument(R1, 0)
    code.put(DELIVERED, "signal", R1)
    code.put_field(DELIVERED, "handler", _TASK, "k_sigaction.sa.sa_handler")
    code.put_field(DELIVERED, "flags", _TASK, "k_sigaction.sa.sa_flags")
    code.argument(R3, 1)
    code.store(R10, AT_INFO + _CODE, 0, 8)
    code.copy(AT_INFO, 16, R3)
    code.load(R1, R10, AT_INFO + _CODE, 4)
    code.put(DELIVERED, "code", R1)
    code.put_comm(DELIVERED, "comm", CURRENT)
    code.close_record()
    return code.finish()


def _receiver(code: WatchCode) -> None:
    code.fetch(R1, CURRENT, "task_struct.tgid")
    code.key("to_tgid", R1)


def taken(layout: Layout, maps: Maps, parameters: int) -> bytes:
    """At the return of dequeue_signal([task, ] mask, info[, type]).

    The delivery of signals passes the mask of the thread itself; whoever passes another one is
    a sigwait or the read of a signalfd.
    """
    mask = 1 if parameters > 3 else 0
    code = WatchCode(layout, maps)
    code.begin()
    code.argument(R8, parameters)
    code.do(R8, "<<=", 32)
    code.do(R8, ">>=", 32)
    code.jump_if(R8, "==", 0, END)
    code.argument(R1, mask)
    code.do(R2, "=", R9)
    code.do(R2, "+=", layout.at("task_struct.blocked").offset)
    code.jump_if(R1, "==", R2, END)
    code.only_signals(R8)
    code.only_targets(CURRENT)
    code.now()
    code.open_key(TAKEN.kind or 0)
    code.key("signal", R8)
    _receiver(code)
    code.fold()
    code.open_record(TAKEN)
    code.put_time(TAKEN)
    code.put_ids(TAKEN, CURRENT)
    code.argument(R1, parameters)
    code.put(TAKEN, "signal", R1)
    _call(code, RECORD)
    code.put_comm(TAKEN, "comm", CURRENT)
    code.close_record()
    return code.finish()


def _call(code: WatchCode, record: Register) -> None:
    """The number of the system call that the thread is in."""
    number = code.layout.find("pt_regs.orig_ax")
    if number is None:
        code.store(record, TAKEN.offset("call"), -1, 8)
        return
    code.do(R1, "=", CURRENT)
    code.call(REGISTERS, "task_pt_regs")
    code.load(R1, R0, number.offset, number.size)
    if number.size == 4:
        code.do(R1, "<<=", 32)
        code.do(R1, ">>=", 32)
    code.put(TAKEN, "call", R1)
