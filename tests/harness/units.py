"""A cgroup that is named like a systemd service, with one process in it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import proc


def _hierarchy() -> Path | None:
    """Where a cgroup can be made: that of systemd, or the unified one."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        fits = kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(","))
        if fits and "rw" in options.split(",") and os.access(where, os.W_OK):
            return Path(where)
    return None


@contextlib.contextmanager
def service(pid: int, name: str) -> Iterator[str]:
    """``pid``, and what it starts from now on, lives in the unit whose name this gives.

    Afterwards they are dead.

    The name is one of this run. Where no cgroup can be made the test is skipped.
    """
    root = _hierarchy()
    if root is None:
        pytest.skip("no cgroup can be made here: root, and a writable cgroup mount")
    unit = f"{name}-{os.getpid()}.service"
    place = root / unit
    place.mkdir()
    try:
        (place / "cgroup.procs").write_text(str(pid))
        yield unit
    finally:
        proc.eventually(lambda: _removed(place), saying=f"{place} is empty")


def _removed(place: Path) -> bool:
    """Whoever was started in there after the move lives there, too."""
    for pid in (place / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    with contextlib.suppress(OSError):  # busy until the last of them is gone
        place.rmdir()
    return not place.exists()
