"""What is told to be typed beside a container: it names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness.command import TREE
from tests.test_docs import wrong_calls

PAGES = (TREE / "README.md", *sorted((TREE / "scripts" / "deploy").glob("**/*.md")))
LINE = re.compile(r"^(?: {4}|\t)(\S.*?)(?:\s+# .*)?$", re.MULTILINE)


def lines(page: Path) -> list[str]:
    """Indented code, with lines that go on in the next made one."""
    return LINE.findall(page.read_text("utf-8").replace("\\\n", " "))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_commands_exist(page: Path) -> None:
    calls = [line.replace("sigscope.pyz ", "sigscope ") for line in lines(page)]
    typed = [line for line in calls if not line.startswith(("kubectl cp", "docker cp"))]
    assert not list(wrong_calls("\n".join(typed)))
    assert any("sigscope tree" in line for line in typed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_scripts_exist(page: Path) -> None:
    named = re.findall(r"\bscripts/[\w./-]*\w", page.read_text("utf-8"))
    assert named
    assert not [name for name in named if not (TREE / name).exists()]


def test_a_newcomer_finds_the_recipe() -> None:
    """In one minute: it stands in a section of its own, before the reader is half through."""
    text = (TREE / "README.md").read_text("utf-8")
    place = text.index("one file to copy\n")
    assert text[:place].count("\n") < text.count("\n") / 2
    recipe = text[place:].partition("\n## ")[0]
    for word in ("kubectl cp", "kubectl debug", "docker cp", "--pid=container:", "build-zipapp"):
        assert word in recipe
