"""Where a call can be run inside a target: its code, and a stack that belongs to one thread.

Nothing is written into the code of a target. The two pieces that are needed are in every C
library: ``syscall; ret``, and the end of every handler, ``mov $15,%rax; syscall``.
"""

from __future__ import annotations

from typing import NamedTuple

from sigscope.decode.maps import decode_maps
from sigscope.kernel.directory import LiveDirectory
from sigscope.kernel.ptrace.requests import Requests
from sigscope.model.mapping import Mapping

CALL = b"\x0f\x05\xc3"
RESTORER = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"
ROOM = 32 << 10
"""Bytes below a stack pointer that we want to be sure of: a frame takes 3 KiB, with AMX 12."""
_PIECE = 1 << 20
_MOST_CODE = 64 << 20
_MOST_MAPS = 8 << 20


class Ground(NamedTuple):
    """Addresses of the two pieces, and the mappings, as they were when we looked."""

    call: int
    restorer: int
    mappings: tuple[Mapping, ...]

    def is_stack(self, pointer: int) -> bool:
        """Does this stack pointer stand on a stack of one thread alone, with room below?

        The main thread's is called so. Another's is told by the guard below it: a goroutine's
        has none, and what is below it may be another's.
        """
        for below, mapping in zip((None, *self.mappings), self.mappings, strict=False):
            if pointer in mapping:
                if pointer - ROOM < mapping.start:
                    return False
                return mapping.path.startswith("[stack") or _guarded(below, mapping)
        return False


def _guarded(below: Mapping | None, mapping: Mapping) -> bool:
    return (
        below is not None
        and below.end == mapping.start
        and below.permissions.startswith("---")
        and mapping.permissions.startswith("rw")
        and not mapping.path.startswith("/")
    )


def find_ground(pid: int, requests: Requests) -> Ground | None:
    """None where its code does not have the pieces (a program of a strange make).

    OSError if it is gone or may not be read.
    """
    with LiveDirectory(f"/proc/{pid}") as directory:
        mappings = tuple(decode_maps(directory.read("maps", _MOST_MAPS)))
    code = [one for one in mappings if one.executable and one.path.startswith("/")]
    code.sort(key=lambda one: "libc" not in one.path)
    call = restorer = None
    left = _MOST_CODE
    for mapping in code:
        for start in range(mapping.start, min(mapping.end, mapping.start + left), _PIECE):
            # A little of the next piece as well, for what lies across the border.
            size = min(_PIECE + len(RESTORER), mapping.end - start)
            try:
                data = requests.read(pid, start, size)
            except OSError:
                continue
            call = call or _found(data, CALL, start)
            restorer = restorer or _found(data, RESTORER, start)
            if call and restorer:
                return Ground(call, restorer, mappings)
        left -= mapping.end - mapping.start
        if left <= 0:
            break
    return None


def _found(data: bytes, piece: bytes, start: int) -> int | None:
    at = data.find(piece)
    return None if at < 0 else start + at
