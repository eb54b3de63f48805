"""What a program tells of each task, part by part; a program is a few of these in a row.

The names of the fields are those of the kernel: include/linux/sched.h, sched/signal.h,
signal_types.h, seccomp.h and kernel/seccomp.c.
"""

from __future__ import annotations

from sigscope.decode.records import (
    ACTIONS,
    MOST_LEVELS,
    PROCESS,
    QUEUE_END,
    RESTART,
    THREAD,
)
from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R4, R5, R8, R9, R10, Register
from sigscope.kernel.bpf.taskcode import (
    PGID,
    PROBE_READ,
    SID,
    SNPRINTF,
    SPARE,
    TASK,
    TGID,
    TIME_NS,
    TaskCode,
)

RLIMIT_SIGPENDING = 11
"""include/uapi/asm-generic/resource.h"""
THREAD_FIELDS = (
    "task_struct.__state|state",
    "task_struct.exit_state",
    "task_struct.flags",
    "task_struct.restore_sigmask",
    "task_struct.thread_info.flags",
    "task_struct.blocked",
    "task_struct.real_blocked",
    "task_struct.saved_sigmask",
    "task_struct.pending.signal",
    "task_struct.jobctl",
    "task_struct.restart_block.fn",
    "task_struct.seccomp.filter",
    "task_struct.seccomp.mode",
    "task_struct.seccomp.filter_count",
    "task_struct.comm",
)
PROCESS_FIELDS = (
    "task_struct.real_parent",
    "task_struct.parent",
    "task_struct.ptrace",
    "task_struct.atomic_flags",
    "task_struct.start_boottime|real_start_time",
    "task_struct.real_cred",
    "cred.uid",
    "cred.suid",
    "cred.ucounts",
    "ucounts.rlimit|ucount",
    "signal_struct.flags",
    "signal_struct.group_stop_count",
    "signal_struct.shared_pending.signal",
    "signal_struct.rlim",
    "signal_struct.posix_timers",
    "signal_struct.real_timer.node.expires",
    "signal_struct.real_timer.state|is_queued",
    "signal_struct.it_real_incr",
    "signal_struct.it",
    "signal_struct.cputimer.cputime_atomic.utime",
    "signal_struct.cputimer.cputime_atomic.stime",
)
ACTION_FIELDS = (
    "sighand_struct.action",
    "k_sigaction.sa.sa_handler",
    "k_sigaction.sa.sa_flags",
    "k_sigaction.sa.sa_restorer",
    "k_sigaction.sa.sa_mask",
)
SIGPENDING = "rlimit_type.UCOUNT_RLIMIT_SIGPENDING"
OLD_SIGPENDING = "ucount_type.UCOUNT_RLIMIT_SIGPENDING"


def thread(code: TaskCode) -> None:
    """Masks, state and name of one task."""
    code.open_record(THREAD)
    code.ids(THREAD)
    for name, field in (
        ("state", "task_struct.__state"),
        ("exit_state", "task_struct.exit_state"),
        ("flags", "task_struct.flags"),
        ("blocked", "task_struct.blocked"),
        ("real_blocked", "task_struct.real_blocked"),
        ("saved", "task_struct.saved_sigmask"),
        ("pending", "task_struct.pending.signal"),
        ("jobctl", "task_struct.jobctl"),
        ("restart", "task_struct.restart_block.fn"),
        ("filter", "task_struct.seccomp.filter"),
        ("seccomp", "task_struct.seccomp.mode"),
        ("filters", "task_struct.seccomp.filter_count"),
    ):
        code.copy(THREAD, name, TASK, field)
    own_flag = code.layout.has("task_struct.restore_sigmask")
    flag = "task_struct.restore_sigmask" if own_flag else "task_struct.thread_info.flags"
    code.copy(THREAD, "restore", TASK, flag)
    code.read_into(THREAD, "comm", TASK, code.offset("task_struct.comm"))
    code.write(THREAD)


def process(code: TaskCode) -> None:
    """Kinship, credentials, timers and shared signals, at the leader."""
    with code.leader_only():
        code.open_record(PROCESS)
        code.ids(PROCESS)
        _kinship(code)
        _credentials(code)
        _shared(code)
        code.write(PROCESS)


def _kinship(code: TaskCode) -> None:
    for pointer, name in (("task_struct.real_parent", "ppid"), ("task_struct.parent", "tracer")):
        skip = code.fresh("skip")
        if name == "tracer":
            code.load(R1, TASK, code.offset("task_struct.ptrace"), 4)
            code.jump_if(R1, "==", 0, skip)
        code.follow(R8, TASK, pointer, skip)
        if name == "tracer":
            code.thread_pid(R8)
        else:
            code.group_pid(R8, TGID)
        code.number(PROCESS, name)
        code.label(skip)
    for kind, name in ((PGID, "pgrp"), (SID, "session")):
        code.group_pid(TASK, kind)
        code.number(PROCESS, name)
    _numbers(code)


