"""The real command in a process of its own: ``sigscope("pid", 4285)``."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
ESCAPE = re.compile(rb"\x1b")
PLAIN = {"NO_COLOR", "COLUMNS", "LINES", "PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "LANG"}
"""Variables that change what is printed: a test sets those that it means."""


def environment(**more: str) -> dict[str, str]:
    """Ours, without what changes the output, and with the package to be found."""
    kept = {name: value for name, value in os.environ.items() if name not in PLAIN}
    found = os.pathsep.join((str(ROOT), str(Path(click.__file__).parent.parent)))
    return {**kept, "PYTHONPATH": found, "PYTHONDONTWRITEBYTECODE": "1", **more}


def command(*words: object, python: str = sys.executable) -> list[str]:
    return [python, "-m", "sigscope", *map(str, words)]


def sigscope(
    *words: object,
    env: dict[str, str] | None = None,
    check: bool = True,
    python: str = sys.executable,
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end; a traceback, or a status that is not in the manual, fails the test."""
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run(
        command(*words, python=python), env=environment(**(env or {})), timeout=60, **options
    )
    if check:
        no_traceback(done.returncode, done.stderr)
    return done


def no_traceback(status: int, stderr: bytes | None) -> None:
    text = (stderr or b"").decode(errors="replace")
    assert "Traceback" not in text, text
    assert "Exception ignored" not in text, text
    assert "bug in sigscope" not in text, text
    assert status in (0, 1, 2, 3, 4, 5, 130), (status, text)


def answer(*words: object, **options: Any) -> dict[str, Any]:
    """The JSON document that the command writes."""
    document: dict[str, Any] = json.loads(sigscope(*words, "--json", **options).stdout)
    return document


def as_nobody() -> dict[str, Any]:
    """Options that run the command without any privilege; skips where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user: sudo scripts/test")
    who: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    # The Python of a virtual environment may lie in a home that is closed to others.
    for python in (sys.executable, "/usr/bin/python3"):
        options = {**who, "python": python}
        with contextlib.suppress(OSError):
            if sigscope("--version", check=False, **options).returncode == 0:
                return options
    pytest.skip("user 65534 may not run this Python, or read this checkout")
