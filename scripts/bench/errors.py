"""The one way to fail: it could not be measured, why, and what to type next."""

from __future__ import annotations


class BenchError(Exception):
    """``hint`` is a command, or the option that avoids the trouble."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
