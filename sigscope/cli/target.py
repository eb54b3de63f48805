"""TARGET: a PID, PID/TID or a name, and the pids that it stands for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sigscope.cli.boundary import explain
from sigscope.errors import ExitStatus, NoSuchTarget, SigscopeError, UsageError
from sigscope.kernel.directory import is_number
from sigscope.kernel.names import COMM_LENGTH, read_names, read_program
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.model.process import Process
from sigscope.model.value import dataclass

_SEPARATORS = tuple("-_.0123456789")


class Words(tuple[str, ...]):
    """Targets as they were typed; with ``container``, they are meant inside of that one.

    There is something to look at if there is a word or a container.
    """

    container: str | None = None

    def __bool__(self) -> bool:
        return len(self) > 0 or self.container is not None


@dataclass(frozen=True, slots=True)
class Target:
    """One process; ``tid`` if a single thread was named, ``word`` as it was typed.

    ``process`` is what was read when it was made sure that it is there.
    """

    pid: int
    tid: int | None
    word: str
    process: Process | None = None

    @property
    def by_name(self) -> bool:
        """Was it not chosen one by one?"""
        return not is_number(self.word.partition("/")[0])


def resolve(procfs: ProcFS, word: str) -> list[Target]:
    """The processes that a word stands for; NoSuchTarget suggests near names.

    A name is the whole comm, or the whole name of the program where the kernel cut it. Where
    none is called so, a version or variant may follow: ``php-fpm`` finds php-fpm8.2.
    """
    pid, slash, tid = word.partition("/")
    if is_number(pid) and (is_number(tid) or not slash):
        return [Target(int(pid), int(tid) if tid else None, word)]
    if "/" in word or not word.strip():
        raise UsageError(f"{word!r} is no target", "give a PID, PID/TID or the name of a program")
    names = [
        (pid, comm) for pid, comm in read_names(procfs) if not (procfs.live and pid == os.getpid())
    ]
    found = variants(procfs, names, word)
    if found:
        return [Target(pid, None, word) for pid in found]
    raise NoSuchTarget(
        f"no process is called {word!r}", _suggestion(word, [comm for _, comm in names])
    )


def variants(procfs: ProcFS, names: Sequence[tuple[int, str]], word: str) -> list[int]:
    """Of these (pid, comm) those that are called so; else, those of a variant of the name."""
    return (
        [pid for pid, comm in names if comm == word]
        or [
            pid
            for pid, comm in names
            if comm == word[:COMM_LENGTH] and read_program(procfs, pid) == word
        ]
        or [pid for pid, comm in names if _is_variant(comm, word)]
    )


def _is_variant(comm: str, word: str) -> bool:
    """Is it the name that is meant, with more behind: php-fpm8.2, uwsgi_python3, redis-server?"""
    return comm.startswith(word) and comm[len(word) : len(word) + 1] in _SEPARATORS


def resolve_all(procfs: ProcFS, words: Iterable[str]) -> tuple[list[Target], int]:
    """All that are there, each once; what is not is explained, and the worst status returned.

    Of a container all processes, if none of it is named.
    """
    found: dict[int, Target] = {}
    status = int(ExitStatus.FINE)
    container = words.container if isinstance(words, Words) else None
    if container is not None:
        from sigscope.cli.contained import Inside

        inside = Inside(procfs, container)
        words = tuple(words)
        if not words:
            return inside.everybody(), status
    for word in words:
        try:
            targets = resolve(procfs, word) if container is None else inside.resolve(word)
        except SigscopeError as error:
            status = max(status, _told(error))
            continue
        for target in targets:
            try:
                found.setdefault(target.pid, _checked(procfs, target))
            except SigscopeError as error:
                status = max(status, _told(error))
    return list(found.values()), status


def _told(error: SigscopeError) -> int:
    explain(error)
    return int(error.status)


def _checked(procfs: ProcFS, target: Target) -> Target:
    """Is it there, and is the thread one of its own?"""
    process = target.process or read_status(procfs, target.pid)
    if target.tid is not None and process.thread(target.tid) is None:
        tids = " ".join(str(thread.tid) for thread in process.threads[:8])
        raise NoSuchTarget(f"process {target.pid} has no thread {target.tid}", f"it has: {tids}")
    return replace(target, process=process)


def _suggestion(word: str, names: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, set(names), n=3, cutoff=0.7)
    near += sorted({name for name in names if word in name and name not in near})[:3]
    return (
        f"did you mean {', '.join(near)}?" if near else "list what runs here: sigscope tree --all"
    )
