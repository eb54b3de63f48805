"""/proc/PID/maps: what is mapped where (proc_pid_maps(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.model.mapping import Mapping

_LINE = re.compile(
    rb"([0-9a-f]+)-([0-9a-f]+) ([-r][-w][-x][-ps]) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)",
    re.DOTALL,
)
_OCTAL = re.compile(rb"\\012")


def decode_maps(data: bytes) -> Iterator[Mapping]:
    r"""The mappings, in ascending order; DecodeError for a line that is none.

    The kernel writes a newline in a path as ``\012``, and nothing else so.

    >>> next(decode_maps(b"401000-402000 r-xp 00001000 fe:01 917   /usr/bin/a b\n")).path
    '/usr/bin/a b'
    """
    for line in data.rstrip(b"\n").split(b"\n") if data else ():
        match = _LINE.fullmatch(line)
        if match is None:
            raise DecodeError("maps", f"{line[:80]!r} is no mapping")
        start, end, permissions, offset, device, inode, path = match.groups()
        yield Mapping(
            int(start, 16),
            int(end, 16),
            permissions.decode(),
            int(offset, 16),
            device.decode(),
            int(inode),
            decode_text(_OCTAL.sub(b"\n", path)),
        )
