"""Many targets, each in one blocking call; each is interrupted in one way, and tells how it ended.

A :class:`Trial` is one call, one answer of a filter to restart_syscall, one event.
``run`` makes many of them at a time: each waits for its own hour, and none for another.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sigscope.analysis.restart import descriptors, prospects
from sigscope.kernel.closer import look_closer
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.restarting import read_ground
from sigscope.kernel.scan import read_family
from sigscope.model.depth import ThreadDepth
from sigscope.model.restart import Becomes, Event, Fate, Prospect
from sigscope.model.seccomp import Filter, FilterAction, Instruction
from tests.differential.freezer import Freezer
from tests.harness import proc
from tests.harness.build import build
from tests.harness.targets import clean

TIMEOUT = 4.0
"""Seconds that a call with a timeout waits."""
AFTER = 1.0
"""It is interrupted so long after its beginning, and not later than ..."""
LATEST = 3.2
"""... this: then it is clear whether it ended in time, early, or started over."""
SLACK = 0.3
"""A deadline is reckoned a little before the call begins."""
PATIENCE = 60.0
AT_ONCE = 160
"""Targets that live at the same time."""
AT_ONCE_AGAIN = 24
"""The same where the machine was too busy the first time."""
TRIES = 4
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_long]


@dataclass(frozen=True)
class Trial:
    """``answer``: as blocking_call takes it."""

    call: str
    answer: str
    event: Event

    @property
    def timed(self) -> bool:
        """Does the call end by itself? recvmmsg looks at its timeout between messages only."""
        words = ("timed", "absolute", "relative", "nanosleep", "timeo")
        return self.call.split("_")[-1] in words and self.call != "recvmmsg_timed"

    @property
    def handler(self) -> str:
        return {Event.SIGNAL: "plain", Event.SIGNAL_RESTART: "restart"}.get(self.event, "none")

    def __str__(self) -> str:
        return f"{self.call}, {self.answer}, {self.event.value}"


@dataclass(frozen=True)
class Seen:
    """What became of it: ``fates`` it may stand for, ``partial`` if it came back with a part."""

    fates: frozenset[Fate]
    partial: bool
    says: str


@dataclass(frozen=True)
class Tried:
    """A trial, its prediction, and what happened. ``seen`` is None where it was not made."""

    trial: Trial
    predicted: Prospect | None = None
    seen: Seen | None = None
    why: str = ""
    late: bool = False

    @property
    def agrees(self) -> bool:
        """One fate was predicted, for sure, and it is what happened."""
        assert self.predicted is not None
        assert self.seen is not None
        if self.seen.partial:
            return self.predicted.partial
        return self.predicted.after(self.trial.event) in self.seen.fates

    def __str__(self) -> str:
        assert self.predicted is not None
        assert self.seen is not None
        after = self.predicted.after(self.trial.event)
        return f"{self.trial}: predicted {after.becomes.value} {after.errno}, saw {self.seen.says}"


class Running:
    """One target from its start to its end."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        reading, writing = os.pipe2(os.O_CLOEXEC)
        words = [str(build("blocking_call")), trial.call, str(int(TIMEOUT * 1000))]
        command = clean([*words, trial.handler, trial.answer])
        actions = [(os.POSIX_SPAWN_DUP2, writing, 1)]
        self.pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        os.close(writing)
        self.pipe = reading
        os.set_blocking(reading, False)
        self._text = b""
        self.status: int | None = None
        self.freezer: Freezer | None = None
        self.predicted: Prospect | None = None
        self.interrupted = 0.0
        self.resumed = 0.0
        self.began = 0.0
        self.number = -1
        self.ended: dict[str, Any] | None = None
        self.deadline = time.monotonic() + PATIENCE

    def line(self) -> dict[str, Any] | None:
        """A line that it has said, if it has; None without waiting."""
        if b"\n" not in self._text:
            with contextlib.suppress(BlockingIOError):
                self._text += os.read(self.pipe, 4096)
        if b"\n" not in self._text:
            return None
        line, _, self._text = self._text.partition(b"\n")
        value: dict[str, Any] = json.loads(line)
        return value

    def gone(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def asleep(self) -> bool:
        """Does it wait in its call, or in restart_syscall for it?"""
        try:
            text = (proc.PROC / str(self.pid) / "syscall").read_text()
        except OSError:
            return False
        return text.split()[0] in (str(self.number), "219") and proc.state(self.pid) in "SD"

    def close(self) -> None:
        os.close(self.pipe)
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.freezer is not None:
            self.freezer.close()

    # --- the events ---

    def interrupt(self) -> None:
        """Do to it what the trial says; it goes on when this returns."""
        self.interrupted = time.monotonic()
        _EVENTS[self.trial.event](self)
        self.resumed = time.monotonic()

    def _stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)
        proc.eventually(lambda: proc.state(self.pid) in ("T", "Z", "gone"), PATIENCE)
        os.kill(self.pid, signal.SIGCONT)

    def _freeze(self) -> None:
        assert self.freezer is not None
        freezer = self.freezer
        freezer.freeze()
        proc.eventually(lambda: freezer.frozen, PATIENCE)
        freezer.thaw()

    def _attach(self) -> None:
        _ptrace(SEIZE, self.pid)
        _ptrace(INTERRUPT, self.pid)
        os.waitpid(self.pid, WALL)
        _ptrace(DETACH, self.pid)

    def _signal(self) -> None:
        os.kill(self.pid, signal.SIGUSR1)


