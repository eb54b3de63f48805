"""A cgroup to freeze one process in: v1's freezer, or v2's (kernel/cgroup/)."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def mounted(version: str) -> Path | None:
    """Where this kernel's freezer of "v1" or "v2" can be used, or None."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        fits = kind == "cgroup" and "freezer" in options.split(",")
        if (fits if version == "v1" else kind == "cgroup2") and os.access(where, os.W_OK):
            return Path(where)
    return None


class Freezer:
    """A cgroup of its own, with the process in it; ``close`` when the process is gone."""

    def __init__(self, version: str, pid: int) -> None:
        root = mounted(version)
        assert root is not None, f"no freezer {version} here"
        self._version = version
        self._path = root / f"sigscope-tests-{os.getpid()}-{pid}"
        self._path.mkdir()
        (self._path / "cgroup.procs").write_text(str(pid))

    def freeze(self) -> None:
        """Order it; see ``frozen``."""
        self._write("FROZEN", "1")

    def thaw(self) -> None:
        self._write("THAWED", "0")

    def _write(self, first: str, second: str) -> None:
        if self._version == "v1":
            (self._path / "freezer.state").write_text(first)
        else:
            (self._path / "cgroup.freeze").write_text(second)

    @property
    def frozen(self) -> bool:
        if self._version == "v1":
            return (self._path / "freezer.state").read_text() == "FROZEN\n"
        return "frozen 1" in (self._path / "cgroup.events").read_text()

    def close(self) -> None:
        """Thaw and remove it; its process has been killed."""
        self.thaw()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self._path.rmdir()
                return
            time.sleep(0.001)
