"""What the doctor says that a command will do, and what the command then does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.containers.standings import Standing
from tests.harness.command import Said

WORKS, PART, FAILS = "works", "in part", "does not work"
SANDBOX = "security module"


@dataclass(frozen=True)
class Cell:
    """A verdict, and what stands behind it; ``hints`` are those of the gaps and errors."""

    verdict: str
    because: str
    hints: tuple[str, ...] = ()
    layers: frozenset[str] = frozenset()


def foretold(standing: Standing) -> dict[str, Cell]:
    """The doctor's, by command."""
    (said,) = standing.run([("doctor", standing.pid, "--json")])
    document = json.loads(said.out or "null")
    assert document is not None, said.err
    return {
        one["command"]: Cell(
            one["verdict"],
            "; ".join(f"{lack['what']}: {lack['why']}" for lack in one["missing"]),
            tuple(lack["opens"] for lack in one["missing"]),
            frozenset(lack["layer"] for lack in one["missing"]),
        )
        for one in document["commands"]
    }


def of_the_place(cells: dict[str, Cell]) -> dict[str, str]:
    """The verdicts, without what a sandbox of this machine adds, which may hide its PID 1."""
    return {
        name: WORKS if cell.verdict == PART and cell.layers == {SANDBOX} else cell.verdict
        for name, cell in cells.items()
    }


def seen(standing: Standing) -> dict[str, Cell]:
    """What becomes of each command when it is run there."""
    file = f"{standing.folder}/snapshot-{standing.pid}.gz"
    calls = {name: command.calls(standing.pid, file) for name, command in COMMANDS.items()}
    answers = iter(standing.run([call for several in calls.values() for call in several]))
    told = {name: [next(answers) for _ in several] for name, several in calls.items()}
    for name, several in told.items():
        for said in several:
            assert "Traceback" not in said.err, said.err
            assert "bug in sigscope" not in said.err, said.err
        assert several[0].status in (0, 1, 3, 4, 5), (name, several[0])
    return {name: COMMANDS[name].judge(several) for name, several in told.items()}


def _document(said: Said) -> dict[str, Any] | None:
    """None where nothing was printed, or lines of events."""
    if not said.out.startswith("{\n"):
        return None
    document: dict[str, Any] = json.loads(said.out)
    return document


def _judged(said: Said, failed: bool | None = None) -> Cell:
    """By its status and its gaps; ``failed`` where the status does not tell."""
    document = _document(said)
    gaps = [] if document is None else document["gaps"]
    # What follows from another gap says so, and may have none: who ended meanwhile, say.
    hints = [gap["hint"] for gap in gaps if not gap["why"].startswith("not assessed")]
    missing = (f"{gap['what']}: {gap['why']}" for gap in gaps)
    because = "; ".join((f"status {said.status}", *missing))
    if said.status > 1 if failed is None else failed:
        _, found, rest = said.err.partition("sigscope: ")
        if found:
            hints.append((rest.splitlines()[1:] or [""])[0].strip())
        return Cell(FAILS, f"{because}; {said.err.strip()}", tuple(hints))
    return Cell(PART if gaps else WORKS, because, tuple(hints))


def _by_status(said: list[Said]) -> Cell:
    return _judged(said[0])


def _timers(said: list[Said]) -> Cell:
    """It shows what it can, and its status says that this is not all."""
    return _judged(said[0], _document(said[0]) is None or _refused(said[0]))


def _refused(said: Said) -> bool:
    return "may not be stopped" in said.err or "better not stopped" in said.err


def _restart(said: list[Said]) -> Cell:
    """All of its answer rests on one file."""
    document = _document(said[0])
    if document is None:
        return _judged(said[0])
    answers = {one["after_stop_cont"] for one in document["restarts"]}
    return _judged(said[0], answers == {"unknown"})


def _unblock(said: list[Said]) -> Cell:
    """Threads that may not be stopped are left alone, and then nothing is done."""
    document = _document(said[0])
    undone = document is None or not document["done"]
    hints = () if document is None else (one["why"] for one in document["left_alone"])
    cell = _judged(said[0], undone)
    return Cell(cell.verdict, cell.because, (*cell.hints, *hints))


def _snapshot(said: list[Said]) -> Cell:
    """What is missing in it shows when it is read."""
    return _judged(said[0] if said[0].status > 1 else said[1])


@dataclass(frozen=True)
class Command:
    """``words`` as they are typed, PID and FILE filled in; several for one that needs it."""

    words: tuple[str, ...]
    judge: Callable[[list[Said]], Cell] = _by_status

    def calls(self, pid: int, file: str) -> list[tuple[str, ...]]:
        places = {"PID": str(pid), "FILE": file}
        return [tuple(places.get(word, word) for word in one.split()) for one in self.words]


def _plain(name: str) -> Command:
    return Command((f"{name} PID --json",))


def _watch(name: str) -> Command:
    return Command((f"{name} --for 0.2s PID",))


COMMANDS: dict[str, Command] = {
    "pid": _plain("pid"),
    "pid --attach": _plain("pid --attach"),
    "tree": _plain("tree"),
    "handlers": _plain("handlers"),
    "handlers --attach": _plain("handlers --attach"),
    "timers": Command(("timers PID --json",), _timers),
    "timers --attach": Command(("timers --attach PID --json",), _timers),
    "seccomp": _plain("seccomp"),
    "explain": Command(("explain TERM PID --json",)),
    "restart": Command(("restart PID --json",), _restart),
    "restart --live": Command(("restart --live --yes PID --json",)),
    "audit": _plain("audit"),
    "watch": _watch("watch"),
    "watch --engine bpf": _watch("watch --engine bpf"),
    "watch --engine perf": _watch("watch --engine perf"),
    "watch --engine tracefs": _watch("watch --engine tracefs"),
    "watch --engine ptrace": _watch("watch --engine ptrace"),
    "fcgi": Command(("fcgi --for 0.2 PID",)),
    "fcgi --engine ptrace": Command(("fcgi --engine ptrace --for 0.2 PID",)),
    "run": Command(("run -- true",)),
    "snapshot": Command(("snapshot PID -o FILE --json", "pid PID --from FILE --json"), _snapshot),
    "decode": Command(("decode 4000",)),
    "unblock": Command(("unblock USR2 PID --yes --json",), _unblock),
}
"""In the order in which they are tried: the last one changes the target."""
