"""The command of ``sigscope watch -- COMMAND``: it starts when the watch has begun."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
from collections.abc import Sequence
from typing import NoReturn

from sigscope.errors import CannotExecute, CommandNotFound, SigscopeError

_GO = b"!"


class Started:
    """A child that waits until ``go``; ``pid`` is that of the command from its first moment.

    It stays in our process group: ^C reaches it as without us, and we end when it has ended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = tuple(command)
        self.status: int | None = None
        reads, self._go = os.pipe()
        self._failure, writes = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            self._become(reads, writes)
        os.close(reads)
        os.close(writes)

    def _become(self, reads: int, writes: int) -> NoReturn:
        """In the child: nothing of ours remains, whatever happens."""
        try:
            if os.read(reads, 1) != _GO:  # sigscope has failed before
                os._exit(0)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.execvp(self.command[0], self.command)  # noqa: S606  what was typed, as typed
        except OSError as error:
            os.write(writes, str(error.errno or errno.EIO).encode())
        except BaseException:
            os.write(writes, str(errno.EIO).encode())
        os._exit(127)

    def go(self) -> None:
        """Let it run; CommandNotFound or CannotExecute if it cannot."""
        os.write(self._go, _GO)
        self._close_go()
        said = os.read(self._failure, 32)
        if not said:
            return
        self._over(None)
        os.waitpid(self.pid, 0)
        self.status = 0
        name, reason = self.command[0], os.strerror(int(said))
        kind: type[SigscopeError] = CannotExecute
        if int(said) == errno.ENOENT:
            kind = CommandNotFound
        raise kind(f"cannot run {name}: {reason}", "sigscope watch -- COMMAND [ARG]...")

    def poll(self) -> bool:
        """Has it ended?"""
        if self.status is None and self._over(0):
            self.status = os.waitpid(self.pid, 0)[1]
        return self.status is not None

    def _over(self, seconds: float | None) -> bool:
        """A wait before the end would take its stops from our own tracer (--engine ptrace)."""
        fd = os.pidfd_open(self.pid)
        try:
            return bool(select.select([fd], [], [], seconds)[0])
        finally:
            os.close(fd)

    @property
    def exit_status(self) -> int:
        """As a shell has it: 128 and the number where a signal ended it."""
        code = os.waitstatus_to_exitcode(self.status or 0)
        return 128 - code if code < 0 else code

    def close(self) -> None:
        """One that was never let go goes away; one that runs, runs on."""
        self._close_go()
        if self._failure >= 0:
            os.close(self._failure)
            self._failure = -1

    def _close_go(self) -> None:
        if self._go >= 0:
            with contextlib.suppress(OSError):
                os.close(self._go)
            self._go = -1
