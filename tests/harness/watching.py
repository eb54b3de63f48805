"""A ``sigscope watch`` that goes on beside the test, and the stories that it has told so far."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tests.harness import proc
from tests.harness.command import TREE

Told = dict[str, Any]
LONG = 120.0
"""Seconds of patience: other tests may keep the machine busy."""


class Watching(contextlib.AbstractContextManager["Watching"]):
    """It watches when this returns."""

    def __init__(self, *words: str) -> None:
        self._out = tempfile.TemporaryFile()  # noqa: SIM115  closed at the end
        self._err = tempfile.TemporaryFile()  # noqa: SIM115
        self.run = subprocess.Popen(
            [sys.executable, "-m", "sigscope", "watch", "--json", *words],
            stdout=self._out,
            stderr=self._err,
            cwd=TREE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            proc.eventually(self._watches, LONG, "it watches")
        except BaseException:
            self.stop()
            raise

    def _watches(self) -> bool:
        said = self.said()
        assert self.run.poll() is None, said
        return "^C ends it" in said

    def said(self) -> str:
        """What it has remarked so far."""
        self._err.seek(0)
        return self._err.read().decode()

    @property
    def stories(self) -> list[Told]:
        """All so far."""
        self._out.seek(0)
        lines = self._out.read().decode().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def until(self, what: Callable[[list[Told]], Any], saying: str = "") -> list[Told]:
        """The stories, once this holds for them."""
        try:
            proc.eventually(lambda: what(self.stories), LONG, saying)
        except AssertionError as error:
            told = "\n".join(map(brief, self.stories))
            raise AssertionError(f"{error}\n{told}\n{self.said()}") from None
        return self.stories

    def stop(self) -> list[Told]:
        """End it as ^C does; may be called twice."""
        if self._out.closed:
            return []
        with contextlib.suppress(ProcessLookupError):
            self.run.send_signal(signal.SIGINT)
        try:
            self.run.wait(LONG)
        finally:
            self.run.kill()
            self.run.wait()
            told = self.stories
            self._out.close()
            self._err.close()
        return told

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def brief(told: Told) -> str:
    """One story in a line, for a test that fails."""
    sender = told["sender"] or {"comm": told["origin"], "pid": ""}
    ends = f"{sender['comm']} {sender['pid']} -> {told['target']['comm']} {told['target']['pid']}"
    cause = f" because of {told['cause']}" if told["cause"] else ""
    return f"{told['number']}: {told['signal']} {ends} {told['outcome']}{cause}"
