"""The targets of a situation, compiled once."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from tests.harness.build import FLAGS, directory

SOURCES = Path(__file__).parent


@functools.cache
def program() -> Path:
    """The path of the program."""
    path = directory() / "situation"
    sources = sorted(map(str, SOURCES.glob("*.c")))
    subprocess.run(["gcc", *FLAGS, "-o", str(path), *sources], check=True, timeout=120)
    return path
