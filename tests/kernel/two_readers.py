"""A scan by two readers, in a process of its own, and what may go wrong with the second.

    python -m tests.kernel.two_readers killed PID...

reads these processes, and many pids that nobody has, and prints what became of it as JSON.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from sigscope.kernel import readers
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.recording import Recorder, Tape
from sigscope.kernel.wire import Reading
from sigscope.model.process import Process

NOBODY = range(1 << 23, (1 << 23) + 300)
"""Above the largest pid that a kernel gives away."""
PARENT = os.getpid()
_live, _numbers = readers._Child._live, readers._Child.numbers
_take = readers._Work.take


def _child_takes_all(_: ProcFS) -> None:
    """Else it may be that we have done all, on a busy machine, before it begins."""

    def numbers(self: Any) -> Iterator[int]:
        return iter(()) if os.getpid() == PARENT else _numbers(self)

    readers._Child.numbers = numbers  # type: ignore[method-assign]


def _child_does(what: Callable[[], object]) -> Callable[[ProcFS], None]:
    """In the middle of its work."""

    def prepare(procfs: ProcFS) -> None:
        _child_takes_all(procfs)
        readers._Work.take = take  # type: ignore[method-assign]

    def take(self: Any, number: int) -> None:
        if os.getpid() != PARENT and number == self.pieces // 2:
            what()
        _take(self, number)

    return prepare


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _handled(procfs: ProcFS) -> None:
    signal.signal(signal.SIGTERM, lambda *_: print("a handler of the parent ran"))
    _child_does(lambda: os.kill(os.getpid(), signal.SIGTERM))(procfs)


def _short(procfs: ProcFS) -> None:
    """A child of the child does the work, and it passes on the half of that."""

    def live(self: Any, work: Any, send: int, mask: Any) -> NoReturn:
        ours, theirs = os.pipe()
        if os.fork() == 0:
            _live(self, work, theirs, mask)
        os.close(theirs)
        with open(ours, "rb") as answer:
            data = answer.read()
        os.write(send, data[: len(data) // 2])
        os._exit(0)

    _child_takes_all(procfs)
    readers._Child._live = live  # type: ignore[method-assign]


def _interrupted(_: ProcFS) -> None:
    def numbers(self: Any) -> Iterator[int]:
        if os.getpid() == PARENT:
            os.kill(PARENT, signal.SIGINT)
        yield from _numbers(self)

    readers._Child.numbers = numbers  # type: ignore[method-assign]


def _reaped(procfs: ProcFS) -> None:
    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    signal.signal(signal.SIGCHLD, reap)
    _child_takes_all(procfs)


def _ignored(procfs: ProcFS) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _child_takes_all(procfs)


def _refused(_: ProcFS) -> None:
    def fork() -> int:
        raise BlockingIOError("no more processes for you")

    os.fork = fork


def _one_cpu(_: ProcFS) -> None:
    os.sched_getaffinity = lambda _: {0}


def _threads(_: ProcFS) -> None:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


def _recorded(procfs: ProcFS) -> None:
    procfs.root = Recorder(procfs.root, Tape(procfs.machine))


CASES: dict[str, Callable[[ProcFS], None]] = {
    "shared": lambda _: None,
    "by-the-child": _child_takes_all,
    "killed": _child_does(_killed),
    "silent": _child_does(lambda: time.sleep(600)),
    "handled": _handled,
    "short": _short,
    "interrupted": _interrupted,
    "reaped": _reaped,
    "ignored": _ignored,
    "refused": _refused,
    "one-cpu": _one_cpu,
    "threads": _threads,
    "recorded": _recorded,
}


def _own(label: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(label))


def _steady(readings: dict[int, Reading]) -> dict[int, Reading]:
    """Without what others change: a user's count of queued signals."""
    return {
        pid: replace(one, queue=None) if isinstance(one, Process) else one
        for pid, one in readings.items()
    }


def main(case: str, *words: str) -> None:
    """Play it, and say what it left."""
    readers.PATIENCE, readers.SILENCE = -1.0, 60.0 if case != "silent" else 0.2
    os.sched_getaffinity = lambda _: {0, 1}
    forks: list[int] = []
    os.register_at_fork(after_in_parent=lambda: forks.append(1))
    atexit.register(print, "the end")
    print("printed once")
    half = len(NOBODY) // 2
    pids = [*NOBODY[:half], *map(int, words), *NOBODY[half:]]
    told: list[tuple[int, int]] = []
    procfs = ProcFS()
    alone = readers._Work(procfs, pids)
    for number in range(alone.pieces):
        alone.take(number)
    CASES[case](procfs)

    def left() -> list[object]:
        return [_own("SigBlk"), _own("SigCgt"), _own("SigIgn"), sorted(os.listdir("/proc/self/fd"))]

    before, found, raised = left(), None, ""
    try:
        found = readers.read_many(procfs, pids, lambda *progress: told.append(progress))
    except KeyboardInterrupt:
        raised = "KeyboardInterrupt"
    answer = {
        "same": found is not None and _steady(found) == _steady(alone.readings),
        "processes": sum(isinstance(one, Process) for one in (found or {}).values()),
        "forks": len(forks),
        "raised": raised,
        "children": Path(f"/proc/self/task/{PARENT}/children").read_text().split(),
        "as_before": left() == before,
        "ours": len(told),
        "pieces": alone.pieces,
        "told": told == sorted(told) and {total for _, total in told} == {len(pids)},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
