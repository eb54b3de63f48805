"""What is measured, made ready once: the C programs, and sigscope as users have it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from command import ENVIRONMENT
from errors import BenchError

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
NOT_SOURCE = (".git", ".*", "build", "dist", "*.egg-info", "__pycache__", "venv")
PIP_ASIDE = "subprocess-exited-with-error"


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python that has sigscope, and the sigscope command beside it."""

    python: str
    sigscope: str


def compile_c(name: str, scratch: Path) -> Path:
    """Builds ``name``.c of this directory; raises BenchError without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BenchError(
            "no C compiler, and the floor is written in C", "apt install gcc libc6-dev"
        )
    program = scratch / name
    source = HERE / f"{name}.c"
    _call(
        f"cannot compile {source.name}",
        "apt install libc6-dev",
        compiler,
        "-O2",
        "-pthread",
        "-o",
        str(program),
        str(source),
    )
    return program


def environment(path: Path | None, scratch: Path) -> Environment:
    """The sigscope to measure.

    ``path`` is a sigscope command, a virtual environment that has one, or a checkout; None
    is the checkout that this script belongs to. A checkout is installed, and not run from
    where it is: that is what users have, with its .pyc files and its entry point.
    """
    path = CHECKOUT if path is None else path.absolute()
    if (path / "setup.cfg").is_file():
        return _install(path, scratch)
    command = path / "bin" / "sigscope" if path.is_dir() else path
    python = command.with_name("python")
    if not (command.is_file() and python.exists()):
        raise BenchError(
            f"{path}: no checkout, and no sigscope command with a python beside it",
            "python3 scripts/bench --sigscope .venv/bin/sigscope",
        )
    return Environment(str(python), str(command))


def archive(scratch: Path) -> str:
    """sigscope.pyz of this checkout; on its first run it unpacks itself for the user."""
    path = scratch / "sigscope.pyz"
    script = CHECKOUT / "scripts" / "build-zipapp"
    _call("cannot build sigscope.pyz", str(script), str(script), "-o", str(path))
    return str(path)


def _install(checkout: Path, scratch: Path) -> Environment:
    # A copy, because setuptools leaves build/ and an egg-info in the tree that it builds.
    copy = scratch / "checkout"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    venv = scratch / "venv"
    _call(
        "cannot make a virtual environment",
        "apt install python3-venv",
        sys.executable,
        "-m",
        "venv",
        str(venv),
    )
    python = venv / "bin" / "python"
    _call(
        "cannot install the checkout",
        "python3 scripts/bench --sigscope .venv/bin/sigscope",
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        str(copy),
    )
    return Environment(str(python), str(venv / "bin" / "sigscope"))


def _call(trouble: str, hint: str, *argv: str) -> None:
    done = subprocess.run(argv, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        # The last line is often advice, and pip's first error only says that there are others.
        errors = (line for line in said if "error: " in line.lower() and PIP_ASIDE not in line)
        cause = next(errors, said[-1])
        raise BenchError(f"{trouble}: {cause.strip()}", hint)
