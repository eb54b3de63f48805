"""A real service, of which nothing is left when the test is over."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from types import TracebackType

from tests.harness.build import build
from tests.harness.targets import PATIENCE, clean


class Daemon(contextlib.AbstractContextManager["Daemon"]):
    """A command and all its descendants, which die together.

    A keeper stands between the test and the command. It adopts whoever is orphaned below it, so
    that daemons which hide from their parents, or children that block every signal, can be
    found and killed at the end, even if the test run itself was killed.
    """

    def __init__(
        self,
        command: Collection[str],
        mask: Collection[int] = frozenset(),
        ignored: Collection[int] = frozenset(),
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
    ) -> None:
        ours, theirs = os.pipe()
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  stop() closes it
        self._stopped = False
        inner = clean(command, mask, ignored)
        try:
            self._keeper = subprocess.Popen(
                clean([str(build("keeper")), *inner]),
                stdin=subprocess.PIPE,
                stdout=self.output,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs,),
                cwd=directory,
                env={**os.environ, **(environment or {}), "READY_FD": str(theirs)},
            )
        finally:
            os.close(theirs)
        with os.fdopen(ours, "rb") as ready:
            if not select.select([ready], [], [], PATIENCE)[0]:
                self.stop()
                raise AssertionError(f"{inner}: the keeper says nothing: {self.said()}")
            line = ready.readline()
        if not line.strip():
            self.stop()
            raise AssertionError(f"{inner}: did not start")
        self.pid = int(line)

    @property
    def keeper(self) -> int:
        """The pid above the command: everything of this service is below it."""
        return self._keeper.pid

    def said(self) -> str:
        """What the command has written to its standard output and error so far."""
        return os.pread(self.output.fileno(), 1 << 20, 0).decode(errors="replace")

    def stop(self) -> None:
        """Let the keeper kill everybody, and reap it. May be called twice."""
        if self._stopped:
            return
        self._stopped = True
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        try:
            self._keeper.wait(PATIENCE)
        finally:
            self._keeper.kill()
            self._keeper.wait(PATIENCE)
            self.output.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def free_port() -> int:
    """A TCP port of 127.0.0.1 which nobody listens on; another may take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
