"""Start a target: one process in one situation, which it has stated itself and /proc confirms."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, TypeAlias

from tests.harness import proc
from tests.harness.build import TARGETS, build

Argument: TypeAlias = str | bytes | int | Collection[int]
PATIENCE = 20.0  # seconds; far more than needed, for a machine under load


class NotReady(AssertionError):
    """The target ended, or fell silent, before its situation was true."""


class Lines:
    """JSON lines from a pipe, each with a deadline."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def next(self, timeout: float) -> dict[str, Any] | None:
        """The next line; None at the end of the file. TimeoutError if none comes in time."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._rest:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._descriptor], [], [], left)[0]:
                raise TimeoutError(f"no line within {timeout} s")
            data = os.read(self._descriptor, 65536)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        value: dict[str, Any] = json.loads(line)
        return value

    def close(self) -> None:
        os.close(self._descriptor)


class Target(contextlib.AbstractContextManager["Target"]):
    """A running target; `with` stops it. `truth` is what it says of itself."""

    def __init__(
        self,
        name: str,
        command: list[str | bytes],
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.truth: dict[str, Any] = {}
        self._children: dict[int, int] = {}
        self._stopped = False
        ours, theirs = os.pipe()
        self._lines = Lines(ours)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  stop() closes it
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                pass_fds=(theirs,),
                env={**os.environ, **environment, "READY_FD": str(theirs)},
            )
        finally:
            os.close(theirs)
        try:
            self._await()
        except BaseException:
            self.stop()
            raise

    def _await(self) -> None:
        """Wait until the target states its truth, and then until /proc agrees with it."""
        try:
            truth = self._lines.next(PATIENCE)
        except TimeoutError as silence:
            raise NotReady(f"target {self.name}: {silence}") from None
        if truth is None:
            code = self._process.wait(PATIENCE)
            raise NotReady(f"target {self.name} ended with {code}: {self._complained()}")
        self.truth = truth
        for child in self.children.values():
            # A descriptor names this very process even if its number is given away again.
            self._children[child] = os.pidfd_open(child)
        for role, call in truth.get("in", {}).items():
            proc.wait_syscall(self.pid, self.tids[role], call, PATIENCE)
        for role, letter in truth.get("state", {}).items():
            if role in self.tids:
                proc.wait_state(self.pid, self.tids[role], letter, PATIENCE)
            else:
                proc.wait_state(self.children[role], None, letter, PATIENCE)

    def _complained(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace").strip() or "(no message)"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tids(self) -> dict[str, int]:
        """Thread ids by role; "main" is always there."""
        return dict(self.truth.get("tids", {}))

    @property
    def children(self) -> dict[str, int]:
        """Pids of the processes that the target started, by role."""
        return dict(self.truth.get("children", {}))

    def tell(self, line: str) -> None:
        """Write a line to the target's standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def close_input(self) -> None:
        """Let the target read the end of its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def hear(self, timeout: float = PATIENCE) -> dict[str, Any] | None:
        """What the target says next, e.g. `{"handled": 14, ...}`; None if it has ended."""
        return self._lines.next(timeout)

    def send(self, number: int) -> None:
        """Send a signal to the process; its pid cannot have been given away."""
        self._process.send_signal(number)

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit status, negative for a signal; TimeoutExpired if it does not end."""
        return self._process.wait(timeout)

    def stop(self) -> None:
        """Kill and reap it, and kill what it has started. May be called twice."""
        if self._stopped:
            return
        self._stopped = True
        for descriptor in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        self._process.kill()
        self._process.wait(PATIENCE)
        for descriptor in self._children.values():
            select.select([descriptor], [], [], PATIENCE)
            os.close(descriptor)
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._lines.close()
        self._complaints.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<target {self.name} {self.pid}>"


def _argument(value: Argument) -> str | bytes:
    if isinstance(value, (str, bytes)):
        return value
    if isinstance(value, int):
        return str(int(value))
    return ",".join(str(int(number)) for number in sorted(value))


def clean(
    command: Collection[str | bytes],
    mask: Collection[int] = frozenset(),
    ignored: Collection[int] = frozenset(),
) -> list[str | bytes]:
    """`command`, started with exactly this mask and exactly these signals ignored."""
    blocked, ignore = (format(proc.mask_of(numbers), "x") for numbers in (mask, ignored))
    return [str(build("clean_exec")), blocked, ignore, *command]


def start(
    name: str,
    *arguments: Argument,
    mask: Collection[int] = frozenset(),
    ignored: Collection[int] = frozenset(),
    **environment: str,
) -> Target:
    """Start `tests/targets/NAME.c` or `NAME.py` and return it once its situation is true.

    Signals `mask` are blocked and `ignored` ignored at its start, all others are open and at
    their default. A collection of signals among the arguments becomes "1,15".

        with start("all_threads_block", {SIGTERM, SIGHUP}, 3) as target:
            ...
    """
    script = TARGETS / f"{name}.py"
    program = [sys.executable, str(script)] if script.exists() else [str(build(name))]
    command = [*program, *map(_argument, arguments)]
    return Target(name, clean(command, mask, ignored), environment)
