"""A bar on standard error, when a scan lasts over a second on a terminal."""

from __future__ import annotations

import sys
import time

PATIENCE = 1.0
_STEP = 0.1
_WIDTH = 30


class Progress:
    """Called with (done, total); draws nothing in the first second, and clears up after itself."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun = self._drawn = time.monotonic()
        self._visible = False
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if not self._terminal:
            return
        now = time.monotonic()
        if now - self._begun < PATIENCE or now - self._drawn < _STEP or not total:
            return
        self._drawn, self._visible = now, True
        filled = _WIDTH * done // total
        bar = "#" * filled + "." * (_WIDTH - filled)
        sys.stderr.write(f"\r{self._what} [{bar}] {done} of {total}")
        sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
