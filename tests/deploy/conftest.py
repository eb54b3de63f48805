"""The one file, made once."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.build import build as build_target
from tests.harness.build import required
from tests.harness.command import TREE
from tests.harness.targets import Target, clean
from tests.harness.users import own_user


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


@pytest.fixture(scope="module")
def anothers() -> Iterator[Target]:
    """A process of a user that is not root: by its own mask and handler, its SIGALRM is stuck.

    What there is to say of it needs its descriptors, for a signalfd might take the signal.
    """
    user = own_user()
    drop = [required("setpriv", "util-linux"), f"--reuid={user}", f"--regid={user}"]
    if os.geteuid() != 0:
        pytest.skip("only root can be another: sudo scripts/test")
    command = [*drop, "--clear-groups", *clean([str(build_target("blocked_pending"))])]
    with Target("blocked_pending", command, {}) as target:
        yield target


@pytest.fixture
def private() -> Iterator[Path]:
    """A directory that nobody but this user, or root, could exchange: none below /tmp."""
    home = pwd.getpwuid(os.geteuid()).pw_dir
    with tempfile.TemporaryDirectory(prefix="sigscope-tests-", dir=home) as path:
        yield Path(path)
