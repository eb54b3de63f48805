"""The tables of sockets of a network namespace: /proc/PID/net/unix, tcp and tcp6 (proc_net(5))."""

from __future__ import annotations

import struct
from dataclasses import dataclass

LISTEN, ESTABLISHED = 0x0A, 0x01
_UNIX_LISTENS = 0x10000
"""__SO_ACCEPTCON of include/uapi/linux/net.h."""
_UNIX_CONNECTED = 3


@dataclass(frozen=True, slots=True)
class Socket:
    """``local`` and ``remote`` as a path (of a UNIX socket), or ``host:port``; "" if unnamed."""

    inode: int
    local: str
    remote: str = ""
    listens: bool = False
    connected: bool = False


def decode_unix(data: bytes) -> list[Socket]:
    """Stream sockets of /proc/net/unix; rows of another shape are passed over.

    >>> row = b"0000: 00000002 00000000 00010000 0001 01 4711 /run/php.sock"
    >>> decode_unix(row)[0]
    Socket(inode=4711, local='/run/php.sock', remote='', listens=True, connected=False)
    """
    found = []
    for line in data.split(b"\n"):
        words = line.split(None, 7)
        try:
            flags, kind, state = (int(words[place], 16) for place in (3, 4, 5))
            inode = int(words[6])
        except (IndexError, ValueError):
            continue
        if kind == 1:
            path = words[7].decode("utf-8", "backslashreplace") if len(words) > 7 else ""
            listens = bool(flags & _UNIX_LISTENS)
            found.append(Socket(inode, path, "", listens, state == _UNIX_CONNECTED))
    return found


def decode_tcp(data: bytes) -> list[Socket]:
    """/proc/net/tcp or tcp6; rows of another shape are passed over.

    >>> row = b"0: 0100007F:2328 00000000:0000 0A 0:0 0:0 0 0 0 4711"
    >>> decode_tcp(row)[0].local
    '127.0.0.1:9000'
    """
    found = []
    for line in data.split(b"\n"):
        words = line.split()
        try:
            local, remote = _address(words[1]), _address(words[2])
            state, inode = int(words[3], 16), int(words[9])
        except (IndexError, ValueError, struct.error):
            continue
        found.append(Socket(inode, local, remote, state == LISTEN, state == ESTABLISHED))
    return found


def _address(word: bytes) -> str:
    """Words of the machine's own byte order, in hex."""
    host, _, port = word.partition(b":")
    raw = b"".join(
        struct.pack("=I", int(host[place : place + 8], 16)) for place in range(0, len(host), 8)
    )
    number = int(port, 16)
    if len(raw) == 4:
        return f"{'.'.join(map(str, raw))}:{number}"
    if len(raw) != 16:
        raise ValueError(word)
    if raw[:12] == bytes(10) + b"\xff\xff":
        return f"{'.'.join(map(str, raw[12:]))}:{number}"
    groups = [f"{raw[place] << 8 | raw[place + 1]:x}" for place in range(0, 16, 2)]
    text = "::" if not any(raw) else "::1" if raw == bytes(15) + b"\1" else ":".join(groups)
    return f"[{text}]:{number}"
