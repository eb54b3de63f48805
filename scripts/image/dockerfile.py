"""Follow a Dockerfile without a daemon: as much of one as ours needs, and nothing else.

An instruction that is not known here ends it: whoever adds one to the Dockerfile adds it here.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

COMMENTS = "#"


@dataclass
class Image:
    """A stage: its root file system so far, and what is run in it."""

    root: Path
    directory: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        """A path of the image, as this machine knows it."""
        return self.root / os.path.normpath(os.path.join(self.directory, path)).lstrip("/")


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """(FROM, the rest of the line), ...: comments left out, lines that go on put together."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(COMMENTS)]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


def follow(file: Path, context: Path, stages: dict[str, Path]) -> Image:
    """The last stage. ``stages``: a root file system for each FROM, by the image's name."""
    named: dict[str, Image] = {}
    image: Image | None = None
    for word, rest in instructions(file.read_text("utf-8")):
        if word == "FROM":
            base, *alias = rest.split()
            image = Image(stages[base])
            if alias:
                named[alias[-1]] = image
        elif image is None:
            raise SystemExit(f"{file}: {word} before FROM")
        else:
            _obey(image, word, rest, context, named)
    assert image is not None
    return image


def _obey(image: Image, word: str, rest: str, context: Path, named: dict[str, Image]) -> None:
    if word == "WORKDIR":
        image.directory = rest
        image.inside(".").mkdir(parents=True, exist_ok=True)
    elif word == "COPY":
        _copy(image, rest.split(), context, named)
    elif word == "RUN":
        _run(image, rest)
    elif word in ("ENV", "LABEL"):
        pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
        (image.environment if word == "ENV" else image.labels).update(pairs)
    elif word == "USER":
        image.user = rest
    elif word == "ENTRYPOINT":
        image.entrypoint = json.loads(rest)
    elif word == "CMD":
        image.command = json.loads(rest)
    else:
        raise SystemExit(f"{word}: scripts/image/dockerfile.py does not know this instruction")


def _copy(image: Image, words: list[str], context: Path, named: dict[str, Image]) -> None:
    """A directory's content goes into the target, a file to it or, if it ends in /, into it."""
    root = context
    if words[0].startswith("--from="):
        root = named[words.pop(0).removeprefix("--from=")].root
    *sources, target = words
    place = image.inside(target)
    for source in (root / word.lstrip("/") for word in sources):
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__") if root == context else None
            shutil.copytree(source, place, ignore=ignored, symlinks=True, dirs_exist_ok=True)
        else:
            into = place / source.name if target.endswith("/") else place
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into)


def _run(image: Image, command: str) -> None:
    """With the programs of this machine; what it would write to /opt goes to the image's."""
    (image.root / "opt").mkdir(exist_ok=True)
    moved = command.replace("/opt/", f"{image.root}/opt/")
    subprocess.run(["sh", "-ec", moved], cwd=image.inside("."), check=True)
