"""Programs that tell of the reads and writes of a few processes on connections they accepted.

They run at the end of each system call (raw tracepoint sys_exit), and pass on only what a hash of
processes, and one of their connections, holds; nobody is stopped. What was read or written is
still in the caller's memory then, and is copied from there. Records of these layouts go into
a ring buffer (Documentation/bpf/ringbuf.rst).
"""

from __future__ import annotations

from dataclasses import dataclass

from sigscope.kernel.bpf.assembler import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R6,
    R7,
    R8,
    R9,
    R10,
    Assembler,
    Register,
)
from sigscope.kernel.bpf.layouts import Layout

FIELDS = ("task_struct.tgid", "task_struct.pid", "task_struct.exit_code")
HEAD = 64
"""Bytes before the data of a record: see ``decode.traffic``."""
MOST = 0x3FFF
"""Bytes of one read or write that are copied; of the rest only the number is told."""
SCRATCH = HEAD + MOST + 1
WAKES = 0
"""Flags of bpf_ringbuf_output: wake the reader if it has read all before."""
FOLLOWED, CHILDREN = 1, 2
"""What the hash says of a process: follow it; follow what it forks, too."""

IN, OUT, ACCEPT, CLOSE, EXIT, SIGNAL, FORK = range(1, 8)
UNCOPIED = 1
"""Flag of a record: its data could not be copied."""

_LOOKUP, _UPDATE, _DELETE = 1, 2, 3
_KTIME, _PID_TGID, _COMM = 5, 14, 16
_READ_USER, _READ_KERNEL, _OUTPUT = 112, 113, 130
_EAGAIN, _EINTR = -11, -4
_RESTARTS = -512
"""ERESTARTSYS and its kin, -512 to -516: the call goes on or is seen again."""

_READS = (0, 45)
_WRITES = (1, 44)
_READS_MANY = (19, 47)
_WRITES_MANY = (20, 46)
_ACCEPTS = (43, 288)
_CLOSES = (3,)
"""Numbers of x86-64: read recvfrom; write sendto; readv recvmsg; writev sendmsg; accept accept4."""

_REGS = 88
"""pt_regs of x86-64 from cx on: cx dx si di orig_ax (arch/x86/include/asm/ptrace.h)."""
_AT_REGS = -48
_SI, _DI, _NUMBER = _AT_REGS + 16, _AT_REGS + 24, _AT_REGS + 32
_KEY = -56
"""Of a connection: process and descriptor."""
_VALUE = -64
_TGID = -72


@dataclass(frozen=True, slots=True)
class Maps:
    """Descriptors of the maps that all programs share."""

    targets: int
    connections: int
    scratch: int
    ring: int
    lost: int


class TrafficCode(Assembler):
    """The parts that these programs have in common."""

    def __init__(self, maps: Maps) -> None:
        super().__init__()
        self.maps = maps

    def lookup(self, descriptor: int, key: int) -> None:
        """r0 = the value of the key that stands at this place of the frame."""
        self.map(R1, descriptor)
        self.address(R2, R10, key)
        self.call(_LOOKUP, "map_lookup_elem")

    def read_kernel(self, place: int, size: int, base: Register, offset: int) -> None:
        """Copy a field of the kernel into the frame."""
        self.address(R3, base, offset)
        self.address(R1, R10, place)
        self.do(R2, "=", size)
        self.call(_READ_KERNEL, "probe_read_kernel")

    def begin(self, kind: int, done: str) -> None:
        """r7 = the scratch memory of this CPU, with the beginning of a record in it."""
        self.store(R10, _VALUE, 0, 4)
        self.lookup(self.maps.scratch, _VALUE)
        self.jump_if(R0, "==", 0, done)
        self.do(R7, "=", R0)
        self.call(_KTIME, "ktime_get_ns")
        self.store(R7, 0, R0, 8)
        self.call(_PID_TGID, "get_current_pid_tgid")
        self.store(R7, 8, R0, 8)
        self.store(R7, 16, kind, 4)
        for place in range(20, HEAD - 4, 4):
            self.store(R7, place, 0, 4)
        self.map_value(R1, self.maps.lost)
        self.load(R2, R1, 0, 8)
        self.store(R7, HEAD - 4, R2, 4)

    def put(self, done: str) -> None:
        """Hand the record over; r3 has its size. Count it if there is no room."""
        self.map(R1, self.maps.ring)
        self.do(R2, "=", R7)
        self.do(R4, "=", WAKES)
        self.call(_OUTPUT, "ringbuf_output")
        self.jump_if(R0, "==", 0, done)
        self.map_value(R1, self.maps.lost)
        self.load(R2, R1, 0, 8)
        self.do(R2, "+=", 1)
        self.store(R1, 0, R2, 8)


