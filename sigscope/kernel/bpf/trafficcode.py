"""What the programs have in common that tell of the connections of a few processes.

They run at raw tracepoints and pass on only what a hash of processes holds; nobody is stopped.
Records of the layout of ``decode.traffic`` go into a ring buffer
(Documentation/bpf/ringbuf.rst). ``trafficcalls`` tells of reads and writes, ``traffictasks`` of
ends, signals and children.
"""

from __future__ import annotations

from dataclasses import dataclass

from sigscope.kernel.bpf.assembler import (
    R0,
    R1,
    R2,
    R3,
    R4,
    R7,
    R10,
    Assembler,
    Register,
)

HEAD = 64
"""Bytes before the data of a record: see ``decode.traffic``."""
MOST = 0x3FFF
"""Bytes of one read or write that are copied; of the rest only the number is told."""
SCRATCH = 1 << 15
"""The most that a CPU may have in such a map (PCPU_MIN_UNIT_SIZE of linux/percpu.h): the verifier
must see room for a whole piece behind any other."""
WAKES = 0
"""Flags of bpf_ringbuf_output: wake the reader if it has read all before."""
FOLLOWED, CHILDREN = 1, 2
"""What the hash says of a process: follow it; follow what it forks, too."""

IN, OUT, ACCEPT, CLOSE, EXIT, SIGNAL, FORK = range(1, 8)
UNCOPIED = 1
"""Flag of a record: its data could not be copied."""

LOOKUP, UPDATE, DELETE = 1, 2, 3
KTIME, PID_TGID, COMM = 5, 14, 16
READ_USER, READ_KERNEL, OUTPUT = 112, 113, 130
"""Numbers of the kernel's functions (include/uapi/linux/bpf.h)."""

REGS = -48
"""Places in the frame: 40 bytes for what is read of the kernel,"""
FROM_CX = 88
"""pt_regs of x86-64 from cx on: cx dx si di orig_ax (arch/x86/include/asm/ptrace.h);"""
DX, SI, DI, NUMBER = REGS + 8, REGS + 16, REGS + 24, REGS + 32
"""what a system call was given, and which it was;"""
KEY, VALUE, TGID = -56, -64, -72
"""the key of a connection (process and descriptor), a value, a process."""


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
        self.call(LOOKUP, "map_lookup_elem")

    def read_kernel(self, place: int, size: int, base: Register, offset: int) -> None:
        """Copy a field of the kernel into the frame."""
        self.address(R3, base, offset)
        self.address(R1, R10, place)
        self.do(R2, "=", size)
        self.call(READ_KERNEL, "probe_read_kernel")

    def begin(self, kind: int, done: str) -> None:
        """r7 = the scratch memory of this CPU, with the beginning of a record in it."""
        self.store(R10, VALUE, 0, 4)
        self.lookup(self.maps.scratch, VALUE)
        self.jump_if(R0, "==", 0, done)
        self.do(R7, "=", R0)
        self.call(KTIME, "ktime_get_ns")
        self.store(R7, 0, R0, 8)
        self.call(PID_TGID, "get_current_pid_tgid")
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
        self.call(OUTPUT, "ringbuf_output")
        self.jump_if(R0, "==", 0, done)
        self.map_value(R1, self.maps.lost)
        self.load(R2, R1, 0, 8)
        self.do(R2, "+=", 1)
        self.store(R1, 0, R2, 8)
