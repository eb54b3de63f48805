"""Compile the targets: `build("zombie")` is the path of a program."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

TARGETS = Path(__file__).parent.parent / "targets"
FLAGS = ("-std=gnu17", "-O1", "-g", "-pthread", "-Wall", "-Wextra", "-Werror")


@functools.cache
def directory() -> Path:
    """Where this session's programs and notes go; removed at its end."""
    path = Path(tempfile.mkdtemp(prefix="sigscope-tests-"))
    # Some launchers give up root before they run our recorder.
    path.chmod(0o755)
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


def compiler() -> str | None:
    """The C compiler, or None where there is none."""
    return shutil.which("gcc") or shutil.which("cc")


@functools.cache
def build(name: str) -> Path:
    """The program made of `tests/targets/NAME.c`; skips the test where nothing can compile it."""
    gcc = compiler()
    if gcc is None:
        pytest.skip("no C compiler for the targets: apt-get install gcc libc6-dev")
    program = directory() / name
    subprocess.run(
        [gcc, *FLAGS, "-o", str(program), str(TARGETS / f"{name}.c")], check=True, timeout=120
    )
    return program


def required(program: str, package: str) -> str:
    """The path of an installed program; skips the test, with the remedy, where it is missing."""
    places = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    path = shutil.which(program, path=places)
    if path is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    return path
