"""Completion, typed into real shells: TAB is pressed, and what the command was given is read."""

from __future__ import annotations

import os
import pty
import runpy
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WRITER = runpy.run_path(str(ROOT / "scripts" / "gen_completion.py"))
FOLDER: Path = WRITER["FOLDER"]
PATIENCE = 30.0
READY = "sigscope-ready"
DONE = "sigscope-done"

BASH = ("bash", "--norc", "--noprofile", "-i")
ZSH = ("zsh", "-f", "-i")
LOAD_BASH = f"PS1='{READY[:3]}''{READY[3:]}> '; source {FOLDER}/sigscope"
LOAD_ZSH = (
    f"fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -u -D;"
    f" PS1='{READY[:3]}''{READY[3:]}> '"
)
SHELLS = (
    pytest.param(BASH, LOAD_BASH, id="bash"),
    pytest.param(ZSH, LOAD_ZSH, id="zsh"),
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with a sigscope on it that completes, and else writes down its arguments."""
    program = tmp_path / "sigscope"
    program.write_text(
        "#!/bin/sh\n"
        f'[ -n "$_SIGSCOPE_COMPLETE" ] && exec {sys.executable} -m sigscope\n'
        f"printf '%s\\n' \"$@\" >{tmp_path}/given\n"
        f"echo {DONE}\n"
    )
    program.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


@pytest.fixture
def named() -> Iterator[str]:
    """The name of a process that runs for this test alone."""
    name = f"tab{os.getpid()}x"
    code = f"open('/proc/self/comm', 'w').write({name!r}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield name
        process.kill()


def typed(shell: tuple[str, ...], load: str, keys: str, path: str) -> list[str]:
    """The arguments that sigscope got when these keys were typed, TAB included."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed: apt-get install {shell[0]}")
    ours, theirs = pty.openpty()
    folder = Path(path.split(":")[0])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "dumb", "PS1": ""}
    with subprocess.Popen(
        ["setsid", "--ctty", *shell],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=folder,
    ) as process:
        os.close(theirs)
        try:
            os.write(ours, f"{load}\n".encode())
            _read_until(ours, READY)
            os.write(ours, f"{keys}\n".encode())
            _read_until(ours, DONE)
        finally:
            process.kill()
            os.close(ours)
    return (folder / "given").read_text().split()


def _read_until(terminal: int, word: str) -> None:
    """Wait until the shell shows this word; what it has shown is in the failure."""
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while word.encode() not in shown:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            raise AssertionError(f"no {word} within {PATIENCE:.0f} s; shown: {shown!r}")
        shown += os.read(terminal, 4096)


@pytest.mark.parametrize("name", WRITER["SHELLS"])
def test_the_scripts_are_those_that_click_writes(name: str) -> None:
    text = (FOLDER / name).read_text()
    if not text.endswith(f"{WRITER['signature']()}\n"):
        pytest.skip(f"written by another click: {text.splitlines()[-1]}")
    assert text == WRITER["script"](name), "run: python3 scripts/gen_completion.py"


@pytest.mark.parametrize(("shell", "load"), SHELLS)
def test_a_command_is_completed(shell: tuple[str, ...], load: str, path: str) -> None:
    assert typed(shell, load, "sigscope pi\t4285", path) == ["pid", "4285"]


@pytest.mark.parametrize(("shell", "load"), SHELLS)
def test_an_option_is_completed(shell: tuple[str, ...], load: str, path: str) -> None:
    assert typed(shell, load, "sigscope tree --fa\tnote", path) == ["tree", "--fail-on", "note"]


@pytest.mark.parametrize(("shell", "load"), SHELLS)
def test_a_target_is_completed_from_the_processes_that_run(
    shell: tuple[str, ...], load: str, path: str, named: str
) -> None:
    assert typed(shell, load, f"sigscope pid {named[:-1]}\t-t", path) == ["pid", named, "-t"]


@pytest.mark.parametrize(
    ("typed_so_far", "expected"), [("pi", "pid"), ("tree --fa", "--fail-on"), ("snap", "snapshot")]
)
def test_fish_completes(typed_so_far: str, expected: str, path: str) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed: apt-get install fish")
    commands = f"source {FOLDER}/sigscope.fish; complete -C 'sigscope {typed_so_far}'"
    answer = subprocess.run(
        ["fish", "--no-config", "-c", commands],
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout
    assert expected in [line.split("\t")[0] for line in answer.splitlines()]
