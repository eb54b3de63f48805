"""signal_generate and signal_deliver of one target, from a private tracefs instance."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import tempfile
from pathlib import Path

TRACING = Path("/sys/kernel/tracing")


@functools.cache
def _tracefs() -> Path | None:
    """Where tracefs is; mounted for the time of the tests where it is not."""
    if (TRACING / "instances").is_dir():
        return TRACING
    own = Path(tempfile.mkdtemp(prefix="sigscope-tracing-"))
    mount = ["mount", "-t", "tracefs", "sigscope-tests", str(own)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        own.rmdir()
        return None
    atexit.register(_unmount, own)
    return own


def _unmount(path: Path) -> None:
    """Only ever an empty directory is removed: in a tracefs, rmdir ends other people's traces."""
    if subprocess.run(["umount", str(path)], capture_output=True, check=False).returncode == 0:
        path.rmdir()


class Trace(contextlib.AbstractContextManager["Trace"]):
    """Evidence for a report; without tracefs, or not as root, it stays empty."""

    def __init__(self, tids: tuple[int, ...]) -> None:
        root = _tracefs()
        self._tids = tids
        self._path = (root or TRACING) / "instances" / f"sigscope-tests-{os.getpid()}"
        self._made = False

    def __enter__(self) -> Trace:
        with contextlib.suppress(OSError):
            self._path.mkdir()
            self._made = True
            for event, field in (("signal_generate", "pid"), ("signal_deliver", "common_pid")):
                place = self._path / "events" / "signal" / event
                (place / "filter").write_text(" || ".join(f"{field}=={t}" for t in self._tids))
                (place / "enable").write_text("1")
        return self

    def lines(self) -> list[str]:
        """One a signal: the ``res`` of signal_generate is 0 delivered, 1 ignored, 2 already
        pending, 3 overflow, 4 queued without its siginfo (include/trace/events/signal.h)."""
        if not self._made:
            return []
        with contextlib.suppress(OSError):
            text = (self._path / "trace").read_text()
            return [line.strip() for line in text.splitlines() if not line.startswith("#")]
        return []

    def __exit__(self, *_: object) -> None:
        if self._made:
            with contextlib.suppress(OSError):
                (self._path / "events" / "signal" / "enable").write_text("0")
            with contextlib.suppress(OSError):
                self._path.rmdir()