_EVENTS: dict[Event, Callable[[Running], None]] = {
    Event.STOP_CONT: Running._stop,
    Event.FREEZE: Running._freeze,
    Event.ATTACH: Running._attach,
    Event.SIGNAL: Running._signal,
    Event.SIGNAL_RESTART: Running._signal,
}


def _ptrace(request: int, pid: int) -> None:
    if _libc.ptrace(request, pid, 0, 0) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), f"ptrace {request:#x}")


def filters(answer: str) -> tuple[Filter, ...]:
    """The program that blocking_call loads for this answer."""
    if answer == "none":
        return ()
    word, _, number = answer.partition(":")
    name = {"kill": "KILL_PROCESS"}.get(word, word.upper())
    action = FilterAction[name].value | int(number or 0)
    return (
        Filter(
            (
                Instruction(0x20, 0, 0, 0),
                Instruction(0x15, 0, 1, 219),
                Instruction(0x06, 0, 0, action),
                Instruction(0x06, 0, 0, FilterAction.ALLOW.value),
            )
        ),
    )


def predict(pid: int, answer: str) -> Prospect:
    """What sigscope says of it, from /proc and the filter. Here the filter is known."""
    procfs = ProcFS(engine="proc")
    host = look_closer(procfs, read_family(procfs, (pid,)), (pid,))
    process = host.processes[pid]
    depth = ThreadDepth("test", filters=filters(answer))
    process = replace(
        process, threads=tuple(thread._replace(depth=depth) for thread in process.threads)
    )
    ground, _ = read_ground(procfs, process, descriptors(process), sockets=True)
    return prospects(process, ground)[0]


def run(trials: Iterable[Trial], freezes: bool) -> Iterator[Tried]:
    """All of them, some at a time; those that came too late on a busy machine once more."""
    waiting = [(trial, TRIES) for trial in trials if freezes or trial.event is not Event.FREEZE]
    running: list[tuple[Running, int]] = []
    try:
        while waiting or running:
            most = AT_ONCE if not waiting or waiting[-1][1] == TRIES else AT_ONCE_AGAIN
            while waiting and len(running) < most:
                trial, tries = waiting.pop()
                running.append((Running(trial), tries))
            for one, tries in list(running):
                tried = _step(one)
                if tried is None:
                    continue
                running.remove((one, tries))
                one.close()
                if tried.late and tries > 1:
                    waiting.insert(0, (tried.trial, tries - 1))
                else:
                    yield tried
            time.sleep(0.002)
    finally:
        for one, _ in running:
            one.close()


def _step(one: Running) -> Tried | None:
    """Go on with it as far as it goes now; what came of it when it is over."""
    if time.monotonic() > one.deadline:
        return Tried(one.trial, one.predicted, why=f"{one.trial} hangs", late=True)
    if not one.began:
        first = one.line()
        if first is None:
            return Tried(one.trial, why=f"ended with {one.status}") if one.gone() else None
        if "unsupported" in first:
            return Tried(one.trial, why=str(first["unsupported"]))
        one.began, one.number = first["began"] / 1e9, first["in"]["main"]
        if one.trial.event is Event.FREEZE:
            one.freezer = Freezer("v2", one.pid)
        return None
    if one.predicted is None:
        if one.gone() or (one.trial.timed and time.monotonic() > one.began + LATEST):
            return Tried(one.trial, why="not looked at before it was over", late=True)
        if one.asleep():
            one.predicted = predict(one.pid, one.trial.answer)
        return None
    if not one.interrupted:
        if not one.trial.timed or time.monotonic() > one.began + AFTER:
            try:
                one.interrupt()
            except (
                OSError,
                AssertionError,
            ) as error:  # the machine was so busy that the call has ended meanwhile
                return Tried(one.trial, one.predicted, why=f"cannot: {error}", late=True)
        return None
    return _end(one)


def _end(one: Running) -> Tried | None:
    """It has been interrupted: has it ended, been killed, or does it wait again?"""
    late = one.trial.timed and one.resumed > one.began + LATEST
    line = one.line()
    if line is not None:
        return Tried(one.trial, one.predicted, _seen(one, line), late=late)
    if one.gone():
        line = one.line()
        if line is not None:
            return Tried(one.trial, one.predicted, _seen(one, line), late=late)
        assert one.status is not None
        killed = os.WIFSIGNALED(one.status) and os.WTERMSIG(one.status) == signal.SIGSYS
        fates = frozenset({Fate(Becomes.KILLED)} if killed else ())
        return Tried(one.trial, one.predicted, Seen(fates, False, f"status {one.status}"))
    if not one.trial.timed and one.asleep():
        waits = frozenset({Fate(Becomes.RESUMES), Fate(Becomes.RESTARTS)})
        return Tried(one.trial, one.predicted, Seen(waits, False, "it waits again"))
    return None


def _seen(one: Running, line: dict[str, Any]) -> Seen:
    result, error, ended = line["ret"], line["errno"], line["ended"] / 1e9
    took = f"{result} errno {error} after {ended - one.began:.3f} s, trapped {line['trapped']}"
    if result == -1 and error == 4:
        return Seen(frozenset({Fate(Becomes.EINTR)}), False, took)
    if result > 0 and not one.trial.timed and not line["trapped"]:
        return Seen(frozenset(), True, took)
    if line["trapped"]:
        return Seen(frozenset({Fate(Becomes.FAILS)}), False, took)
    if not one.trial.timed or ended < one.began + TIMEOUT - SLACK:
        return Seen(frozenset({Fate(Becomes.FAILS, error)}), False, took)
    kept = ended < one.interrupted + TIMEOUT
    return Seen(frozenset({Fate(Becomes.RESUMES if kept else Becomes.RESTARTS)}), False, took)
