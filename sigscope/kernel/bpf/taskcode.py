"""What programs over tasks have in common: the walk's frame, field copies, records, pids.

In every such program r6 is the iterator's context and r7 the task. Records are put together
on the stack, zeroed first, so that nothing of another task can ever be in one.

Fields of the task, and of what a pointer of it leads to, are loaded directly: the verifier
knows their types and guards each load. What has a shape that it does not follow (arrays, text,
lists) is copied with probe_read_kernel(), which leaves zeroes where it fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sigscope.decode.btf import Field
from sigscope.decode.records import Record
from sigscope.kernel.bpf.assembler import (
    R0,
    R1,
    R2,
    R3,
    R6,
    R7,
    R8,
    R9,
    R10,
    Assembler,
    Register,
)
from sigscope.kernel.bpf.layouts import Layout

CONTEXT, TASK = R6, R7
SEQ_WRITE, PROBE_READ, CURRENT_TASK, TIME_NS, SNPRINTF = 127, 113, 35, 5, 165
"""Numbers of the kernel's helper functions (include/uapi/linux/bpf.h)."""
SCRATCH = 32
"""Bytes at the end of the stack that belong to no record: our level, and three words to spare."""
OUR_LEVEL, SPARE = -8, -16
UPID_SIZE = 16
TGID, PGID, SID = 1, 2, 3
"""enum pid_type of include/linux/pid_types.h: places in signal_struct.pids."""
FIELDS = (
    "bpf_iter__task.meta",
    "bpf_iter__task.task",
    "bpf_iter_meta.seq",
    "task_struct.pid",
    "task_struct.tgid",
    "task_struct.sighand",
    "task_struct.signal",
    "task_struct.thread_pid",
    "signal_struct.pids",
    "pid.level",
    "pid.numbers",
)
END = "end"


