"""What the programs that watch signals have in common: filters, folding, records, waking.

They run at tracepoints whose arguments have types (BTF), so that the fields of a task are loaded
directly; what may not be there (the siginfo of a signal, which may also be 0 or 1) or has no
type that the verifier follows (text) is copied with probe_read_kernel().

Folding: of events with one key (``KEY``), so many in a row are told, and the others are only
counted, until a window of time is over. The counts are those of the reader to collect: they only
grow, and what cannot be counted, because the hash is full, is told.

In every program r6 is the context, r7 the task that it is about, r8 the record, r9 the current
task.
"""

from __future__ import annotations

from sigscope.decode.records import Record
from sigscope.decode.watch_records import KEY
from sigscope.kernel.bpf.assembler import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R8,
    R9,
    R10,
    Assembler,
    Register,
)
from sigscope.kernel.bpf.layouts import Layout
from sigscope.model.value import dataclass

CONTEXT, RECORD, CURRENT = R6, R8, R9
CONTROL = Record(
    None, "awake I", "spare I", "lost Q", "folded Q", "keys Q", "signals Q", "singly Q", "window Q"
)  # fmt: skip
"""Memory that the programs share with the reader. ``awake``: it comes by itself, and need not be
woken; ``folded``: how many events were only counted; ``keys``: how many keys were ever new. Of
each key ``singly`` are told in a window, which lasts that many nanoseconds, and in the windows of
a storm two; the reader sets both."""
FOLD = Record(None, "start Q", "seen Q", "times Q", "last Q")
"""Of a key: when its window began, how many it saw since, how many were only counted, the last."""
NO_WAKE, WAKE = 1, 2
"""BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP"""
LOOKUP, UPDATE, DELETE = 1, 2, 3
TIME, COMM, READ_USER, READ_KERNEL, READ_TEXT = 5, 16, 112, 113, 115
RESERVE, SUBMIT, CURRENT_TASK, REGISTERS = 131, 132, 158, 175
"""Numbers of the kernel's helper functions (include/uapi/linux/bpf.h)."""
_NOT_THERE_YET = 1
"""BPF_NOEXIST"""
AT_KEY = -KEY.size
"""Places in the frame, from r10 on."""
AT_TIME = AT_KEY - 8
AT_FOLD = AT_TIME - FOLD.size
AT_INFO = AT_FOLD - 16
SPARE = AT_INFO - 8
END = "end"


@dataclass(frozen=True, slots=True)
class Maps:
    """Descriptors of what the programs share; None for what is not wanted."""

    ring: int
    control: int
    folds: int | None
    targets: int | None
    signals: bool
    descendants: bool