def system_calls(maps: Maps) -> TrafficCode:
    """At sys_exit(pt_regs, result)."""
    code = TrafficCode(maps)
    code.do(R6, "=", R1)
    code.call(_PID_TGID, "get_current_pid_tgid")
    code.do(R0, ">>=", 32)
    code.store(R10, _TGID, R0, 4)
    code.store(R10, _KEY + 4, R0, 4)
    code.lookup(maps.targets, _TGID)
    code.jump_if(R0, "==", 0, "done")
    code.load(R8, R6, 0, 8)
    code.load(R9, R6, 8, 8)
    code.read_kernel(_AT_REGS, 40, R8, _REGS)
    code.load(R1, R10, _NUMBER, 8)
    for numbers, label in (
        (_READS, "read"),
        (_WRITES, "write"),
        (_READS_MANY, "read_many"),
        (_WRITES_MANY, "write_many"),
        (_ACCEPTS, "accept"),
        (_CLOSES, "close"),
    ):
        for number in numbers:
            code.jump_if(R1, "==", number, label)
    code.jump("done")
    for label, kind, copies in (
        ("read", IN, True),
        ("write", OUT, True),
        ("read_many", IN, False),
        ("write_many", OUT, False),
    ):
        code.label(label)
        code.do(R6, "=", kind | (0 if copies else UNCOPIED << 8))
        code.jump("moved")
    _moved(code)
    _accepted(code)
    _closed(code)
    code.label("done")
    code.leave()
    return code


def _moved(code: TrafficCode) -> None:
    """Something was read or written, r6 says which; r9 is the result."""
    code.label("moved")
    code.load(R1, R10, _DI, 8)
    code.store(R10, _KEY, R1, 4)
    code.lookup(code.maps.connections, _KEY)
    code.jump_if(R0, "==", 0, "done")
    for failure in (_EAGAIN, _EINTR, *range(_RESTARTS, _RESTARTS - 5, -1)):
        code.jump_if(R9, "==", failure, "done")
    code.begin(0, "done")
    _describe(code)
    code.do(R8, "=", 0)
    # The sign of the result: negative ones are large here.
    code.jump_if(R9, ">", 0x7FFFFFFF, "uncopied")
    code.jump_if(R9, "==", 0, "uncopied")
    code.jump_if(R6, ">", 0xFF, "uncopied")
    code.do(R8, "=", R9)
    code.jump_if(R8, "<=", MOST, "fits")
    code.do(R8, "=", MOST)
    code.label("fits")
    code.address(R1, R7, HEAD)
    code.do(R2, "=", R8)
    code.load(R3, R10, _SI, 8)
    code.call(_READ_USER, "probe_read_user")
    code.jump_if(R0, "==", 0, "copied")
    code.store(R7, 20, UNCOPIED, 4)
    code.do(R8, "=", 0)
    code.label("copied")
    code.store(R7, 40, R8, 4)
    code.label("uncopied")
    code.do(R3, "=", R8)
    code.do(R3, "&=", MOST)
    code.do(R3, "+=", HEAD)
    code.put("done")
    code.jump("done")


def _describe(code: TrafficCode) -> None:
    """Kind, flag, descriptor and result; r6 has the first two."""
    code.do(R1, "=", R6)
    code.do(R1, "&=", 0xFF)
    code.store(R7, 16, R1, 4)
    code.do(R1, "=", R6)
    code.do(R1, ">>=", 8)
    code.store(R7, 20, R1, 4)
    code.load(R1, R10, _KEY, 4)
    code.store(R7, 24, R1, 4)
    code.store(R7, 32, R9, 8)


def _accepted(code: TrafficCode) -> None:
    code.label("accept")
    code.jump_if(R9, ">", 0x7FFFFFFF, "done")
    code.store(R10, _KEY, R9, 4)
    code.store(R10, _VALUE, 1, 4)
    code.map(R1, code.maps.connections)
    code.address(R2, R10, _KEY)
    code.address(R3, R10, _VALUE)
    code.do(R4, "=", 0)
    code.call(_UPDATE, "map_update_elem")
    code.do(R6, "=", ACCEPT)
    code.jump("told")