class TaskCode(Assembler):
    """``nested`` tells that we ourselves live in a pid namespace below that of the host."""

    def __init__(self, layout: Layout, nested: bool = False) -> None:
        super().__init__()
        self.layout = layout
        self.nested = nested
        self._numbered = 0

    def fresh(self, word: str) -> str:
        """A label that stands nowhere else."""
        self._numbered += 1
        return f"{word}{self._numbered}"

    def offset(self, name: str) -> int:
        return self.layout.at(name).offset

    def begin(self) -> None:
        """r7 is a task that has not been taken apart yet; else there is nothing to tell."""
        self.do(CONTEXT, "=", R1)
        self.load(TASK, CONTEXT, self.offset("bpf_iter__task.task"), 8)
        self.jump_if(TASK, "==", 0, END)
        self.load(R1, TASK, self.offset("task_struct.sighand"), 8)
        self.jump_if(R1, "==", 0, END)
        if self.nested:
            self.call(CURRENT_TASK, "get_current_task")
            self.read(SPARE, 8, R0, self.offset("task_struct.thread_pid"))
            self.load(R9, R10, SPARE, 8)
            self.read(SPARE, 4, R9, self.offset("pid.level"))
            self.load(R1, R10, SPARE, 4)
            self.store(R10, OUR_LEVEL, R1, 8)

    def finish(self) -> bytes:
        """All jumps to END lead here."""
        self.label(END)
        self.leave()
        return self.assemble()

    def place(self, record: Record, name: str) -> int:
        """Where a field of the record that is being written lies on the stack."""
        return record.offset(name) - record.size - SCRATCH

    def open_record(self, record: Record) -> None:
        """Zeroes, and the kind."""
        for at in range(0, record.size, 8):
            self.store(R10, at - record.size - SCRATCH, 0, 8)
        if record.kind is not None:
            self.store(R10, self.place(record, "kind"), record.kind, 4)

    def put(self, record: Record, name: str, value: Register | int) -> None:
        """A register, or a number, into a field of the record."""
        self.store(R10, self.place(record, name), value, record.width(name))

    def copy(self, record: Record, name: str, base: Register, field: str) -> None:
        """A number from a struct; a field that this kernel has not stays 0. r1 is lost."""
        found = self.layout.find(field)
        if found is not None:
            self.fetch(R1, base, found)
            self.put(record, name, R1)

    def fetch(self, dst: Register, base: Register, field: Field, more: int = 0) -> None:
        self.load(dst, base, field.offset + more, min(field.size, 8))

    def follow(self, dst: Register, base: Register, field: str, otherwise: str) -> None:
        """A pointer that may be null."""
        self.load(dst, base, self.offset(field), 8)
        self.jump_if(dst, "==", 0, otherwise)

    def read(self, at: int, size: int, base: Register, offset: int) -> None:
        """Copy kernel memory to the stack, at r10 + ``at``. r0 to r5 are lost; r0 is 0 if it went
        well."""
        self.address(R3, base, offset)
        self.address(R1, R10, at)
        self.do(R2, "=", size)
        self.call(PROBE_READ, "probe_read_kernel")

    def read_into(
        self, record: Record, name: str, base: Register, offset: int, size: int = 0
    ) -> None:
        """The same, into a field of the record."""
        self.read(self.place(record, name), size or record.width(name), base, offset)

    def write(self, record: Record, size: int = 0) -> None:
        """The record goes out, or its first ``size`` bytes. r0 to r5 are lost."""
        self.write_memory(R10, -record.size - SCRATCH, size or record.size)

    def write_memory(self, base: Register, offset: int, size: int) -> None:
        """The same for memory that is not on the stack."""
        self.address(R2, base, offset)
        self.load(R1, CONTEXT, self.offset("bpf_iter__task.meta"), 8)
        self.load(R1, R1, self.offset("bpf_iter_meta.seq"), 8)
        self.do(R3, "=", size)
        self.call(SEQ_WRITE, "seq_write")

    @contextmanager
    def only_if(self, register: Register, condition: str, value: Register | int) -> Iterator[None]:
        """What stands within is done if that holds."""
        then, behind = self.fresh("then"), self.fresh("behind")
        self.jump_if(register, condition, value, then)
        self.jump(behind)
        self.label(then)
        yield
        self.label(behind)

    @contextmanager
    def leader_only(self) -> Iterator[None]:
        """What the threads share is told once."""
        self.load(R1, TASK, self.offset("task_struct.pid"), 4)
        self.load(R2, TASK, self.offset("task_struct.tgid"), 4)
        with self.only_if(R1, "==", R2):
            yield

    def ids(self, record: Record) -> None:
        """tid and tgid, as our own pid namespace numbers them. r9 is lost."""
        if not self.nested:
            self.copy(record, "tid", TASK, "task_struct.pid")
            self.copy(record, "tgid", TASK, "task_struct.tgid")
            return
        self.thread_pid(TASK)
        self.number(record, "tid")
        self.group_pid(TASK, TGID)
        self.number(record, "tgid")

    def thread_pid(self, task: Register) -> None:
        """r9 = the struct pid of a task, as a bare address."""
        self.read(SPARE, 8, task, self.offset("task_struct.thread_pid"))
        self.load(R9, R10, SPARE, 8)

    def level(self) -> None:
        """r8 = how deep below ours the task's pid namespace is; r9 = its struct pid, as far on as
        our own level."""
        self.thread_pid(TASK)
        self.read(SPARE, 4, R9, self.offset("pid.level"))
        self.load(R8, R10, SPARE, 4)
        if self.nested:
            self.load(R1, R10, OUR_LEVEL, 8)
            self.do(R8, "-=", R1)
            self.do(R1, "*=", UPID_SIZE)
            self.do(R9, "+=", R1)

    def group_pid(self, task: Register, kind: int) -> None:
        """r9 = that of its process, its process group, or its session."""
        self.read(SPARE, 8, task, self.offset("task_struct.signal"))
        self.load(R9, R10, SPARE, 8)
        self.read(SPARE, 8, R9, self.offset("signal_struct.pids") + 8 * kind)
        self.load(R9, R10, SPARE, 8)

    def number(self, record: Record, name: str) -> None:
        """pid_nr_ns(): how our namespace numbers the struct pid in r9; 0 if it is not there."""
        numbers = self.offset("pid.numbers")
        if not self.nested:
            self.read_into(record, name, R9, numbers)
            return
        outside = self.fresh("outside")
        self.read(SPARE, 4, R9, self.offset("pid.level"))
        self.load(R1, R10, SPARE, 4)
        self.load(R2, R10, OUR_LEVEL, 8)
        self.jump_if(R1, "<", R2, outside)
        self.do(R2, "*=", UPID_SIZE)
        self.do(R9, "+=", R2)
        self.read_into(record, name, R9, numbers)
        self.label(outside)
