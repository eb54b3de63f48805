"""A /proc that was recorded: what each read answered, errors included.

A recording is made by reading: :class:`Recorder` stands between the readers and a live
directory and keeps every answer. So a snapshot holds just what the commands read, and
:class:`Recorded` gives the same answers again, elsewhere.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sigscope.kernel.directory import LARGEST, Directory
from sigscope.kernel.refusal import RecordedRefusal

T = TypeVar("T", bytes, str, list[str])


Answer = bytes | str | list[str] | int
"""A file's bytes, a link's text, a directory's names, or the errno of a refusal."""


@dataclass
class Tape:
    """Path below /proc -> answer, and what else a reader elsewhere must know.

    ``redacted`` names files that are left out on purpose; ``users`` are those that were seen.
    """

    machine: str
    answers: dict[str, Answer] = field(default_factory=dict)
    redacted: frozenset[str] = frozenset()
    users: Mapping[int, str] = field(default_factory=dict)

    def play(self, path: str) -> Answer:
        answer = self.answers.get(path, errno.ENOENT)
        if isinstance(answer, int):
            raise RecordedRefusal(answer, os.strerror(answer), path)
        return answer


def tape_path(prefix: str, name: str) -> str:
    """Under which name an entry of a directory stands on the tape; "." is the root itself."""
    return (prefix.rstrip("/") or ".") if name == "." else prefix + name


def cpu_path(path: str, cpu: int) -> str:
    """Under which name a file that was read on one CPU stands on the tape."""
    return f"{path}@cpu{cpu}"


def memory_path(path: str, address: int, size: int) -> str:
    """Under which name a piece of memory stands on the tape."""
    return f"{path}@{address:x}+{size}"


class Recorded(Directory):
    """A directory that answers from a tape. What was not recorded is not there."""

    recorded = True

    def __init__(self, tape: Tape, prefix: str = "") -> None:
        self._tape = tape
        self._prefix = prefix

    def _path(self, name: str) -> str:
        return tape_path(self._prefix, name)

    def read(self, name: str, limit: int = LARGEST) -> bytes:
        answer = self._tape.play(self._path(name))
        if not isinstance(answer, bytes):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), self._path(name))
        return answer[:limit]

    def record(self, name: str) -> bytes:
        return self.read(name)

    def read_on(self, cpu: int, name: str) -> bytes:
        return self.read(cpu_path(name, cpu))

    def names(self, name: str) -> list[str]:
        answer = self._tape.play(self._path(name))
        if not isinstance(answer, list):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._path(name))
        return answer

    def link(self, name: str) -> str:
        answer = self._tape.play(self._path(name))
        if not isinstance(answer, str):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), self._path(name))
        return answer

    def peek(self, name: str, address: int, size: int) -> bytes:
        return self.read(memory_path(name, address, size))

    def enter(self, name: str) -> Recorded:
        return Recorded(self._tape, f"{self._path(name)}/")


class Recorder(Directory):
    """A directory that passes each question on, and keeps the answer."""

    def __init__(self, inner: Directory, tape: Tape, prefix: str = "") -> None:
        self._inner = inner
        self._tape = tape
        self._prefix = prefix

    def _keep(self, name: str, ask: Callable[[], T]) -> T:
        path = tape_path(self._prefix, name)
        if path.rsplit("/", 1)[-1] in self._tape.redacted:
            self._tape.answers[path] = errno.ENODATA
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA), path)
        try:
            answer = ask()
        except OSError as error:
            self._tape.answers[path] = error.errno or errno.EIO
            raise
        self._tape.answers[path] = answer
        return answer

    def read(self, name: str, limit: int = LARGEST) -> bytes:
        return self._keep(name, lambda: self._inner.read(name, limit))

    def record(self, name: str) -> bytes:
        return self._keep(name, lambda: self._inner.record(name))

    def read_on(self, cpu: int, name: str) -> bytes:
        return self._keep(cpu_path(name, cpu), lambda: self._inner.read_on(cpu, name))

    def names(self, name: str) -> list[str]:
        return self._keep(name, lambda: self._inner.names(name))

    def link(self, name: str) -> str:
        return self._keep(name, lambda: self._inner.link(name))

    def peek(self, name: str, address: int, size: int) -> bytes:
        return self._keep(
            memory_path(name, address, size), lambda: self._inner.peek(name, address, size)
        )

    def enter(self, name: str) -> Recorder:
        return Recorder(self._inner.enter(name), self._tape, f"{self._prefix}{name}/")

    def close(self) -> None:
        self._inner.close()
