"""The root of a /proc: this host's, a host's mounted in a container, or a recorded one."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping
from types import MappingProxyType

from sigscope.decode.host import decode_boot_time, decode_hidepid, decode_last_ran, decode_uptime
from sigscope.decode.status import decode_capable
from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError, NotSupported
from sigscope.kernel.directory import Directory, LiveDirectory, is_number
from sigscope.kernel.hostfiles import at_home, read_host_file
from sigscope.kernel.passive import AUTO, Passive
from sigscope.kernel.refusal import beyond_hidepid
from sigscope.model.gap import Gap
from sigscope.model.host import Host

LIVE = "/proc"
_USERS_FILE = "/etc/passwd"
_LONGEST_USERS = 1 << 20
_CLOCK_HOLDS = 0.1
"""Seconds for which a CPU's clock need not be read again."""


class ProcFS:
    """Where the reading begins.

    ``root`` is a path or an opened :class:`Directory`. ``machine`` decides the numbers of
    system calls; ``users`` names uids, from /etc/passwd of the host whose /proc it is (never
    through a name service, which may itself hang on the host that is being looked at).
    ``engine`` chooses what is read beside /proc (``kernel.passive``).

    >>> 1 in ProcFS().pids()
    True
    """

    def __init__(
        self,
        root: str | Directory = LIVE,
        machine: str = "",
        users: Mapping[int, str] = MappingProxyType({}),
        engine: str = AUTO,
    ) -> None:
        self.path = root if isinstance(root, str) else ""
        self.live = self.path == LIVE
        self.recorded = not isinstance(root, str) and root.recorded
        self.passive = Passive(engine, self.live)
        self.users = users if users or not self.path else _users(self.path)
        self.root = self._open(root) if isinstance(root, str) else root
        self.machine = machine or self._machine()
        self._clocks: dict[int, tuple[float, float]] = {}

    @staticmethod
    def _open(path: str) -> Directory:
        try:
            return LiveDirectory(path)
        except OSError as error:
            raise NotSupported(
                f"cannot open {path}: {error.strerror}",
                "mount it: mount -t proc proc /proc; or name another: --procfs PATH",
            ) from None

    def _machine(self) -> str:
        """Of another /proc what its kernel says (since Linux 6.1): it need not be ours."""
        if self.path and not self.live:
            try:
                return decode_text(self.root.read("sys/kernel/arch")).strip()
            except OSError:
                pass
        return os.uname().machine

    def pids(self) -> list[int]:
        """The pids that are shown to us (hidepid may hide some), in ascending order."""
        try:
            names = self.root.names(".")
        except OSError as error:
            raise NotSupported(f"cannot list the processes: {error.strerror}") from None
        return sorted(int(name) for name in names if is_number(name))

    def enter(self, pid: int) -> Directory:
        """The directory of a process, or of a thread by its tid; OSError if there is none."""
        return self.root.enter(str(pid))

    def host(self) -> Host:
        """The host itself, with no process yet."""
        try:
            uptime = decode_uptime(self.root.read("uptime"))
            boot = decode_boot_time(self.root.read("stat"))
            name = decode_text(self.root.read("sys/kernel/hostname")).strip()
        except OSError as error:
            raise NotSupported(
                f"this is not a /proc: {error.strerror}: {error.filename}",
                "give the mount point of a proc file system: --procfs /host/proc",
            ) from None
        return Host(
            name=name,
            time=boot + uptime,
            uptime=uptime,
            ticks_per_second=os.sysconf("SC_CLK_TCK"),
            gaps=self.hidden(),
            users=self.users,
            machine=self.machine,
        )

    def clock_ms(self, cpu: int) -> float | None:
        """The scheduler's clock of a CPU now: when we ourselves last ran there.

        Each CPU has its own, and they drift apart by minutes: only differences on one CPU
        mean anything. None where it is not shown, or we may not run there. For a moment it is
        counted on from the last time, as to go from CPU to CPU for each thread takes long.
        """
        now = time.monotonic()
        clock, read = self._clocks.get(cpu, (0.0, 0.0))
        if self.live and now - read < _CLOCK_HOLDS:
            return clock + (now - read) * 1000
        try:
            clock = decode_last_ran(self.root.read_on(cpu, "self/sched"))
        except (OSError, DecodeError):
            return None
        self._clocks[cpu] = clock, now
        return clock

    def hidden(self) -> tuple[Gap, ...]:
        """That the mount hides processes from us, if it does (hidepid of proc(5))."""
        try:
            mount = (self.path or LIVE).rstrip("/").encode()
            hidepid = decode_hidepid(self.root.read("self/mountinfo"), mount)
            if hidepid is not None and decode_capable(self.root.record("self/status")):
                return ()
        except OSError as error:
            if error.errno != errno.ENOENT:
                return (Gap("mount options of /proc", error.strerror or "unreadable"),)
            hidepid = None
        if hidepid is None:
            return ()
        return (
            Gap(
                "processes of other users",
                f"/proc is mounted with hidepid={hidepid}",
                beyond_hidepid(),
                refused=True,
            ),
        )


def _users(proc: str) -> dict[int, str]:
    """Those of the host whose /proc that is; nobody where its root is not ours to read."""
    try:
        if proc == LIVE and at_home():
            with open(_USERS_FILE, "rb") as passwd:
                data = passwd.read(_LONGEST_USERS)
        else:
            data = read_host_file(proc, _USERS_FILE, _LONGEST_USERS)
    except OSError:
        return {}
    rows = [line.split(b":") for line in data.splitlines()]
    return {int(row[2]): decode_text(row[0]) for row in rows if len(row) > 3 and row[2].isdigit()}
