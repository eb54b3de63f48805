"""A trace buffer of our own (Documentation/trace/ftrace.rst, "Instances"), and the sweep.

It outlives whoever made it, and its tracepoints stay switched on: so its name says whose it is,
and the next start removes those whose owner is gone. While a pipe of it is open, the kernel lets
nobody remove it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
from collections.abc import Iterator

from sigscope.decode.stat import decode_stat
from sigscope.decode.text import decode_text
from sigscope.decode.trace_page import decode_stats
from sigscope.errors import DecodeError, NotPermitted, NotSupported, SigscopeError
from sigscope.kernel.access import instance as allowed
from sigscope.kernel.closing import Closing
from sigscope.kernel.place import here
from sigscope.kernel.tracefs.root import Tracefs
from sigscope.kernel.watch.cpus import online

WHAT = "watching with tracefs"
LOCKDOWN = "/sys/kernel/security/lockdown"
_NAME = re.compile(r"sigscope-(\d{1,20})-(\d{1,10})-(\d{1,20})-\d{1,9}")
"""Pid namespace, pid and start time of the owner, and which of its instances it is."""
_SMALLEST = 64
"""Kilobytes of a CPU's buffer that are worth having."""
_ATTEMPTS = 3
_count = itertools.count()


class Instance(Closing):
    """Made and removed with ``with``, or by ``close``. OSError as the kernel gave it."""

    def __init__(self, tracefs: Tracefs, size: int) -> None:
        self._tracefs = tracefs
        self.name = f"sigscope-{_namespace()}-{os.getpid()}-{_start(os.getpid())}-{next(_count)}"
        self.pipes: dict[int, int] = {}
        os.mkdir(f"instances/{self.name}", dir_fd=tracefs.fd)
        self._here: Tracefs | None = None
        try:
            self._here = tracefs.enter(f"instances/{self.name}")
            self._open(size)
        except BaseException:
            self.close()
            raise

    def _open(self, size: int) -> None:
        """Opening the pipes comes first: from then on nobody can take it for left behind."""
        assert self._here is not None
        for name in self._here.names("per_cpu"):
            cpu = name.removeprefix("cpu")
            if cpu.isdigit():
                flags = os.O_RDONLY | os.O_NONBLOCK
                self.pipes[int(cpu)] = self._here.open(f"per_cpu/{name}/trace_pipe_raw", flags)
        each = max(_SMALLEST, size // max(1, len(online())) >> 10)
        self._here.write("buffer_size_kb", str(each))
        self._here.write("trace_clock", "mono")
        with contextlib.suppress(FileNotFoundError):  # since Linux 5.0; else it wakes us earlier
            self._here.write("buffer_percent", "50")

    def listen(self, tracepoint: str, expression: str = "") -> None:
        """Switch one on, for those of its records for which this holds."""
        assert self._here is not None
        if expression:
            try:
                self._here.write(f"events/{tracepoint}/filter", expression)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                said = decode_text(self._here.read("error_log")).strip().splitlines()[-3:]
                why = " ".join(" ".join(said).split())
                raise NotSupported(f"{WHAT}: the kernel does not take a filter: {why}") from None
        self._here.write(f"events/{tracepoint}/enable", "1")

    def lost(self) -> int:
        """Records for which there was no room, so far, on all CPUs."""
        assert self._here is not None
        total = 0
        for cpu in self.pipes:
            with contextlib.suppress(OSError, DecodeError):
                total += decode_stats(self._here.read(f"per_cpu/cpu{cpu}/stats"))
        return total

    def close(self) -> None:
        """Switches its tracepoints off and removes it. May be called twice."""
        while self.pipes:
            os.close(self.pipes.popitem()[1])
        if self._here is not None:
            self._here.close()
            self._here = None
        _remove(self._tracefs, self.name)


def make(tracefs: Tracefs, size: int) -> Instance:
    """An instance whose buffers have ``size`` bytes together; those left behind are swept first.

    NotPermitted or NotSupported, with the reason.
    """
    try:
        sweep(tracefs)
        for _ in range(_ATTEMPTS):
            # From another pid namespace it looks like left behind, until its pipes are open.
            with contextlib.suppress(FileNotFoundError):
                return Instance(tracefs, size)
        return Instance(tracefs, size)
    except OSError as error:
        raise refusal(error) from None


def sweep(tracefs: Tracefs) -> list[str]:
    """Remove the instances of ours whose owner is gone; which they were."""
    return [name for name in _abandoned(tracefs) if _remove(tracefs, name)]


def _abandoned(tracefs: Tracefs) -> Iterator[str]:
    own = str(_namespace())
    for name in tracefs.names("instances"):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        namespace, pid, start = match.groups()
        # Of a pid in another namespace nothing is known: there the kernel alone decides.
        if namespace != own or _start(int(pid)) != int(start):
            yield name


def _remove(tracefs: Tracefs, name: str) -> bool:
    """EBUSY: somebody has it open."""
    try:
        os.rmdir(f"instances/{name}", dir_fd=tracefs.fd)
    except OSError:
        return False
    return True


def _namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino


def _start(pid: int) -> int:
    """When this process began, in ticks; 0 if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return decode_stat(file.read(1 << 12)).start_time
    except (OSError, DecodeError):
        return 0


def refusal(error: OSError) -> SigscopeError:
    """The error to raise for one of a file of tracefs."""
    if error.errno in (errno.EPERM, errno.EACCES):
        with contextlib.suppress(OSError), open(LOCKDOWN) as file:
            if "[none]" not in file.read(1 << 10):
                return NotPermitted(f"{WHAT}: the kernel is locked down", "see kernel_lockdown(7)")
        said = allowed(here())
        hint = said.hint if said is not None else "run it on the host itself"
        return NotPermitted(f"{WHAT}: permission denied", hint)
    if error.errno == errno.EROFS:
        return NotPermitted(f"{WHAT}: tracefs is mounted read-only", "run it on the host itself")
    if error.errno == errno.ENOMEM:
        return NotSupported(f"{WHAT}: no memory for its buffers", "ask for smaller ones")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return NotSupported(f"{WHAT}: too many open files, each CPU has one", "ulimit -n 65536")
    where = f" ({error.filename})" if error.filename else ""
    return NotSupported(f"{WHAT}: {error.strerror or error}{where}", "choose another --engine")
