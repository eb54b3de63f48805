"""Following the connections of a few processes, while they run on undisturbed.

Everything that is opened here ends with this process, however it ends: the kernel then takes
the programs off by itself.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import select
import struct
from collections.abc import Collection, Iterator, Mapping
from types import TracebackType

from sigscope.decode.traffic import decode_event
from sigscope.errors import NotSupported
from sigscope.kernel.bpf import syscall, trafficcode
from sigscope.kernel.bpf.layouts import Table, read_layout
from sigscope.kernel.bpf.opening import INITIAL_PID_NAMESPACE
from sigscope.kernel.bpf.syscall import Descriptor
from sigscope.kernel.bpf.trafficcode import CHILDREN, FOLLOWED, Maps
from sigscope.model.traffic import Event

TABLE = Table(trafficcode.FIELDS)
MACHINE = "x86_64"
RING = 1 << 24
MOST_TARGETS, MOST_CONNECTIONS = 1 << 12, 1 << 16
_HASH, _PER_CPU_ARRAY = 1, 6
_BUSY, _DISCARD = 1 << 31, 1 << 30
_PAGE = mmap.PAGESIZE
_HEADER = 8


class Traffic:
    """Events of these processes; use it in ``with``.

    ``targets`` says of each whether what it forks is followed, too; ``connections`` are
    the (pid, descriptor) that are open already. OSError where the kernel refuses, NotSupported
    on another machine than x86-64.
    """

    def __init__(
        self, targets: Mapping[int, bool], connections: Collection[tuple[int, int]]
    ) -> None:
        if os.uname().machine != MACHINE:
            raise NotSupported(
                f"following a worker is for {MACHINE} so far",
                "capture its port with tcpdump, and use: sigscope fcgi --from-pcap FILE",
            )
        # The programs see the pids of the host, and /proc shows us those of our namespace.
        if os.readlink("/proc/self/ns/pid") != INITIAL_PID_NAMESPACE:
            raise NotSupported(
                "a worker cannot be followed from inside a pid namespace",
                "run it on the host itself",
            )
        self._open = contextlib.ExitStack()
        try:
            self._start(targets, connections)
        except BaseException:
            self._open.close()
            raise

    def _start(self, targets: Mapping[int, bool], connections: Collection[tuple[int, int]]) -> None:
        layout = read_layout(TABLE)
        self._targets = self._map(_HASH, 4, 4, MOST_TARGETS)
        self._connections = self._map(_HASH, 8, 4, MOST_CONNECTIONS)
        scratch = self._map(_PER_CPU_ARRAY, 4, trafficcode.SCRATCH, 1)
        self._lost = self._map(syscall.MAP_ARRAY, 4, 8, 1)
        self._ring = self._map(syscall.MAP_RING_BUFFER, 0, 0, RING)
        maps = Maps(
            self._targets.number,
            self._connections.number,
            scratch.number,
            self._ring.number,
            self._lost.number,
        )
        self._consumer = self._memory(_PAGE, mmap.PROT_READ | mmap.PROT_WRITE, 0)
        self._data = self._memory(_PAGE + 2 * RING, mmap.PROT_READ, _PAGE)
        self._poll = select.epoll()
        self._open.callback(self._poll.close)
        self._poll.register(self._ring.number, select.EPOLLIN)
        for pid, fd in connections:
            _put(self._connections, struct.pack("=II", fd, pid), struct.pack("=I", 1))
        for name, tracepoint, code in (
            ("fcgi_exit", "sched_process_exit", trafficcode.exits(maps, layout)),
            ("fcgi_signal", "signal_generate", trafficcode.signals(maps, layout)),
            ("fcgi_fork", "sched_process_fork", trafficcode.forks(maps, layout)),
            ("fcgi_calls", "sys_exit", trafficcode.system_calls(maps)),
        ):
            program = syscall.load_program(name, code.assemble(), syscall.PROG_RAW_TRACEPOINT)
            self._open.enter_context(program)
            self._open.enter_context(syscall.open_raw_tracepoint(program, tracepoint))
        for pid, children in targets.items():
            value = FOLLOWED | CHILDREN if children else FOLLOWED
            _put(self._targets, struct.pack("=I", pid), struct.pack("=I", value))

    def _map(self, kind: int, key: int, value: int, entries: int) -> Descriptor:
        attributes = struct.pack("=5I", kind, key, value, entries, 0)
        return self._open.enter_context(Descriptor(syscall.bpf(syscall.MAP_CREATE, attributes)))

    def _memory(self, size: int, protection: int, offset: int) -> mmap.mmap:
        found = mmap.mmap(self._ring.number, size, mmap.MAP_SHARED, protection, offset=offset)
        self._open.callback(found.close)
        return found

    def __enter__(self) -> Traffic:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def lost(self) -> int:
        """Events for which there was no room, so far."""
        return int(struct.unpack("=Q", syscall.lookup_map(self._lost, 0, 8))[0])

    def wait(self, seconds: float) -> None:
        """Until there is something to read, or that time is over."""
        try:
            self._poll.poll(seconds)
        except OSError as error:
            if error.errno != errno.EINTR:
                raise

    def events(self) -> Iterator[Event]:
        """What has happened since; DecodeError never, but for a bug of ours."""
        (place,) = struct.unpack_from("=Q", self._consumer, 0)
        (end,) = struct.unpack_from("=Q", self._data, 0)
        try:
            while place < end:
                at = _PAGE + place % RING
                (length,) = struct.unpack_from("=I", self._data, at)
                if length & _BUSY:
                    break
                size = length & ~_DISCARD
                begin = at + _HEADER
                place += size + _HEADER + 7 & ~7
                if not length & _DISCARD:
                    yield decode_event(self._data[begin : begin + size])
        finally:
            struct.pack_into("=Q", self._consumer, 0, place)


def _put(descriptor: Descriptor, key: bytes, value: bytes) -> None:
    import ctypes

    name = ctypes.create_string_buffer(key, len(key))
    content = ctypes.create_string_buffer(value, len(value))
    addresses = ctypes.addressof(name), ctypes.addressof(content)
    syscall.bpf(syscall.MAP_UPDATE, struct.pack("=I4xQQQ", descriptor.number, *addresses, 0))
