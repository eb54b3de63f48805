"""What the doctor says that a command will do, and what the command then does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.containers.standings import Standing

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
    said = standing.run("doctor", standing.pid, "--json")
    document = json.loads(said.stdout or b"null")
    assert document is not None, said.stderr.decode()
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


def seen(standing: Standing, name: str) -> Cell:
    """What becomes of it when it is run."""
    return COMMANDS[name](standing, name)


def _asked(standing: Standing, *words: object) -> tuple[int, dict[str, Any] | None, str]:
    said = standing.run(*words, "--json")
    error = said.stderr.decode(errors="replace")
    assert "Traceback" not in error, error
    assert "bug in sigscope" not in error, error
    assert said.returncode in (0, 1, 4, 5), (words, said.returncode, error)
    return said.returncode, json.loads(said.stdout) if said.stdout else None, error


def _judged(status: int, document: dict[str, Any] | None, error: str) -> Cell:
    gaps = [] if document is None else document["gaps"]
    # What follows from another gap says so, and may have none: who ended meanwhile, say.
    hints = [gap["hint"] for gap in gaps if not gap["why"].startswith("not assessed")]
    because = "; ".join((f"status {status}", *(f"{gap['what']}: {gap['why']}" for gap in gaps)))
    if status > 1:
        _, found, rest = error.partition("sigscope: ")
        if found:
            hints.append((rest.splitlines()[1:] or [""])[0].strip())
        return Cell(FAILS, f"{because}; {error.strip()}", tuple(hints))
    return Cell(PART if gaps else WORKS, because, tuple(hints))


def _plain(standing: Standing, name: str) -> Cell:
    command, *options = name.split()
    return _judged(*_asked(standing, command, *options, standing.pid))


def _timers(standing: Standing, name: str) -> Cell:
    """It shows what it can, and its status says that this is not all."""
    status, document, error = _asked(standing, *name.split(), standing.pid)
    assert document is not None, error
    refused = "may not be stopped" in error or "better not stopped" in error
    return _judged(status if refused else min(status, 1), document, error)


def _explain(standing: Standing, _: str) -> Cell:
    return _judged(*_asked(standing, "explain", "TERM", standing.pid))


def _restart(standing: Standing, _: str) -> Cell:
    """All of its answer rests on one file."""
    status, document, error = _asked(standing, "restart", standing.pid)
    assert document is not None, error
    answers = {one["after_stop_cont"] for one in document["restarts"]}
    return _judged(4 if answers == {"unknown"} else status, document, error)


def _live(standing: Standing, _: str) -> Cell:
    return _judged(*_asked(standing, "restart", "--live", "--yes", standing.pid))


def _watch(standing: Standing, name: str) -> Cell:
    said = standing.run(*name.split(), "--for", "0.2s", standing.pid)
    return _judged(said.returncode, None, said.stderr.decode())


def _fcgi(standing: Standing, _: str) -> Cell:
    said = standing.run("fcgi", "--for", "0.2", standing.pid)
    return _judged(said.returncode, None, said.stderr.decode())


def _unblock(standing: Standing, _: str) -> Cell:
    """Threads that may not be stopped are left alone, and then nothing is done."""
    status, document, error = _asked(standing, "unblock", "USR2", standing.pid, "--yes")
    undone = document is None or not document["done"]
    hints = () if document is None else (one["why"] for one in document["left_alone"])
    cell = _judged(4 if undone else status, document, error)
    return Cell(cell.verdict, cell.because, (*cell.hints, *hints))


def _snapshot(standing: Standing, _: str) -> Cell:
    """What is missing in it shows when it is read."""
    file = f"{standing.folder}/snapshot.gz"
    status, written, error = _asked(standing, "snapshot", standing.pid, "-o", file)
    if status > 1:
        return _judged(status, written, error)
    return _judged(*_asked(standing, "pid", standing.pid, "--from", file))


def _run(standing: Standing, _: str) -> Cell:
    return _judged(*_asked(standing, "run", "--", "true")[:1], None, "")


def _decode(standing: Standing, _: str) -> Cell:
    return _judged(*_asked(standing, "decode", "4000")[:1], None, "")


COMMANDS: dict[str, Callable[[Standing, str], Cell]] = {
    "pid": _plain,
    "pid --attach": _plain,
    "tree": _plain,
    "handlers": _plain,
    "handlers --attach": _plain,
    "timers": _timers,
    "timers --attach": _timers,
    "seccomp": _plain,
    "explain": _explain,
    "restart": _restart,
    "restart --live": _live,
    "audit": _plain,
    "watch": _watch,
    "watch --engine bpf": _watch,
    "watch --engine perf": _watch,
    "watch --engine tracefs": _watch,
    "fcgi": _fcgi,
    "run": _run,
    "snapshot": _snapshot,
    "decode": _decode,
    "unblock": _unblock,
}
"""In the order in which they are tried: the last one changes the target."""
