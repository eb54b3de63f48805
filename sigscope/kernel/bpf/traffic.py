"""Following the connections of a few processes, while they run on undisturbed.

Everything that is opened here ends with this process, however it ends: the kernel then takes
the programs off by itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import struct
from collections.abc import Collection, Iterator, Mapping

from sigscope.decode.traffic import decode_event
from sigscope.errors import NotSupported
from sigscope.kernel.bpf import syscall
from sigscope.kernel.bpf.layouts import Table, read_layout
from sigscope.kernel.bpf.namespace import nested
from sigscope.kernel.bpf.ring import Ring
from sigscope.kernel.bpf.syscall import Descriptor
from sigscope.kernel.bpf.trafficcalls import system_calls
from sigscope.kernel.bpf.trafficcode import CHILDREN, FOLLOWED, SCRATCH, Maps
from sigscope.kernel.bpf.traffictasks import FIELDS, exits, forks, signals
from sigscope.kernel.closing import Closing
from sigscope.kernel.opening import hosting
from sigscope.kernel.place import here
from sigscope.model.traffic import Event

TABLE = Table(FIELDS)
MACHINE = "x86_64"
RING = 1 << 24
MOST_TARGETS, MOST_CONNECTIONS = 1 << 12, 1 << 16


class Traffic(Closing):
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
        if nested():
            raise NotSupported(
                "a worker cannot be followed from inside a pid namespace",
                hosting(here()),
            )
        self._open = contextlib.ExitStack()
        try:
            self._start(targets, connections)
        except BaseException:
            self._open.close()
            raise

    def _start(self, targets: Mapping[int, bool], connections: Collection[tuple[int, int]]) -> None:
        layout = read_layout(TABLE)
        self._targets = self._keep(syscall.create_hash(4, 4, MOST_TARGETS))
        self._connections = self._keep(syscall.create_hash(8, 4, MOST_CONNECTIONS))
        scratch = self._keep(syscall.create_per_cpu(SCRATCH))
        self._lost = self._keep(syscall.create_map(syscall.MAP_ARRAY, 8))
        self._ring = self._open.enter_context(Ring(RING))
        maps = Maps(
            self._targets.number,
            self._connections.number,
            scratch.number,
            self._ring.map.number,
            self._lost.number,
        )
        self._poll = select.epoll()
        self._open.callback(self._poll.close)
        self._poll.register(self._ring.map.number, select.EPOLLIN)
        for pid, fd in connections:
            syscall.put(self._connections, struct.pack("=II", fd, pid), struct.pack("=I", 1))
        for name, tracepoint, code in (
            ("fcgi_exit", "sched_process_exit", exits(maps, layout)),
            ("fcgi_signal", "signal_generate", signals(maps, layout)),
            ("fcgi_fork", "sched_process_fork", forks(maps, layout)),
            ("fcgi_calls", "sys_exit", system_calls(maps)),
        ):
            program = syscall.load_program(name, code.assemble(), syscall.PROG_RAW_TRACEPOINT)
            self._open.enter_context(program)
            self._open.enter_context(syscall.open_raw_tracepoint(program, tracepoint))
        for pid, children in targets.items():
            value = FOLLOWED | CHILDREN if children else FOLLOWED
            syscall.put(self._targets, struct.pack("=I", pid), struct.pack("=I", value))

    def _keep(self, descriptor: Descriptor) -> Descriptor:
        return self._open.enter_context(descriptor)

    def close(self) -> None:
        """Takes everything off again; may be called twice."""
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
        for at, size in self._ring.records():
            yield decode_event(bytes(self._ring.data[at : at + size]))
