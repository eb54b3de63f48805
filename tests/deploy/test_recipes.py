"""What is told to be typed beside a container: it names only what is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.harness.command import TREE
from tests.test_docs import wrong_calls

PAGES = (TREE / "README.md", *sorted((TREE / "scripts" / "deploy").glob("**/*.md")))
IMAGE = "registry.example/sigscope:"
LINE = re.compile(r"^(?: {4}|\t)(\S.*?)(?:\s+# .*)?$", re.MULTILINE)


def lines(page: Path) -> list[str]:
    """Indented code, with lines that go on in the next made one."""
    return LINE.findall(page.read_text("utf-8").replace("\\\n", " "))


def calls(line: str) -> str:
    """``sigscope WORDS`` as it is run at last; "" if the line runs something else."""
    words = shlex.split(line, comments=True)
    places = [at for at, word in enumerate(words) if word.startswith(IMAGE)]
    if words[:2] == ["kubectl", "debug"] and "--arguments-only" in words:
        rest = words[words.index("--") + 1 :]
    elif words[:1] in (["docker"], ["podman"]) and places:
        rest = words[places[-1] + 1 :]
    elif "python3" in words and words[words.index("python3") + 1].endswith("/sigscope.pyz"):
        rest = words[words.index("python3") + 2 :]
    else:
        return ""
    return " ".join(("sigscope", *rest))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_commands_exist(page: Path) -> None:
    typed = list(filter(None, map(calls, lines(page))))
    assert "sigscope tree" in typed
    assert not list(wrong_calls("\n".join(typed)))


def test_an_option_that_does_not_exist_would_be_found() -> None:
    line = "docker exec -it web python3 /tmp/sigscope.pyz tree --no-such-option"
    assert list(wrong_calls(calls(line)))


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
