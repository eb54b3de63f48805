"""The program of a scan: masks and kinship of every task of the host, as few bytes as will do."""

from __future__ import annotations

from sigscope.decode.records import ACTIONS, MOST_LEVELS, NESTED, ROW, SCANNED
from sigscope.kernel.bpf.assembler import R1, R2, R3, R4, R8, R9, R10, Register
from sigscope.kernel.bpf.taskcode import (
    END,
    PGID,
    SID,
    SPARE,
    TASK,
    TGID,
    UPID_SIZE,
    TaskCode,
)
from sigscope.kernel.bpf.taskparts import RLIMIT_SIGPENDING, copy_actions, sigpending
from sigscope.model.signals import LAST

_WIDTH = 8
_RLIMIT_SIZE = 16
_ROWS = range(1, 4)
EXIT_SHIFT = 24
"""exit_state stands above the bits of __state that anybody reports."""
_KNOWN_STATES = (1 << EXIT_SHIFT) - 1


def scan(code: TaskCode, buffer: int) -> None:
    """A row for each task, and at a leader those of its process. The buffer holds a table."""
    code.open_record(SCANNED)
    code.ids(SCANNED)
    _thread(code)
    with code.leader_only():
        code.load(R1, R10, code.place(SCANNED, "tgid"), 4)
        for row in _ROWS:
            code.put(SCANNED, f"tgid{row}", R1)
        _kinship(code)
        _shared(code)
        _dispositions(code, buffer)
        code.level()
        code.put(SCANNED, "level", R8)
        code.write(SCANNED)
        _numbers(code)
        code.jump(END)
    code.write(SCANNED, ROW)


def _thread(code: TaskCode) -> None:
    code.load(R1, TASK, code.offset("task_struct.__state"), 4)
    code.do(R1, "&=", _KNOWN_STATES)
    code.load(R2, TASK, code.offset("task_struct.exit_state"), 4)
    code.do(R2, "<<=", EXIT_SHIFT)
    code.do(R1, "|=", R2)
    code.put(SCANNED, "state", R1)
    code.copy(SCANNED, "blocked", TASK, "task_struct.blocked")
    code.copy(SCANNED, "pending", TASK, "task_struct.pending.signal")
    for half in range(0, SCANNED.width("comm"), _WIDTH):  # cheaper than a call, for each thread
        code.load(R1, TASK, code.offset("task_struct.comm") + half, _WIDTH)
        code.store(R10, code.place(SCANNED, "comm") + half, R1, _WIDTH)
    code.load(R1, TASK, code.offset("task_struct.ptrace"), 4)
    with code.only_if(R1, "!=", 0):
        alone = code.fresh("alone")
        code.follow(R8, TASK, "task_struct.parent", alone)
        code.thread_pid(R8)
        code.number(SCANNED, "tracer")
        code.label(alone)


def _kinship(code: TaskCode) -> None:
    orphan = code.fresh("orphan")
    code.follow(R8, TASK, "task_struct.real_parent", orphan)
    if code.nested:
        code.group_pid(R8, TGID)
        code.number(SCANNED, "ppid")
    else:
        code.copy(SCANNED, "ppid", R8, "task_struct.tgid")
    code.label(orphan)
    for kind, name in ((PGID, "pgrp"), (SID, "session")):
        code.group_pid(TASK, kind)
        code.number(SCANNED, name)


def _shared(code: TaskCode) -> None:
    for name, field in (
        ("flags", "task_struct.flags"),
        ("privileges", "task_struct.atomic_flags"),
        ("seccomp", "task_struct.seccomp.mode"),
        ("start", "task_struct.start_boottime"),
    ):
        code.copy(SCANNED, name, TASK, field)
    behind = code.fresh("behind")
    code.follow(R8, TASK, "task_struct.signal", behind)
    code.copy(SCANNED, "signal_flags", R8, "signal_struct.flags")
    code.copy(SCANNED, "shared", R8, "signal_struct.shared_pending.signal")
    limit = code.offset("signal_struct.rlim") + _RLIMIT_SIZE * RLIMIT_SIGPENDING
    code.read_into(SCANNED, "queue_limit", R8, limit)
    code.label(behind)
    behind = code.fresh("behind")
    code.follow(R8, TASK, "task_struct.real_cred", behind)
    code.copy(SCANNED, "uid", R8, "cred.uid")
    code.copy(SCANNED, "saved_uid", R8, "cred.suid")
    place = sigpending(code)
    if place is not None:
        code.read(SPARE, 8, R8, code.offset("cred.ucounts"))
        code.load(R9, R10, SPARE, 8)
        code.read_into(SCANNED, "queued", R9, code.offset("ucounts.rlimit") + _WIDTH * place)
    code.label(behind)


def _dispositions(code: TaskCode, buffer: int) -> None:
    """SigIgn and SigCgt from the 64 handlers: 1 is SIG_IGN, 0 is SIG_DFL.

    Without a jump: the verifier would follow each signal's outcomes with all of the others'.
    """
    table = code.layout.at("sighand_struct.action")
    handler = code.offset("k_sigaction.sa.sa_handler")
    copy_actions(code, R8, buffer)
    code.do(R3, "=", 0)
    code.do(R4, "=", 0)
    for place in reversed(range(LAST)):
        at = ACTIONS.offset("actions") + handler + place * (table.size // LAST)
        code.load(R1, R8, at, 8)
        code.do(R9, "=", R1)
        code.do(R9, "^=", 1)
        _is_set(code, R1)
        _is_set(code, R9)
        code.do(R1, "&=", R9)  # neither: somebody catches it
        code.do(R9, "^=", 1)
        code.do(R3, "<<=", 1)
        code.do(R3, "|=", R9)
        code.do(R4, "<<=", 1)
        code.do(R4, "|=", R1)
    code.put(SCANNED, "ignored", R3)
    code.put(SCANNED, "caught", R4)


def _is_set(code: TaskCode, register: Register) -> None:
    """1 for anything but 0: of a number and its negative, one has the highest bit. r2 is lost."""
    code.do(R2, "=", register)
    code.negate(R2)
    code.do(register, "|=", R2)
    code.do(register, ">>=", 63)


def _numbers(code: TaskCode) -> None:
    """Of who lives in a pid namespace below ours all its numbers, in rows of their own."""
    code.jump_if(R8, "==", 0, END)
    whole = code.fresh("whole")
    code.load(R1, R10, code.place(SCANNED, "tgid"), 4)
    code.open_record(NESTED)
    for row in range(1, NESTED.size // ROW + 1):
        code.put(NESTED, f"tgid{row}", R1)
    for level in range(MOST_LEVELS):
        code.jump_if(R8, "<", level, whole)
        code.read_into(NESTED, f"upid{level}", R9, code.offset("pid.numbers") + UPID_SIZE * level)
    code.label(whole)
    code.write(NESTED)
