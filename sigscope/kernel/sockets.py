"""The sockets that a process holds: on what it listens, and with whom it is connected."""

from __future__ import annotations

import contextlib
import os

from sigscope.decode.net import Socket, decode_tcp, decode_unix

LARGEST_TABLE = 64 << 20


def read_sockets(pid: int, proc: str = "/proc") -> dict[int, Socket]:
    """By descriptor, of its own network namespace. OSError if its descriptors may not be read."""
    inodes: dict[int, int] = {}
    for name in os.listdir(f"{proc}/{pid}/fd"):
        with contextlib.suppress(OSError):
            link = os.readlink(f"{proc}/{pid}/fd/{name}")
            if link.startswith("socket:["):
                inodes[int(name)] = int(link[8:-1])
    wanted = set(inodes.values())
    known: dict[int, Socket] = {}
    for table, decode in (("unix", decode_unix), ("tcp", decode_tcp), ("tcp6", decode_tcp)):
        with contextlib.suppress(OSError):
            rows = decode(_read(f"{proc}/{pid}/net/{table}"))
            known |= {one.inode: one for one in rows if one.inode in wanted}
    return {fd: known[inode] for fd, inode in sorted(inodes.items()) if inode in known}


def listening(sockets: dict[int, Socket]) -> tuple[str, ...]:
    """The addresses on which it listens."""
    return tuple(dict.fromkeys(one.local for one in sockets.values() if one.listens))


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(LARGEST_TABLE)
