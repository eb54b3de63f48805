"""Walking the tasks of the host with programs: which are loaded when they are first needed.

Nothing is stopped, woken or attached to: the kernel runs the program in *our* read(2), once for
each task, and holds the task's lifetime (RCU) meanwhile (Documentation/bpf/bpf_iterators.rst).
"""

from __future__ import annotations

import errno
import os
import struct
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sigscope.decode.records import ACTIONS, FILTER, split_records
from sigscope.decode.task import ActionShape
from sigscope.decode.text import decode_text
from sigscope.errors import NotSupported
from sigscope.kernel.bpf import (
    filterparts,
    queueparts,
    scanparts,
    syscall,
    taskcode,
    taskparts,
    timerparts,
)
from sigscope.kernel.bpf.layouts import Layout, Table
from sigscope.kernel.bpf.syscall import Descriptor
from sigscope.kernel.closing import Closing
from sigscope.model.seccomp import Filter
from sigscope.model.signals import LAST

ITERATOR = "bpf_iter_task"
TABLE = Table(
    tuple(
        dict.fromkeys(
            (
                *taskcode.FIELDS,
                *taskparts.THREAD_FIELDS,
                *taskparts.PROCESS_FIELDS,
                *taskparts.ACTION_FIELDS,
                *queueparts.QUEUE_FIELDS,
                *filterparts.FILTER_FIELDS,
                *timerparts.TIMER_FIELDS,
            )
        )
    ),
    functions=(ITERATOR,),
    values=(taskparts.SIGPENDING, taskparts.OLD_SIGPENDING),
)
_READ = 1 << 18
MOST_BYTES = 1 << 28
"""Far more than the tasks of any host fill."""
MOST_RESTS = 1 << 10
"""A kernel that has passed a million tasks and written nothing says EAGAIN; so often at most."""
NOTHING_TO_RESTART = b"do_no_restart_syscall"


class Cursor(NamedTuple):
    """A place in a queue: an entry, the one before it, nothing, and how many came before."""

    node: int
    previous: int
    unused: int
    before: int


HEAD = Cursor(0, 0, 0, 0)
ELSEWHERE = Cursor((1 << 64) - 1, 0, 0, 0)
"""That queue is not asked for."""


