"""The one file, made once."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.command import TREE


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sigscope.pyz of this checkout."""
    path = tmp_path_factory.mktemp("zipapp") / "sigscope.pyz"
    build(path)
    return path


def build(path: Path, *options: str) -> None:
    """Call scripts/build-zipapp."""
    done = subprocess.run(
        [str(TREE / "scripts" / "build-zipapp"), "-o", str(path), *options],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def private() -> Iterator[Path]:
    """A directory that nobody but this user, or root, could exchange: none below /tmp."""
    home = pwd.getpwuid(os.geteuid()).pw_dir
    with tempfile.TemporaryDirectory(prefix="sigscope-tests-", dir=home) as path:
        yield Path(path)
