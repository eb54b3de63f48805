"""The system call bpf(2), through ctypes: programs, maps, links, iterators.

Each attribute block begins as in include/uapi/linux/bpf.h of Linux 5.8, and is as long as its
last field that is set: a kernel that knows fewer fields takes it as long as the rest is 0.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from sigscope.kernel.closing import Closing

MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, PROG_LOAD = 0, 1, 2, 3, 5
PROG_GET_NEXT_ID, MAP_GET_NEXT_ID, PROG_GET_FD_BY_ID, OBJECT_GET_INFO = 11, 12, 13, 15
RAW_TRACEPOINT_OPEN, MAP_FREEZE, LINK_CREATE, LINK_GET_NEXT_ID, ITER_CREATE = 17, 22, 28, 31, 33
MAP_ARRAY, MAP_RING_BUFFER = 2, 27
PROG_RAW_TRACEPOINT, PROG_TRACING = 17, 26
MAP_LOOKUP_BATCH = 24
MAP_HASH, MAP_PER_CPU_ARRAY = 1, 6
ATTACH_TRACEPOINT, ATTACH_EXIT, ATTACH_ITERATOR = 23, 25, 28
"""Of PROG_TRACING: a tracepoint whose arguments have types; the return of a function."""
MAP_MMAPABLE, MAP_READ_ONLY = 1 << 10, 1 << 7
LICENSE = b"Dual MIT/GPL\0"
"""probe_read_kernel is for programs with a licence that the kernel takes for compatible."""
NUMBERS = {
    "x86_64": 321,
    "aarch64": 280,
    "riscv64": 280,
    "loongarch64": 280,
    "ppc64le": 361,
}
"""bpf(2) by machine: those of 64 bits whose least significant byte comes first."""
LOG_SIZE = 1 << 16
_NAME = 16

_libc = ctypes.CDLL(None, use_errno=True)


class VerifierError(OSError):
    """The kernel did not take a program; ``log`` is what its verifier said, the last lines."""

    def __init__(self, number: int, name: str, log: str) -> None:
        super().__init__(number, os.strerror(number), f"bpf program {name}")
        self.log = log

    def __str__(self) -> str:
        return f"{super().__str__()}: {self.log}" if self.log else super().__str__()


class Descriptor(Closing):
    """A map, program or link: it lives as long as this, or the process, does."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        """May be called twice."""
        if self.number >= 0:
            os.close(self.number)
            self.number = -1

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


def bpf(command: int, attributes: bytes | ctypes.Array[ctypes.c_char]) -> int:
    """The call itself; OSError as the kernel gave it, ENOSYS on a machine that is not known."""
    number = NUMBERS.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "bpf")
    result = int(_libc.syscall(number, command, attributes, len(attributes)))
    if result < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed), "bpf")
    return result


def _address(buffer: ctypes.Array[ctypes.c_char]) -> int:
    return ctypes.addressof(buffer)


def create_map(kind: int, value_size: int, entries: int = 1, flags: int = 0) -> Descriptor:
    """An array of ``entries`` values, or a ring buffer of ``entries`` bytes (value size 0)."""
    key_size = 4 if kind == MAP_ARRAY else 0
    attributes = struct.pack("=5I", kind, key_size, value_size, entries, flags)
    return Descriptor(bpf(MAP_CREATE, attributes))


def update_map(descriptor: Descriptor, key: int, value: bytes) -> None:
    """One value of an array."""
    name = ctypes.create_string_buffer(struct.pack("=I", key), 4)
    content = ctypes.create_string_buffer(value, len(value))
    bpf(
        MAP_UPDATE,
        struct.pack("=I4xQQQ", descriptor.number, _address(name), _address(content), 0),
    )


def constant_map(text: bytes) -> Descriptor:
    """Memory that a program may take for a constant, such as a format."""
    found = create_map(MAP_ARRAY, len(text), flags=MAP_READ_ONLY)
    update_map(found, 0, text)
    bpf(MAP_FREEZE, struct.pack("=I", found.number))
    return found


def lookup_map(descriptor: Descriptor, key: int, size: int) -> bytes:
    """One value of an array, which is ``size`` bytes long."""
    name = ctypes.create_string_buffer(struct.pack("=I", key), 4)
    content = ctypes.create_string_buffer(size)
    bpf(
        MAP_LOOKUP,
        struct.pack("=I4xQQQ", descriptor.number, _address(name), _address(content), 0),
    )
    return content.raw


def load_program(
    name: str, code: bytes, kind: int, attach_type: int = 0, attach_id: int = 0
) -> Descriptor:
    """A program; VerifierError with the verifier's words if it is not taken.

    It is offered without a log first, for writing one costs time.
    """
    try:
        return Descriptor(_load(name, code, kind, attach_type, attach_id, None))
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EINVAL, errno.E2BIG):
            raise
        log = ctypes.create_string_buffer(LOG_SIZE)
        try:
            return Descriptor(_load(name, code, kind, attach_type, attach_id, log))
        except OSError as again:
            said = log.value.decode("ascii", "replace").strip().splitlines()[-4:]
            raise VerifierError(again.errno or errno.EINVAL, name, "; ".join(said)) from None


def _load(
    name: str,
    code: bytes,
    kind: int,
    attach_type: int,
    attach_id: int,
    log: ctypes.Array[ctypes.c_char] | None,
) -> int:
    instructions = ctypes.create_string_buffer(code, len(code))
    license = ctypes.create_string_buffer(LICENSE, len(LICENSE))
    attributes = struct.pack(
        f"=IIQQIIQII{_NAME}sIIIIQIIQII",
        kind,
        len(code) // 8,
        _address(instructions),
        _address(license),
        1 if log is not None else 0,
        len(log) if log is not None else 0,
        _address(log) if log is not None else 0,
        0,  # kern_version
        0,  # prog_flags
        name.encode()[: _NAME - 1],
        0,  # prog_ifindex
        attach_type,
        *(0,) * 7,  # BTF of the program itself
        attach_id,
    )
    return bpf(PROG_LOAD, attributes)


def link_iterator(program: Descriptor, tgid: int = 0, tid: int = 0) -> Descriptor:
    """A link from which iterators are made: over all tasks, those of one process, or one task.

    A kernel that knows no choice of tasks (before Linux 6.1) passes over all of them.
    """
    which = ctypes.create_string_buffer(struct.pack("=III", tid, 0 if tid else tgid, 0), 12)
    chosen = (_address(which), len(which)) if tgid or tid else (0, 0)
    attributes = struct.pack("=4IQII", program.number, 0, ATTACH_ITERATOR, 0, *chosen, 0)
    return Descriptor(bpf(LINK_CREATE, attributes))


def open_iterator(link: Descriptor) -> Descriptor:
    """Something to read(2) from: each begins again."""
    return Descriptor(bpf(ITER_CREATE, struct.pack("=II", link.number, 0)))


def open_raw_tracepoint(program: Descriptor, tracepoint: str) -> Descriptor:
    """A link that runs the program at each event, until it is closed."""
    name = ctypes.create_string_buffer(tracepoint.encode() + b"\0")
    return Descriptor(
        bpf(RAW_TRACEPOINT_OPEN, struct.pack("=QI4x", _address(name), program.number))
    )


def attach(program: Descriptor) -> Descriptor:
    """A link to what a tracing program was loaded for (``attach_type``, ``attach_id``)."""
    return Descriptor(bpf(RAW_TRACEPOINT_OPEN, struct.pack("=QI4x", 0, program.number)))


def create_per_cpu(value_size: int) -> Descriptor:
    """An array of one value for each CPU."""
    attributes = struct.pack("=5I", MAP_PER_CPU_ARRAY, 4, value_size, 1, 0)
    return Descriptor(bpf(MAP_CREATE, attributes))


def create_hash(key_size: int, value_size: int, entries: int) -> Descriptor:
    """A hash, whose memory is taken at once: programs may then add to it anywhere."""
    attributes = struct.pack("=5I", MAP_HASH, key_size, value_size, entries, 0)
    return Descriptor(bpf(MAP_CREATE, attributes))


def put(descriptor: Descriptor, key: bytes, value: bytes) -> None:
    """One entry of a hash; OSError E2BIG if it is full."""
    name = ctypes.create_string_buffer(key, len(key))
    content = ctypes.create_string_buffer(value, len(value))
    addresses = _address(name), _address(content)
    bpf(MAP_UPDATE, struct.pack("=I4xQQQ", descriptor.number, *addresses, 0))


def remove(descriptor: Descriptor, key: bytes) -> bool:
    """Take an entry out of a hash; was it there?"""
    name = ctypes.create_string_buffer(key, len(key))
    try:
        bpf(MAP_DELETE, struct.pack("=I4xQ", descriptor.number, _address(name)))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def next_id(command: int, after: int) -> int | None:
    """The next program or link of the whole host; None behind the last one."""
    attributes = ctypes.create_string_buffer(struct.pack("=III", after, 0, 0), 12)
    try:
        bpf(command, attributes)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    return int(struct.unpack_from("=III", attributes.raw)[1])
