"""What a process holds that others depend on: connections, children, a unit that restarts it."""

from __future__ import annotations

import errno
import os

from sigscope.decode.children import decode_children
from sigscope.errors import DecodeError
from sigscope.kernel.directory import Directory
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import GONE, gap
from sigscope.model.gap import Gap
from sigscope.model.loss import Loss
from sigscope.model.process import Process

UNIT_DIRECTORIES = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
_LONGEST_UNIT = 1 << 16


def read_loss(procfs: ProcFS, process: Process) -> Loss:
    """For a process of this host; of a recorded one only the children are known."""
    gaps: list[Gap] = []
    children = _children(procfs, process, gaps)
    peers, unix = _connections(procfs, process, gaps)
    restart = _restart(process.unit) if procfs.live and process.unit else None
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
    try:  # it takes longer to load than all else, and most processes have no socket
        import psutil
    except ImportError:  # it is compiled, and so not part of what is one file for all platforms
        why = "psutil is not installed in the Python that runs this"
        gaps.append(Gap(f"connections of {process.pid}", why, "pip install psutil"))
        return None, None
    try:
        seen = psutil.Process(process.pid).net_connections(kind="all")
    except psutil.Error:
        gaps.append(gap("connections", process.pid, PermissionError(errno.EACCES, "refused")))
        return None, None
    established = [one for one in seen if one.status == psutil.CONN_ESTABLISHED and one.raddr]
    peers = tuple(sorted(f"{one.raddr.ip}:{one.raddr.port}" for one in established))
    # Of a UNIX socket psutil tells no state: a path is shown for those that listen, too.
    unix = sum(one.family.name == "AF_UNIX" and not one.laddr for one in seen)
    return peers, unix


def _has_sockets(procfs: ProcFS, process: Process) -> bool:
    """True as well where that is not shown: then psutil says why."""
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


def _restart(unit: str) -> str | None:
    """Restart= of the unit's file and its drop-ins, the last one wins (systemd.service(5))."""
    template = f"{unit.split('@')[0]}@.{unit.rsplit('.', 1)[-1]}" if "@" in unit else unit
    value = None
    for name in dict.fromkeys((template, unit)):
        for directory in reversed(UNIT_DIRECTORIES):
            value = _restart_in(os.path.join(directory, name)) or value
            dropins = os.path.join(directory, f"{name}.d")
            if os.path.isdir(dropins):
                for file in sorted(os.listdir(dropins)):
                    value = _restart_in(os.path.join(dropins, file)) or value
    return value


def _restart_in(path: str) -> str | None:
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            parser.read_string(file.read(_LONGEST_UNIT))
        return parser.get("Service", "Restart", fallback=None)
    except (OSError, configparser.Error):
        return None
