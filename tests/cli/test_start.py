"""A command loads what it needs, and nothing else: half of a short answer's time is loading."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.command import environment

LOADED = """\
import json, sys
import click
before = set(sys.modules)
from sigscope.cli.main import main
status = main({words!r})
print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
sys.exit(status)
"""
SLOW = (
    *("psutil", "ptrace", "tabulate", "sigscope.api", "sigscope.render.table"),
    *("shutil", "traceback", "textwrap", "difflib", "subprocess", "click.shell_completion"),
    *("sigscope.kernel.snapshot", "sigscope.kernel.details", "sigscope.decode.settings"),
)
"""What a process told in JSON needs none of."""


def loaded(*words: str) -> set[str]:
    """What a Python of its own has loaded for this command, beside click and what that loads."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(words=words)],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    assert json.loads(done.stdout)["schema"] == "sigscope/1"
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def for_one_process() -> set[str]:
    return loaded("pid", str(os.getpid()), "--json")


@pytest.mark.parametrize("module", SLOW)
def test_a_process_in_json_is_told_without(module: str, for_one_process: set[str]) -> None:
    assert module not in for_one_process


def test_other_commands_stay_where_they_are(for_one_process: set[str]) -> None:
    commands = {path.stem for path in (Path(__file__).parents[2] / "sigscope" / "cli").iterdir()}
    others = {"tree", "audit", "explain", "snapshot", "decode"} & commands
    assert others
    assert not {f"sigscope.cli.{name}" for name in others} & for_one_process


def imported(*words: str) -> set[str]:
    """All that a Python of its own loads for this, as it says itself."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", *words],
        env=environment(),
        cwd="/",  # by fork: posix_spawn would leave 32 and 33 ignored, which takes more to undo
        capture_output=True,
        check=True,
        timeout=60,
    )
    return {line.rsplit("|")[-1].strip() for line in done.stderr.decode().splitlines()}


def test_run_without_options_loads_next_to_nothing() -> None:
    """It is started as often as what it starts: Python's own start is all that it costs."""
    entry = "from sigscope.__main__ import run; run()"
    more = imported(entry, "run", "--", "true") - imported("pass")
    assert "sigscope.kernel.cleaning" in more
    assert not {"typing", "enum", "ctypes", "re", "dataclasses", "sigscope.errors"} & more
    assert len(more) < 15, sorted(more)
