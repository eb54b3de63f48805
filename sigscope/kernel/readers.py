"""Many processes read by two readers: we ourselves, and a forked child on another CPU.

Most of a scan is system calls, and two readers do them in not much more than half the time. The
work lies in a pipe, piece by piece, and whoever is free takes the next: a reader whose CPU is
busy with something else takes fewer. The child reads, sends what it has read, and is gone. It
runs nothing that its parent has set up, and writes nowhere else. Whatever becomes of it, what
it does not deliver is read by us.

Not threads: between two system calls there is always work for the one interpreter. And one
child, not one for each CPU: the host that is looked at has troubles of its own.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NoReturn

from sigscope.kernel.directory import LiveDirectory
from sigscope.kernel.process import read_or_gap
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.wire import Reading, pack, unpack

Progress = Callable[[int, int], None]
"""Called with (processes read, processes in all)."""
PATIENCE = 0.01
"""Seconds that we read alone: a fork is not for nothing, and most hosts are small."""
SILENCE = 2.0
"""Seconds that a child, when nothing is left to take, may go on without a word."""
ENOUGH = 16
"""Pieces that must be left for that: 64 processes take some milliseconds."""
PIECE = 4
"""Processes that a reader takes at a time; one of them may have thousands of threads."""
_NUMBER = 2
"""Bytes of a piece's number: a pipe holds 32,768 of them, as many as there can be."""
_LENGTH = 8


def read_many(
    procfs: ProcFS, pids: Sequence[int], progress: Progress | None = None
) -> dict[int, Reading]:
    """Each of these processes, in no order; ``progress`` is told how far we are."""
    work = _Work(procfs, pids)
    deadline = time.monotonic() + PATIENCE if _may_share(procfs) else float("inf")
    late = False

    def mine(number: int) -> None:
        if progress is not None:
            progress(number * PIECE, len(pids))
        work.take(number)

    for number in range(work.pieces):
        if late and work.taken(number):
            continue
        mine(number)
        if not late and time.monotonic() > deadline and work.pieces - number > ENOUGH:
            late = True
            work.readings.update(_shared(work, range(number + 1, work.pieces), mine))
    return work.readings


class _Work:
    """What is to be read, in numbered pieces, and what came of it."""

    def __init__(self, procfs: ProcFS, pids: Sequence[int]) -> None:
        self.procfs = procfs
        self.pids = pids
        self.pieces = -(-len(pids) // PIECE)
        self.readings: dict[int, Reading] = {}

    def _piece(self, number: int) -> Sequence[int]:
        return self.pids[number * PIECE : (number + 1) * PIECE]

    def take(self, number: int) -> None:
        for pid in self._piece(number):
            self.readings[pid] = read_or_gap(self.procfs, pid)

    def taken(self, number: int) -> bool:
        return self._piece(number)[0] in self.readings


def _may_share(procfs: ProcFS) -> bool:
    """Not a recording, which hears of each read or has nothing to wait for. Nor where we have
    threads: a lock that another thread holds would stay locked in the child."""
    if not isinstance(procfs.root, LiveDirectory) or len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _shared(work: _Work, numbers: Sequence[int], mine: Callable[[int], None]) -> dict[int, Reading]:
    """Do these pieces together with a child, and return what the child has read.

    Signals wait until it is certain that the child will be waited for.
    """
    before = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    child = _Child()
    try:
        child.start(work, numbers, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number in child.numbers():
            mine(number)
        return child.answer()
    except OSError:  # no more processes or descriptors for us: then without
        return {}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        child.end()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Child:
    """A second reader, who takes from the same pipe as we do."""

    def __init__(self) -> None:
        self._pid = 0
        self._open: list[int] = []

    def start(self, work: _Work, numbers: Sequence[int], mask: Iterable[int]) -> None:
        """OSError if there can be none."""
        self._numbers, fill = self._pipe()
        self._result, send = self._pipe()
        os.set_blocking(fill, False)  # what does not fit into the pipe, we read later
        os.write(fill, b"".join(number.to_bytes(_NUMBER, "little") for number in numbers))
        self._close(fill)
        self._pid = os.fork()
        if self._pid == 0:
            self._live(work, send, mask)
        self._close(send)

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self._open.extend(ends)
        return ends

    def _close(self, end: int) -> None:
        self._open.remove(end)
        os.close(end)

    def _live(self, work: _Work, send: int, mask: Iterable[int]) -> NoReturn:
        """The child's whole life: no handler of its parent may run in it, and no cleaning up."""
        try:
            for one in signal.valid_signals():
                if callable(signal.getsignal(one)):
                    signal.signal(one, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            self._close(self._result)  # if its parent dies, it learns that when it writes
            work.readings.clear()
            for number in self.numbers():
                work.take(number)
            data = pack(work.readings)
            with open(send, "wb") as out:
                out.write(len(data).to_bytes(_LENGTH, "little") + data)
        finally:
            os._exit(0)

    def numbers(self) -> Iterator[int]:
        """The numbers that this reader gets, until none are left."""
        while word := os.read(self._numbers, _NUMBER):
            yield int.from_bytes(word, "little")

    def answer(self) -> dict[int, Reading]:
        """What the child has read; nothing if it died, or is silent for too long."""
        data = bytearray()
        poll = select.poll()
        poll.register(self._result, select.POLLIN)
        while poll.poll(SILENCE * 1000) and (part := os.read(self._result, 1 << 16)):
            data += part
        length = int.from_bytes(data[:_LENGTH], "little")
        return unpack(bytes(data[_LENGTH:])) if 0 < length == len(data) - _LENGTH else {}

    def end(self) -> None:
        """Leave nothing behind. Who ignores SIGCHLD, or waits for all, may have taken it."""
        with suppress(ChildProcessError):
            if self._pid and os.waitpid(self._pid, os.WNOHANG) == (0, 0):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
        for end in self._open:
            os.close(end)