def _numbers(code: TaskCode) -> None:
    """How deep below ours its pid namespace is, and its pid in each on the way there."""
    same = code.fresh("same")
    code.level()
    code.put(PROCESS, "level", R8)
    code.jump_if(R8, "==", 0, same)
    code.jump_if(R8, ">", MOST_LEVELS - 1, same)
    code.do(R8, "+=", 1)
    code.do(R8, "<<=", 4)
    code.address(R3, R9, code.offset("pid.numbers"))
    code.address(R1, R10, code.place(PROCESS, "numbers"))
    code.do(R2, "=", R8)
    code.call(PROBE_READ, "probe_read_kernel")
    code.label(same)


def _credentials(code: TaskCode) -> None:
    behind = code.fresh("behind")
    code.copy(PROCESS, "start", TASK, "task_struct.start_boottime")
    code.copy(PROCESS, "privileges", TASK, "task_struct.atomic_flags")
    code.follow(R8, TASK, "task_struct.real_cred", behind)
    code.copy(PROCESS, "uid", R8, "cred.uid")
    code.copy(PROCESS, "saved_uid", R8, "cred.suid")
    place = sigpending(code)
    if place is not None:
        code.read(SPARE, 8, R8, code.offset("cred.ucounts"))
        code.load(R9, R10, SPARE, 8)
        code.read_into(PROCESS, "queued", R9, code.offset("ucounts.rlimit") + 8 * place)
    code.label(behind)


def sigpending(code: TaskCode) -> int | None:
    """The place of the count of queued signals among those of a user; older kernels keep none."""
    if not code.layout.has("cred.ucounts", "ucounts.rlimit"):
        return None
    place = code.layout.values[SIGPENDING]
    return code.layout.values[OLD_SIGPENDING] if place is None else place


def _shared(code: TaskCode) -> None:
    behind = code.fresh("behind")
    code.call(TIME_NS, "ktime_get_ns")
    code.put(PROCESS, "now", R0)
    code.follow(R8, TASK, "task_struct.signal", behind)
    for name, field in (
        ("flags", "signal_struct.flags"),
        ("group_stop", "signal_struct.group_stop_count"),
        ("pending", "signal_struct.shared_pending.signal"),
        ("posix_timers", "signal_struct.posix_timers"),
        ("real_expires", "signal_struct.real_timer.node.expires"),
        ("real_armed", "signal_struct.real_timer.state"),
        ("real_interval", "signal_struct.it_real_incr"),
    ):
        code.copy(PROCESS, name, R8, field)
    for name, field in (
        ("user_time", "signal_struct.cputimer.cputime_atomic.utime"),
        ("system_time", "signal_struct.cputimer.cputime_atomic.stime"),
    ):
        if code.layout.has(field):
            code.read_into(PROCESS, name, R8, code.offset(field))
    code.read_into(
        PROCESS, "queue_limit", R8, code.offset("signal_struct.rlim") + 16 * RLIMIT_SIGPENDING
    )
    if code.layout.has("signal_struct.it"):
        code.read_into(PROCESS, "prof_expires", R8, code.offset("signal_struct.it"), 32)
    code.label(behind)


def actions(code: TaskCode, buffer: int) -> None:
    """The whole table of a process, put together in a map: it is too large for the stack."""
    with code.leader_only():
        copy_actions(code, R8, buffer)
        code.store(R8, ACTIONS.offset("kind"), ACTIONS.kind or 0, 4)
        code.open_record(QUEUE_END)  # only to have its numbers somewhere
        code.ids(QUEUE_END)
        for name in ("tid", "tgid"):
            code.load(R1, R10, code.place(QUEUE_END, name), 4)
            code.store(R8, ACTIONS.offset(name), R1, 4)
        code.write_memory(R8, 0, ACTIONS.size)


def copy_actions(code: TaskCode, into: Register, buffer: int) -> None:
    """The table of the task into an ACTIONS record in a map, at which the register then points."""
    code.map_value(into, buffer)
    code.read(SPARE, 8, TASK, code.offset("task_struct.sighand"))
    code.load(R3, R10, SPARE, 8)
    code.do(R3, "+=", code.offset("sighand_struct.action"))
    code.address(R1, into, ACTIONS.offset("actions"))
    code.do(R2, "=", code.layout.at("sighand_struct.action").size)
    code.call(PROBE_READ, "probe_read_kernel")


def restart(code: TaskCode, text: int) -> None:
    """The name of the function that an interrupted call would go on with."""
    code.open_record(RESTART)
    code.ids(RESTART)
    code.read(SPARE, 8, TASK, code.offset("task_struct.restart_block.fn"))
    code.address(R1, R10, code.place(RESTART, "name"))
    code.do(R2, "=", RESTART.width("name"))
    code.map_value(R3, text)
    code.address(R4, R10, SPARE)
    code.do(R5, "=", 8)
    code.call(SNPRINTF, "snprintf")
    code.write(RESTART)
