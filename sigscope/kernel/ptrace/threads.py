"""The threads of a process as /proc shows them, beside what their tracer knows."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.decode.stat import decode_stat
from sigscope.decode.status import decode_seccomp, decode_status, decode_thread_status
from sigscope.errors import DecodeError
from sigscope.kernel.directory import LiveDirectory, is_number
from sigscope.model.state import State


class Place(NamedTuple):
    """The CPU on which a thread ran last. ``running``: it is able to run now."""

    cpu: int
    running: bool


class Threads:
    """Those of one process; OSError if there is none. They may end while they are read."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._tasks = LiveDirectory(f"/proc/{pid}/task")

    def close(self) -> None:
        self._tasks.close()

    def tids(self) -> list[int]:
        """Those that there are now, the leader first."""
        try:
            found = [int(name) for name in self._tasks.names(".") if is_number(name)]
        except OSError:
            return []
        return sorted(found, key=lambda tid: (tid != self._pid, tid))

    def state(self, tid: int) -> State:
        try:
            return decode_thread_status(self._tasks.record(f"{tid}/status"))[1]
        except (OSError, DecodeError):
            return State.DEAD

    def place(self, tid: int) -> Place | None:
        try:
            data = self._tasks.record(f"{tid}/stat")
            return Place(decode_stat(data).processor, data[data.rfind(b")") + 2 :][:1] == b"R")
        except (OSError, DecodeError):
            return None

    def filtered(self, tid: int) -> bool:
        """Has it a seccomp filter? True where that is not known."""
        try:
            return decode_seccomp(self._tasks.record(f"{tid}/status")) != 0
        except (OSError, DecodeError):
            return True

    def parent(self) -> int:
        """The parent of the process; 0 where that is not known."""
        try:
            return decode_status(self._tasks.record(f"{self._pid}/status")).ppid
        except (OSError, DecodeError):
            return 0
