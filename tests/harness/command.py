"""Run the real command, as a user does, and keep what it said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

PATIENCE = 60.0
ATTEMPTS = 8
TREE = Path(__file__).resolve().parent.parent.parent

T = TypeVar("T")


@dataclass(frozen=True)
class Said:
    """Exit status, standard output and standard error of one run."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The answer to --json."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    def ids(self, pid: int) -> set[str]:
        """The findings about one process, as "error blocked-pending"."""
        return {
            f"{finding['severity']} {finding['id']}"
            for finding in self.document["findings"]
            if finding["pid"] == pid
        }


def sigscope_within(init: int, *args: str | int) -> Said:
    """The same in the pid and mount namespace of this init, whose PID 1 it then sees."""
    enter = ("nsenter", "--target", str(init), "--pid", "--mount", "--")
    ran = subprocess.run(
        [*enter, sys.executable, "-m", "sigscope", *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(TREE)},
    )
    return Said(ran.returncode, ran.stdout, ran.stderr)


def sigscope(*args: str | int | Path, columns: int = 80, stdin: str = "") -> Said:
    """``sigscope ARGS`` with a terminal width, and no terminal."""
    ran = subprocess.run(
        [sys.executable, "-m", "sigscope", *map(str, args)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": str(columns), "LANG": "C.UTF-8"},
    )
    return Said(ran.returncode, ran.stdout, ran.stderr)


def told_alike(live: Callable[[], T], recorded: Callable[[], T]) -> T:
    """What was told live, and from a recording just the same.

    What is looked at, and its ancestors, may move between two looks: the live answer is asked
    for before the recording is made and after it, until nothing moved. A difference that is not
    one of time stays, and fails.
    """
    for _ in range(ATTEMPTS):
        before, told, after = live(), recorded(), live()
        if before == told == after:
            break
    assert told == before
    assert told == after
    return told
