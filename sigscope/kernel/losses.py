"""What a process holds that others depend on: connections, children, a unit that restarts it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sigscope.decode.children import decode_children
from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap
from sigscope.model.gap import Gap
from sigscope.model.loss import Loss
from sigscope.model.process import Process

if TYPE_CHECKING:
    from sigscope.kernel.rooted import RootedFiles

UNIT_DIRECTORIES = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
_LONGEST_UNIT = 1 << 16


def read_loss(procfs: ProcFS, process: Process) -> Loss:
    """For a process of this host; of a recorded one only the children are known."""
    gaps: list[Gap] = []
    children = _children(procfs, process, gaps)
    peers, unix = _connections(procfs, process, gaps)
    restart = _restart(procfs.path, process.unit) if procfs.live and process.unit else None
    return Loss(peers, unix, children, restart, tuple(gaps))


def _children(procfs: ProcFS, process: Process, gaps: list[Gap]) -> tuple[int, ...] | None:
    found: list[int] = []
    try:
        with procfs.enter(process.pid) as directory:
            for thread in process.threads:
                found += decode_children(directory.read(f"task/{thread.tid}/children"))
    except (OSError, DecodeError) as error:
        gaps.append(gap("task/TID/children", process.pid, error))
        return None
    return tuple(sorted(found))


def _connections(
    procfs: ProcFS, process: Process, gaps: list[Gap]
) -> tuple[tuple[str, ...] | None, int | None]:
    if not procfs.live:
        gaps.append(Gap(f"connections of {process.pid}", "they are read on the host itself"))
        return None, None
    if not _has_sockets(procfs, process):
        return (), 0
    try:
        if not _in_our_network(procfs, process):  # psutil reads the tables of our own
            return _by_tables(process.pid)
        return _by_psutil(process.pid)
    except PermissionError as error:
        gaps.append(gap("connections", process.pid, error))
    except OSError as error:
        gaps.append(gap("fd", process.pid, error))
    return None, None


def _by_psutil(pid: int) -> tuple[tuple[str, ...], int]:
    try:  # it takes longer to load than all else, and most processes have no socket
        import psutil
    except ImportError:  # it is compiled, and so not part of what is one file for all platforms
        return _by_tables(pid)
    try:
        seen = psutil.Process(pid).net_connections(kind="all")
    except psutil.NoSuchProcess:
        raise ProcessLookupError(errno.ESRCH, "No such process") from None
    except psutil.Error:
        raise PermissionError(errno.EACCES, "Permission denied") from None
    established = [one for one in seen if one.status == psutil.CONN_ESTABLISHED and one.raddr]
    peers = tuple(sorted(f"{one.raddr.ip}:{one.raddr.port}" for one in established))
    # Of a UNIX socket psutil tells no state: a path is shown for those that listen, too.
    return peers, sum(one.family.name == "AF_UNIX" and not one.laddr for one in seen)


def _by_tables(pid: int) -> tuple[tuple[str, ...], int]:
    """The same by the tables of its own network namespace."""
    from sigscope.kernel.sockets import read_sockets

    connected = [one for one in read_sockets(pid).values() if one.connected]
    peers = tuple(sorted(one.remote for one in connected if one.remote))
    return peers, sum(not one.local for one in connected)


def _in_our_network(procfs: ProcFS, process: Process) -> bool:
    with procfs.enter(process.pid) as directory:
        return directory.link("ns/net") == procfs.root.link("self/ns/net")


def _has_sockets(procfs: ProcFS, process: Process) -> bool:
    """True as well where that is not shown: then the look at them says why."""
    try:
        with procfs.enter(process.pid) as directory:
            return any(_is_socket(directory, number) for number in directory.names("fd"))
    except OSError:
        return True


def _is_socket(directory: Directory, number: str) -> bool:
    try:
        return directory.link(f"fd/{number}").startswith("socket:")
    except OSError as error:
        if error.errno not in GONE:
            raise
        return False


def _restart(proc: str, unit: str) -> str | None:
    """Restart= of the unit's file and its drop-ins, the last one wins (systemd.service(5))."""
    from sigscope.kernel.hostfiles import host_files

    files = host_files(proc)
    if files is None:
        return None
    template = f"{unit.split('@')[0]}@.{unit.rsplit('.', 1)[-1]}" if "@" in unit else unit
    value = None
    with files:
        for name in dict.fromkeys((template, unit)):
            for directory in reversed(UNIT_DIRECTORIES):
                place = os.path.join(directory, name)
                value = _restart_in(files, place) or value
                with suppress(OSError):
                    for file in files.names(f"{place}.d"):
                        value = _restart_in(files, os.path.join(f"{place}.d", file)) or value
    return value


def _restart_in(files: RootedFiles, path: str) -> str | None:
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        parser.read_string(files.read(path, _LONGEST_UNIT).decode(errors="backslashreplace"))
        return parser.get("Service", "Restart", fallback=None)
    except (OSError, configparser.Error):
        return None
