"""The part of a program that copies a seccomp filter, piece by piece: it may be as long as 32 KB,
which is as much as a walk may write of one task (kernel/seccomp.c).
"""

from __future__ import annotations

from sigscope.decode.records import FILTER, QUEUE_END
from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R8, R9, R10, Register
from sigscope.kernel.bpf.taskcode import END, PROBE_READ, SCRATCH, SPARE, TASK, TaskCode

FILTER_FIELDS = (
    "task_struct.seccomp.filter",
    "seccomp_filter.prev",
    "seccomp_filter.prog",
    "seccomp_filter.log",
    "bpf_prog.orig_prog",
    "sock_fprog_kern.len",
    "sock_fprog_kern.filter",
)
INSTRUCTION_SIZE = 8
_BEGIN = -SCRATCH - QUEUE_END.size - 8
"""A word of the stack below the record."""
PIECE = FILTER.width("instructions") // INSTRUCTION_SIZE


def filter_piece(code: TaskCode, cursor: int, buffer: int) -> None:
    """A piece of the filter that the cursor points at (at first: the newest of the task).

    The filter goes out as it was loaded, in the classic instructions that the kernel keeps for
    checkpoints (orig_prog); a length of 0 means that this kernel has not kept them.
    """
    given, bounded, told = map(code.fresh, ("given", "bounded", "told"))
    code.open_record(QUEUE_END)  # only to have its numbers somewhere
    code.ids(QUEUE_END)
    code.map_value(R8, cursor)
    code.load(R9, R8, 0, 8)
    code.load(R1, R8, 8, 8)
    code.store(R10, _BEGIN, R1, 8)
    code.jump_if(R9, "!=", 0, given)
    code.read(SPARE, 8, TASK, code.offset("task_struct.seccomp.filter"))
    code.load(R9, R10, SPARE, 8)
    code.jump_if(R9, "==", 0, END)
    code.label(given)
    code.map_value(R8, buffer)
    code.store(R8, FILTER.offset("kind"), FILTER.kind or 0, 4)
    for name in ("tid", "tgid"):
        code.load(R1, R10, code.place(QUEUE_END, name), 4)
        code.store(R8, FILTER.offset(name), R1, 4)
    for name in ("length", "begin", "count", "log"):
        code.store(R8, FILTER.offset(name), 0, 4)
    code.store(R8, FILTER.offset("filter"), R9, 8)
    _read_to_map(code, "previous", 8, R9, code.offset("seccomp_filter.prev"))
    if code.layout.has("seccomp_filter.log"):
        _read_to_map(code, "log", 1, R9, code.offset("seccomp_filter.log"))
    for hop in ("seccomp_filter.prog", "bpf_prog.orig_prog"):
        code.read(SPARE, 8, R9, code.offset(hop))
        code.load(R9, R10, SPARE, 8)
        code.jump_if(R9, "==", 0, told)
    _read_to_map(code, "length", 2, R9, code.offset("sock_fprog_kern.len"))
    code.read(SPARE, 8, R9, code.offset("sock_fprog_kern.filter"))
    code.load(R9, R10, SPARE, 8)
    code.load(R1, R10, _BEGIN, 8)
    code.store(R8, FILTER.offset("begin"), R1, 4)
    code.load(R2, R8, FILTER.offset("length"), 4)
    code.jump_if(R1, ">=", R2, told)
    code.do(R2, "-=", R1)
    code.do(R1, "*=", INSTRUCTION_SIZE)
    code.do(R9, "+=", R1)
    code.jump_if(R2, "<=", PIECE, bounded)
    code.do(R2, "=", PIECE)
    code.label(bounded)
    code.store(R8, FILTER.offset("count"), R2, 4)
    code.do(R2, "*=", INSTRUCTION_SIZE)
    code.do(R3, "=", R9)
    code.address(R1, R8, FILTER.offset("instructions"))
    code.call(PROBE_READ, "probe_read_kernel")
    code.jump_if(R0, "==", 0, told)
    code.store(R8, FILTER.offset("count"), 0, 4)
    code.label(told)
    code.write_memory(R8, 0, FILTER.size)


def _read_to_map(code: TaskCode, name: str, size: int, base: Register, offset: int) -> None:
    code.address(R3, base, offset)
    code.address(R1, R8, FILTER.offset(name))
    code.do(R2, "=", size)
    code.call(PROBE_READ, "probe_read_kernel")