class WatchCode(Assembler):
    """One program: ``begin``, its own parts, ``finish``."""

    def __init__(self, layout: Layout, maps: Maps) -> None:
        super().__init__()
        self.layout = layout
        self.maps = maps

    def begin(self) -> None:
        """r6 and r9 are set."""
        self.do(CONTEXT, "=", R1)
        self.call(CURRENT_TASK, "get_current_task_btf")
        self.do(CURRENT, "=", R0)

    def finish(self) -> bytes:
        """All jumps to END lead here."""
        self.label(END)
        self.leave()
        return self.assemble()

    def argument(self, dst: Register, number: int) -> None:
        """An argument of the tracepoint, counted from 0."""
        self.load(dst, CONTEXT, 8 * number, 8)

    def fetch(self, dst: Register, base: Register, *path: str) -> None:
        """A field; each further name is one of the struct that the one before points to."""
        for name in path:
            field = self.layout.at(name)
            self.load(dst, base, field.offset, min(field.size, 8))
            base = dst

    def copy(self, at: int, size: int, address: Register) -> None:
        """Kernel memory into the frame; zeroes where there is none. r0 to r5 are lost."""
        self.do(R3, "=", address)
        self.address(R1, R10, at)
        self.do(R2, "=", size)
        self.call(READ_KERNEL, "probe_read_kernel")

    def only_signals(self, signal: Register) -> None:
        """Nothing of signals that nobody asked for. r1 and r2 are lost."""
        if not self.maps.signals:
            return
        self.map_value(R1, self.maps.control, CONTROL.offset("signals"))
        self.load(R1, R1, 0, 8)
        self.do(R2, "=", signal)
        self.do(R2, "-=", 1)
        self.do(R2, "&=", 63)
        self.do(R1, ">>=", R2)
        self.do(R1, "&=", 1)
        self.jump_if(R1, "==", 0, END)

    def only_targets(self, task: Register) -> None:
        """Nothing of processes that nobody asked for. r0 to r5 are lost."""
        if self.maps.targets is None:
            return
        self.fetch(R1, task, "task_struct.tgid")
        self.store(R10, SPARE, R1, 4)
        self.lookup(self.maps.targets, SPARE)
        self.jump_if(R0, "==", 0, END)

    def lookup(self, descriptor: int, at: int) -> None:
        """r0 = the value of the key that stands at this place of the frame."""
        self.map(R1, descriptor)
        self.address(R2, R10, at)
        self.call(LOOKUP, "map_lookup_elem")

    def count(self, name: str) -> None:
        """One more in the shared memory. r1 and r2 are lost."""
        self.map_value(R1, self.maps.control, CONTROL.offset(name))
        self.do(R2, "=", 1)
        self.add_to(R1, 0, R2)

    def open_key(self, kind: int) -> None:
        """The key in the frame, zeroes but for the kind."""
        for at in range(0, KEY.size, 8):
            self.store(R10, AT_KEY + at, 0, 8)
        self.key("kind", kind)

    def key(self, name: str, value: Register | int) -> None:
        """A field of the key."""
        self.store(R10, AT_KEY + KEY.offset(name), value, KEY.width(name))

    def now(self) -> None:
        """The time, in the frame, and in r0."""
        self.call(TIME, "ktime_get_ns")
        self.store(R10, AT_TIME, R0, 8)

    def fold(self) -> None:
        """Go on only with what is to be told. r0 to r5 are lost."""
        if self.maps.folds is None:
            return
        seen, start = FOLD.offset("seen"), FOLD.offset("start")
        self.lookup(self.maps.folds, AT_KEY)
        self.jump_if(R0, "==", 0, "new")
        self.map_value(R5, self.maps.control)
        self.load(R4, R5, CONTROL.offset("singly"), 8)
        self.load(R5, R5, CONTROL.offset("window"), 8)
        self.load(R1, R10, AT_TIME, 8)
        self.load(R2, R0, start, 8)
        self.load(R3, R0, seen, 8)
        self.do(R2, "+=", R5)
        self.jump_if(R1, "<=", R2, "same")
        # The next window: after one that was full, little is told.
        self.store(R0, start, R1, 8)
        self.do(R2, "=", 1)
        self.jump_if(R3, "<=", R4, "calm")
        self.do(R2, "=", R4)
        self.do(R2, "-=", 1)
        self.label("calm")
        self.store(R0, seen, R2, 8)
        self.jump("tell")
        self.label("same")
        self.do(R3, "+=", 1)
        self.store(R0, seen, R3, 8)
        self.jump_if(R3, "<=", R4, "tell")
        self.store(R0, FOLD.offset("last"), R1, 8)
        self.do(R2, "=", 1)
        self.add_to(R0, FOLD.offset("times"), R2)
        self.count("folded")
        self.jump(END)
        self.label("new")
        for at in range(0, FOLD.size, 8):
            self.store(R10, AT_FOLD + at, 0, 8)
        self.load(R1, R10, AT_TIME, 8)
        self.store(R10, AT_FOLD + start, R1, 8)
        self.store(R10, AT_FOLD + seen, 1, 8)
        self.map(R1, self.maps.folds)
        self.address(R2, R10, AT_KEY)
        self.address(R3, R10, AT_FOLD)
        self.do(R4, "=", _NOT_THERE_YET)
        self.call(UPDATE, "map_update_elem")
        self.jump_if(R0, "!=", 0, "tell")
        self.count("keys")
        self.label("tell")

    def open_record(self, record: Record) -> None:
        """r8 is room for it in the ring, with the kind in it; END, and counted, if there is none.

        Each of its fields must be written: the room holds what stood there before.
        """
        self.map(R1, self.maps.ring)
        self.do(R2, "=", record.size)
        self.do(R3, "=", 0)
        self.call(RESERVE, "ringbuf_reserve")
        self.jump_if(R0, "!=", 0, "room")
        self.count("lost")
        self.jump(END)
        self.label("room")
        self.do(RECORD, "=", R0)
        self.put(record, "kind", record.kind or 0)

    def put(self, record: Record, name: str, value: Register | int) -> None:
        """A field of the record."""
        self.store(RECORD, record.offset(name), value, record.width(name))

    def put_time(self, record: Record) -> None:
        self.load(R1, R10, AT_TIME, 8)
        self.put(record, "time", R1)

    def put_field(self, record: Record, name: str, base: Register, *path: str) -> None:
        """The same from a struct of the kernel. r1 is lost."""
        self.fetch(R1, base, *path)
        self.put(record, name, R1)

    def put_copy(self, record: Record, name: str, base: Register, offset: int) -> None:
        """As many bytes of memory as the field has. r0 to r5 are lost."""
        self.address(R3, base, offset)
        self.address(R1, RECORD, record.offset(name))
        self.do(R2, "=", record.width(name))
        self.call(READ_KERNEL, "probe_read_kernel")

    def put_comm(self, record: Record, name: str, task: Register) -> None:
        self.put_copy(record, name, task, self.layout.at("task_struct.comm").offset)

    def put_ids(self, record: Record, task: Register, prefix: str = "") -> None:
        self.put_field(record, f"{prefix}tid", task, "task_struct.pid")
        self.put_field(record, f"{prefix}tgid", task, "task_struct.tgid")

    def put_parent(self, record: Record, task: Register) -> None:
        """Its process, and its name where the record has room for that."""
        self.put_field(record, "parent", task, "task_struct.real_parent", "task_struct.tgid")
        if "parent_comm" in record.names:
            self.fetch(R1, task, "task_struct.real_parent")
            self.put_comm(record, "parent_comm", R1)

    def close_record(self) -> None:
        """Hand it over, and wake the reader if it will not come by itself."""
        self.map_value(R1, self.maps.control, CONTROL.offset("awake"))
        self.load(R3, R1, 0, 4)
        self.do(R2, "=", NO_WAKE)
        self.jump_if(R3, "!=", 0, "awake")
        self.store(R1, 0, 1, 4)
        self.do(R2, "=", WAKE)
        self.label("awake")
        self.do(R1, "=", RECORD)
        self.call(SUBMIT, "ringbuf_submit")
