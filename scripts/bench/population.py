"""The crowd that is looked at: starting it, knowing why it could not be, ending it."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from pathlib import Path
from types import TracebackType

from errors import BenchError

# A sleeping thread of the crowd costs about 45 KiB: its stacks, here and in the kernel, and
# its share of the process.
KIB_EACH = 64


class Population:
    """A context: ``processes`` times ``threads`` asleep while it is open, none afterwards.

    ``pid`` is that of their parent: a small process of one thread. ``under`` is a command
    that starts them.
    """

    def __init__(
        self, program: Path, processes: int, threads: int, under: tuple[str, ...] = ()
    ) -> None:
        self.argv = (*under, str(program), str(processes), str(threads))
        self.size = processes * threads
        self.pid = 0

    def __enter__(self) -> Population:
        _require_memory(self.size)
        others = _threads_now()
        # In a session of its own: a Ctrl-C at the terminal is for us, who then end it.
        self._child = subprocess.Popen(
            self.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid = self._child.pid
        try:
            self._await_ready(others)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _await_ready(self, others: int) -> None:
        assert self._child.stdout is not None
        words = self._child.stdout.readline().split()
        if words[:1] == ["ready"]:
            return
        if words[:1] == ["failed"]:
            raise _refused(words[1], int(words[2]), self.size, others)
        raise BenchError(
            "the population was killed while it started", "dmesg | grep -i 'out of memory'"
        )

    def _end(self) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()


def _require_memory(threads: int) -> None:
    """Refuses before the kernel's out-of-memory killer would choose somebody else."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0])
    if threads * KIB_EACH > free:
        raise BenchError(
            f"{threads:,} threads need about {threads * KIB_EACH // 1024} MB of memory,"
            f" and {free // 1024} MB are free",
            _fewer(free // KIB_EACH),
        )


def _refused(call: str, number: int, threads: int, others: int) -> BenchError:
    """glibc makes EAGAIN of every failed clone(2), so the limits themselves are asked."""
    name, limit, cure = min(_limits(), key=lambda entry: entry[1])
    if number in (errno.EAGAIN, errno.ENOMEM) and limit <= threads + others:
        return BenchError(
            f"{threads:,} threads do not fit: {name} is {limit}",
            f"{cure}, or {_fewer(max(limit - others, 0))}",
        )
    return BenchError(
        f"{threads:,} threads could not be started: {call}: {os.strerror(number)}",
        _fewer(threads // 2),
    )


def _limits() -> list[tuple[str, int, str]]:
    kernel = Path("/proc/sys/kernel")
    found = [
        (f"kernel.{name}", int((kernel / name).read_text()), f"sysctl kernel.{name}=100000")
        for name in ("pid_max", "threads-max")
    ]
    own, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if own != resource.RLIM_INFINITY:
        found.append(("the limit on a user's processes", own, "ulimit -u unlimited"))
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "pids"):
            limit = Path("/sys/fs/cgroup") / controllers / group.lstrip("/") / "pids.max"
            if limit.is_file() and limit.read_text().strip() != "max":
                found.append((str(limit), int(limit.read_text()), f"echo max > {limit}"))
    return found


def _threads_now() -> int:
    return int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])


def _fewer(threads: int) -> str:
    # A fifth less than what fits just now, for whatever else starts meanwhile.
    return f"python3 scripts/bench --processes {max(threads // 25, 1)} --threads 20"
