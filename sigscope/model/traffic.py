"""What a followed process did on its connections, and what became of it."""

from __future__ import annotations

from enum import IntEnum

from sigscope.model.value import dataclass


class Did(IntEnum):
    """The numbers are those of the program that tells (kernel.bpf.trafficcode)."""

    READ = 1
    WROTE = 2
    ACCEPTED = 3
    CLOSED = 4
    ENDED = 5
    SIGNALLED = 6
    FORKED = 7


@dataclass(frozen=True, slots=True)
class Event:
    """``result`` is that of the call, an exit code, or a signal's number. ``time``: monotonic.

    ``other`` is the descriptor, the receiver of a signal or the child; ``data`` what was copied
    of the bytes that were moved, ``whole`` whether that was possible at all; ``comm`` is a
    sender's name, ``by_kernel`` if the kernel sent it itself. Before it, ``lost`` events in all
    had found no room.
    """

    time: float
    pid: int
    did: Did
    other: int
    result: int
    data: bytes = b""
    whole: bool = True
    comm: str = ""
    by_kernel: bool = False
    lost: int = 0
