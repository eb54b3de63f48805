"""Who takes FastCGI requests here: the workers that a pid or a master stands for."""

from __future__ import annotations

import contextlib
import os

from sigscope.decode.children import decode_children
from sigscope.decode.cmdline import LIMIT, decode_cmdline
from sigscope.decode.net import Socket
from sigscope.decode.settings.php_fpm_pools import pool_limits, pool_of
from sigscope.decode.syscall import decode_syscall
from sigscope.errors import DecodeError, NoSuchTarget, NotPermitted, NotSupported
from sigscope.kernel.names import read_name
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import more_power
from sigscope.kernel.settings import read_with
from sigscope.kernel.sockets import listening, read_sockets
from sigscope.model.fcgi import PoolLimit, Worker
from sigscope.model.process import Process
from sigscope.model.syscall import SystemCall

FRONT_ENDS = frozenset(("nginx", "apache2", "httpd", "lighttpd", "caddy", "h2o"))
_ON_A_DESCRIPTOR = frozenset(
    "read recvfrom recvmsg write sendto sendmsg connect accept accept4 readv writev flock".split()
)
_FOR_A_REQUEST = frozenset(("read", "recvfrom", "readv", "recvmsg"))
_MOST = 1 << 12


def find_workers(procfs: ProcFS, pid: int) -> tuple[list[Worker], int | None]:
    """The worker itself, or those of a master and its pid.

    Raises NotPermitted where its descriptors may not be read, NotSupported where it is none: the
    message says what it is.
    """
    process = read_status(procfs, pid)
    if process.comm in FRONT_ENDS:
        raise NotSupported(
            f"{process.comm} {pid} is a front end, and no FastCGI worker",
            "name the worker that it asks, php-fpm for example",
        )
    sockets = _sockets(pid)
    mine = {one.inode for one in sockets.values() if one.listens}
    below = [child for child in _children(pid) if mine & _listeners(child)]
    if below:
        found = [_worker(procfs, child, _sockets(child), pid) for child in below]
        return found, pid
    if not any(one.listens or one.connected for one in sockets.values()):
        raise NotSupported(
            f"{process.comm} {pid} is no FastCGI worker: it neither listens nor has a connection",
            "which processes listen: ss -lpx; ss -lpt",
        )
    return [_worker(procfs, pid, sockets, _master(process, mine))], None


def open_connections(pid: int) -> list[tuple[int, int]]:
    """(pid, descriptor) of the connections that a worker has accepted already."""
    sockets = _sockets(pid)
    own = {one.local for one in sockets.values() if one.listens}
    return [
        (pid, fd)
        for fd, one in sockets.items()
        if one.connected and (one.local in own or _port(one.local) in {_port(x) for x in own})
    ]


def worker_of(procfs: ProcFS, pid: int, master: int) -> Worker | None:
    """A worker that a master has just forked; None if it has ended again."""
    try:
        return _worker(procfs, pid, read_sockets(pid), master)
    except OSError:
        return None


def idle(pid: int, fd: int) -> bool:
    """Has this connection ended, or does the worker wait for the next request on it?"""
    with contextlib.suppress(OSError):
        if fd not in read_sockets(pid):
            return True
    call = _call(pid)
    if call is None or call.running:
        return False
    return call.name in _FOR_A_REQUEST and call.args[:1] == (fd,)


def _call(pid: int) -> SystemCall | None:
    try:
        with open(f"/proc/{pid}/syscall", "rb") as file:
            return decode_syscall(file.read(_MOST), os.uname().machine)
    except (OSError, DecodeError):
        return None


def waits_for(pid: int) -> tuple[str, ...]:
    """The call in which its first thread is, and the peer of that; nothing if that is not seen."""
    call = _call(pid)
    if call is None:
        return ()
    if call.running:
        return (f"worker {pid} is running: no system call holds it",)
    name = call.name or f"system call {call.number}"
    if name not in _ON_A_DESCRIPTOR or not call.args:
        return (f"worker {pid} is in {name}",)
    return (f"worker {pid} is in {name}({call.args[0]}): {_what(pid, call.args[0])}",)


def _what(pid: int, fd: int) -> str:
    with contextlib.suppress(OSError):
        found = read_sockets(pid).get(fd)
        if found is not None and found.remote:
            return f"a connection to {found.remote}"
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    return "not seen"


def _sockets(pid: int) -> dict[int, Socket]:
    try:
        return read_sockets(pid)
    except FileNotFoundError:
        raise NoSuchTarget(f"there is no process {pid}", "it may have ended") from None
    except OSError as error:
        raise NotPermitted(
            f"the descriptors of {pid}: {error.strerror}", more_power("fd")
        ) from None


def _listeners(pid: int) -> set[int]:
    with contextlib.suppress(OSError):
        return {one.inode for one in read_sockets(pid).values() if one.listens}
    return set()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for tid in os.listdir(f"/proc/{pid}/task"):
            path = f"/proc/{pid}/task/{tid}/children"
            with contextlib.suppress(OSError, DecodeError), open(path, "rb") as file:
                found += decode_children(file.read(1 << 20))
    return sorted(found)


def _master(process: Process, mine: set[int]) -> int | None:
    """Its parent, if that holds the same listening socket."""
    return process.ppid if mine & _listeners(process.ppid) else None


def _worker(procfs: ProcFS, pid: int, sockets: dict[int, Socket], master: int | None) -> Worker:
    comm = read_name(procfs, pid) or "?"
    return Worker(pid, comm, master, listening(sockets), _limit(pid, master))


def _limit(pid: int, master: int | None) -> PoolLimit | None:
    """php-fpm's request_terminate_timeout of its pool."""
    if master is None:
        return None
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            pool = pool_of(decode_cmdline(file.read(LIMIT)))
    except OSError:
        return None
    if pool is None:
        return None
    said = read_with(pool_limits, master)
    return next((one for one in said if isinstance(one, PoolLimit) and one.pool == pool), None)


def _port(end: str) -> str:
    return end if end.startswith("/") else end.rpartition(":")[2]
