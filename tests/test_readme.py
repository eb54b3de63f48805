"""README shows real output: every screen in it is what the command says today."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.harness.command import sigscope

README = Path(__file__).parent.parent / "README.md"
SCREEN = re.compile(r"^```\n\$ sigscope ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCREENS = SCREEN.findall(README.read_text())


def test_there_are_screens() -> None:
    names = [screen[0].split()[0] for screen in SCREENS]
    assert names == ["pid", "tree", "seccomp", "handlers", "timers", "watch", "fcgi"]


@pytest.mark.parametrize(("command", "screen"), SCREENS, ids=lambda text: text.split()[0])
def test_a_screen_is_what_the_command_says(
    command: str, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")  # a record is told in local time
    root = README.parent.as_posix()
    words = [word.replace("tests/", f"{root}/tests/") for word in shlex.split(command)]
    assert sigscope(*words).out == screen


def test_the_first_command_is_there() -> None:
    assert "scripts/sigscope tree" in README.read_text()
    assert (README.parent / "scripts" / "sigscope").stat().st_mode & 0o111
