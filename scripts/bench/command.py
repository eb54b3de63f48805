"""One command, run once and measured from outside: what a user's shell would see."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from errors import BenchError


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. ``keep`` its output, if it prints what it measured itself; output that
    nobody reads goes to /dev/null. ``statuses`` are those that count as having worked."""

    argv: tuple[str, ...]
    keep: bool = False
    statuses: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: ``wall`` and ``cpu`` (user and system) in seconds, ``peak`` in MB
    of 10^6 bytes, and ``printed``, the last number of a kept output, else None."""

    wall: float
    cpu: float
    peak: float
    printed: float | None


# A variable such as PYTHONDONTWRITEBYTECODE or PYTHONUNBUFFERED in the shell of whoever
# measures would slow down one side of a comparison only.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def run(command: Command, scratch: Path) -> Run:
    """Runs ``command`` to its end; ``scratch`` is a directory for its output.

    posix_spawn, and not fork: a copy of this process would be paid for by the child. The
    kernel carries the peak of the memory that a child was spawned from over the exec, so
    ``peak`` is never below this process's own few megabytes (fs/exec.c, exec_mmap).

    Raises BenchError if the command cannot be started or ends with another status.
    """
    out, err = scratch / "stdout", scratch / "stderr"
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        _write(1, str(out) if command.keep else os.devnull),
        _write(2, str(err)),
    ]
    start = time.perf_counter()
    try:
        pid = os.posix_spawnp(command.argv[0], command.argv, ENVIRONMENT, file_actions=actions)
    except OSError as error:
        raise BenchError(f"{command.argv[0]}: {error.strerror}", _how_to_get(command)) from None
    try:
        _, ended, usage = os.wait4(pid, 0)
    except BaseException:
        # Ctrl-C reaches us alone when it was not typed at a terminal.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    wall = time.perf_counter() - start
    status = os.waitstatus_to_exitcode(ended)
    if status not in command.statuses:
        raise _failed(command, status, err)
    return Run(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss * 1024 / 1e6,
        printed=float(out.read_text().split()[-1]) if command.keep else None,
    )


def _write(fd: int, path: str) -> tuple[int, int, str, int, int]:
    return os.POSIX_SPAWN_OPEN, fd, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600


def _how_to_get(command: Command) -> str:
    name = Path(command.argv[0]).name
    return "apt install procps" if name == "ps" else f"look for it: command -v {name}"


def _failed(command: Command, status: int, err: Path) -> BenchError:
    said = err.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    name = Path(command.argv[0]).name
    words = (
        part if part.isprintable() and " " not in part else f"'{part}'" for part in command.argv
    )
    return BenchError(f"{name} {how}: {said[-1]}", f"try it by hand: {' '.join(words)}")