def _closed(code: TrafficCode) -> None:
    code.label("close")
    code.load(R1, R10, _DI, 8)
    code.store(R10, _KEY, R1, 4)
    code.map(R1, code.maps.connections)
    code.address(R2, R10, _KEY)
    code.call(_DELETE, "map_delete_elem")
    code.jump_if(R0, "!=", 0, "done")
    code.do(R6, "=", CLOSE)
    code.label("told")
    code.begin(0, "done")
    _describe(code)
    code.do(R3, "=", HEAD)
    code.put("done")


def exits(maps: Maps, layout: Layout) -> TrafficCode:
    """At sched_process_exit(task): the end of a process, with its exit code."""
    code = TrafficCode(maps)
    code.load(R6, R1, 0, 8)
    code.call(_PID_TGID, "get_current_pid_tgid")
    code.do(R1, "=", R0)
    code.do(R0, ">>=", 32)
    code.store(R10, _TGID, R0, 4)
    code.store(R10, _KEY, R1, 4)
    code.load(R1, R10, _KEY, 4)
    code.jump_if(R1, "!=", R0, "done")  # a thread that is not the leader
    code.lookup(maps.targets, _TGID)
    code.jump_if(R0, "==", 0, "done")
    code.read_kernel(_AT_REGS, 4, R6, layout.at("task_struct.exit_code").offset)
    code.begin(EXIT, "done")
    code.load(R1, R10, _AT_REGS, 4)
    code.store(R7, 32, R1, 8)
    code.do(R3, "=", HEAD)
    code.put("done")
    code.label("done")
    code.leave()
    return code


def signals(maps: Maps, layout: Layout) -> TrafficCode:
    """At signal_generate(sig, info, task, group, result): who sent what."""
    code = TrafficCode(maps)
    code.do(R6, "=", R1)
    code.load(R8, R6, 16, 8)
    code.read_kernel(_TGID, 4, R8, layout.at("task_struct.tgid").offset)
    code.lookup(maps.targets, _TGID)
    code.jump_if(R0, "==", 0, "done")
    code.begin(SIGNAL, "done")
    code.load(R1, R10, _TGID, 4)
    code.store(R7, 24, R1, 4)
    code.load(R1, R6, 0, 4)
    code.store(R7, 32, R1, 8)
    code.load(R1, R6, 8, 8)
    code.store(R7, 28, 1, 4)
    code.jump_if(R1, "==", 1, "kernel")  # SEND_SIG_PRIV: the kernel itself
    code.store(R7, 28, 0, 4)
    code.label("kernel")
    code.address(R1, R7, 44)
    code.do(R2, "=", 16)
    code.call(_COMM, "get_current_comm")
    code.do(R3, "=", HEAD)
    code.put("done")
    code.label("done")
    code.leave()
    return code


def forks(maps: Maps, layout: Layout) -> TrafficCode:
    """At sched_process_fork(parent, child): follow the children of those that say so."""
    code = TrafficCode(maps)
    code.load(R6, R1, 8, 8)
    code.call(_PID_TGID, "get_current_pid_tgid")
    code.do(R0, ">>=", 32)
    code.store(R10, _TGID, R0, 4)
    code.lookup(maps.targets, _TGID)
    code.jump_if(R0, "==", 0, "done")
    code.load(R1, R0, 0, 4)
    code.jump_if(R1, "<", CHILDREN, "done")
    code.read_kernel(_KEY, 4, R6, layout.at("task_struct.tgid").offset)
    code.read_kernel(_VALUE, 4, R6, layout.at("task_struct.pid").offset)
    code.load(R1, R10, _KEY, 4)
    code.load(R2, R10, _VALUE, 4)
    code.jump_if(R1, "!=", R2, "done")  # a thread
    code.store(R10, _VALUE, FOLLOWED, 4)
    code.map(R1, maps.targets)
    code.address(R2, R10, _KEY)
    code.address(R3, R10, _VALUE)
    code.do(R4, "=", 0)
    code.call(_UPDATE, "map_update_elem")
    code.begin(FORK, "done")
    code.load(R1, R10, _KEY, 4)
    code.store(R7, 24, R1, 4)
    code.do(R3, "=", HEAD)
    code.put("done")
    code.label("done")
    code.leave()
    return code