class Tasks(Closing):
    """Programs and maps of one run; ``close`` (or the end of the process) frees them."""

    def __init__(self, layout: Layout, nested: bool) -> None:
        self.layout = layout
        self._nested = nested
        self._function = layout.function(ITERATOR)
        self._held: dict[str, Descriptor] = {}
        self._lock = allocate_lock()
        self.filters: dict[int, tuple[Filter, ...]] = {}
        """What was read of seccomp filters, by where the kernel keeps them."""
        self.alike: dict[bytes, object] = {}
        """What was made of records that differ by their ids only."""
        self._names: dict[int, str | None] = {0: None}
        self.shape = _shape(layout)

    def _walk(self, program: Descriptor, tgid: int = 0, tid: int = 0) -> bytes:
        """One walk at a time: the programs put their records together in one and the same map."""
        with self._lock:
            return walk(program, tgid, tid)

    def _map(self, name: str, make: Callable[[], Descriptor]) -> int:
        if name not in self._held:
            self._held[name] = make()
        return self._held[name].number

    def _program(self, name: str, write: Callable[[taskcode.TaskCode], None]) -> Descriptor:
        if name not in self._held:
            code = taskcode.TaskCode(self.layout, self._nested)
            code.begin()
            write(code)
            self._held[name] = syscall.load_program(
                f"sigscope_{name}",
                code.finish(),
                syscall.PROG_TRACING,
                syscall.ATTACH_ITERATOR,
                self._function,
            )
        return self._held[name]

    def scan(self) -> bytes:
        """SCANNED and NESTED of every task of the host, row by row."""
        buffer = self._buffer(ACTIONS.size)
        return self._walk(self._program("scan", lambda code: scanparts.scan(code, buffer)))

    def facts(self, tgid: int = 0) -> bytes:
        """THREAD, PROCESS and ACTIONS of one process (by our namespace's pid), or of all."""
        buffer = self._buffer(ACTIONS.size)

        def write(code: taskcode.TaskCode) -> None:
            taskparts.thread(code)
            taskparts.process(code)
            taskparts.actions(code, buffer)

        return self._walk(self._program("facts", write), tgid)

    def queues(self, tgid: int = 0) -> bytes:
        """ENTRY and QUEUE_END: each thread's own queue, and at the leader that of the process."""
        return self._walk(
            self._queue_program("queues", (HEAD, HEAD), queueparts.MOST_AT_ONCE), tgid
        )

    def long_queues(self, tid: int, cursors: Sequence[Cursor]) -> bytes:
        """More of one queue: ``cursors`` are for the thread's own, and for that of the process."""
        return self._walk(self._queue_program("long", cursors, queueparts.MOST_OF_ONE), tid=tid)

    def _queue_program(self, name: str, cursors: Sequence[Cursor], most: int) -> Descriptor:
        cursor = self._map(
            "cursor", lambda: syscall.create_map(syscall.MAP_ARRAY, 2 * queueparts.CURSOR)
        )
        places = b"".join(struct.pack("=QQQQ", *one) for one in cursors)
        syscall.update_map(self._held["cursor"], 0, places)
        return self._program(name, lambda code: queueparts.queues(code, cursor, most))

    def timers(self, tgid: int, node: int = 0, previous: int = 0) -> bytes:
        """TIMER: the POSIX timers of a process, from a place in their list on."""
        cursor = self._map("timer", lambda: syscall.create_map(syscall.MAP_ARRAY, 16))
        syscall.update_map(self._held["timer"], 0, struct.pack("=QQ", node, previous))
        program = self._program("timers", lambda code: timerparts.timers(code, cursor))
        return self._walk(program, tgid)

    def _buffer(self, size: int) -> int:
        return self._map(f"buffer{size}", lambda: syscall.create_map(syscall.MAP_ARRAY, size))

    def filter_piece(self, tid: int, place: int = 0, begin: int = 0) -> bytes:
        """Part of a seccomp filter of a thread, from an instruction on."""
        cursor = self._map("place", lambda: syscall.create_map(syscall.MAP_ARRAY, 16))
        buffer = self._buffer(FILTER.size)
        syscall.update_map(self._held["place"], 0, struct.pack("=QQ", place, begin))
        program = self._program(
            "filters", lambda code: filterparts.filter_piece(code, cursor, buffer)
        )
        return self._walk(program, tid=tid)

    def restart_name(self, tid: int, function: int) -> str | None:
        """The name of the function that an interrupted call of a thread would go on with.

        None where it has none, and on kernels whose programs cannot name it (before Linux 5.13).
        """
        if function not in self._names:
            self._names[function] = self._restart_name(tid)
        return self._names[function]

    def _restart_name(self, tid: int) -> str | None:
        try:
            text = self._map("text", lambda: syscall.constant_map(b"%ps\0"))
            program = self._program("restart", lambda code: taskparts.restart(code, text))
        except OSError:
            return None
        names = [fields["name"] for _, fields in split_records(self._walk(program, tid=tid))]
        name = names[0].split(b"\0")[0] if names and isinstance(names[0], bytes) else b""
        return None if name in (b"", NOTHING_TO_RESTART) else decode_text(name)

    def forget(self) -> None:
        """What is known by an address holds for one look: the kernel uses it again for others."""
        self.filters.clear()
        self.alike.clear()

    def close(self) -> None:
        for one in self._held.values():
            one.close()
        self._held.clear()


def _shape(layout: Layout) -> ActionShape:
    restorer = layout.find("k_sigaction.sa.sa_restorer")
    return ActionShape(
        layout.at("sighand_struct.action").size // LAST,
        layout.at("k_sigaction.sa.sa_handler").offset,
        layout.at("k_sigaction.sa.sa_flags").offset,
        None if restorer is None else restorer.offset,
        layout.at("k_sigaction.sa.sa_mask").offset,
    )


def walk(program: Descriptor, tgid: int = 0, tid: int = 0) -> bytes:
    """What the program writes for each task: of all, or of one process or thread."""
    with (
        syscall.link_iterator(program, tgid, tid) as link,
        syscall.open_iterator(link) as iterator,
    ):
        pieces: list[bytes] = []
        total = rests = 0
        while True:
            try:
                piece = os.read(iterator.number, _READ)
            except OSError as error:
                rests += 1
                if error.errno != errno.EAGAIN or rests > MOST_RESTS:
                    raise
                continue
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            total += len(piece)
            if total > MOST_BYTES:
                raise NotSupported("the walk over all tasks does not end", "use --engine proc")
