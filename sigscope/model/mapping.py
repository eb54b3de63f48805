"""A piece of a process's address space, as a line of /proc/PID/maps tells it."""

from __future__ import annotations

from typing import NamedTuple

DELETED = " (deleted)"


class Mapping(NamedTuple):
    """``end`` is the first address behind it; ``offset`` is where in the file it begins.

    ``device`` is "major:minor" in hex. ``path`` is "" for anonymous memory, and
    ``[heap]`` or ``[vdso]`` for what is no file either.

    >>> code = Mapping(0x401000, 0x402000, "r-xp", 0x1000, "fe:01", 917, "/usr/bin/true (deleted)")
    >>> 0x401000 in code, 0x402000 in code, code.executable, code.file
    (True, False, True, '/usr/bin/true')
    """

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    path: str

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.start <= address < self.end

    @property
    def executable(self) -> bool:
        return "x" in self.permissions

    @property
    def file(self) -> str:
        """The path of the file that is mapped; "" where it is none."""
        return self.path.removesuffix(DELETED) if self.path.startswith("/") else ""

    @property
    def deleted(self) -> bool:
        return self.path.startswith("/") and self.path.endswith(DELETED)
