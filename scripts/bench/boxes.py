"""What telling the containers apart costs: the tree by container, beside the plain tree.

Containers of five sleeping processes by runc, without a network and without a daemon. They are
started one after the other, which takes a tenth of a second each.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from build import environment
from command import Command
from errors import BenchError
from measurements import Measurement, Stage, tree, tree_by_files, wall
from report import Setting, text
from rounds import measure

PROCESSES = 5
ROUNDS = 9
GOAL = 1.3
SCRIPT = "for i in 1 2 3 4; do sleep 86400 & done; exec sleep 86400"
HOST = ("/bin", "/lib", "/lib64", "/usr")


def tree_by_container(stage: Stage) -> Command:
    return Command((stage.sigscope, "tree", "--by", "container"), statuses=(0, 1))


def tree_by_container_and_files(stage: Stage) -> Command:
    words = ("tree", "--by", "container", "--engine", "proc")
    return Command((stage.sigscope, *words), statuses=(0, 1))


MEASUREMENTS = (
    Measurement(
        "containers",
        "tree --by container, against the plain tree",
        wall,
        GOAL,
        subject=tree_by_container,
        base=tree,
    ),
    Measurement(
        "containers-files",
        "the same, by the files of /proc alone",
        wall,
        GOAL,
        subject=tree_by_container_and_files,
        base=tree_by_files,
    ),
)


@contextlib.contextmanager
def containers(count: int) -> Iterator[None]:
    """So many of them run while it is open; none is left afterwards."""
    runc = shutil.which("runc") or shutil.which("runc", path="/usr/sbin:/sbin")
    if runc is None or os.geteuid() != 0:
        raise BenchError("containers are made by runc, as root", "apt-get install runc")
    base = Path(tempfile.mkdtemp(prefix="sigscope-bench-"))
    (base / "rootfs").mkdir()
    place = f"sigscope-bench-{os.getpid()}"
    names = [secrets.token_hex(32) for _ in range(count)]
    try:
        for name in names:
            bundle = base / name
            bundle.mkdir()
            config = _config(base, f"/{place}/docker/{name}")
            (bundle / "config.json").write_text(json.dumps(config))
            _start(
                [runc, "--root", str(base / "state"), "run", "-d", "--bundle", str(bundle), name]
            )
        yield
    finally:
        for name in names:
            words = [runc, "--root", str(base / "state"), "delete", "--force", name]
            subprocess.run(words, capture_output=True, timeout=60)
        for inner in (f"{place}/docker", place):
            for folder in Path("/sys/fs/cgroup").glob(f"*/{inner}"):
                with contextlib.suppress(OSError):
                    folder.rmdir()
        shutil.rmtree(base, ignore_errors=True)


def _start(words: list[str]) -> None:
    """A container keeps what it inherits: no pipe, or one would wait for its end."""
    nowhere = subprocess.DEVNULL
    ran = subprocess.run(words, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=60)
    if ran.returncode:
        raise BenchError("runc does not start a container", " ".join(words))


def _config(base: Path, cgroup: str) -> dict[str, Any]:
    binds = [
        {"destination": path, "source": path, "type": "bind", "options": ["bind", "ro"]}
        for path in HOST
        if os.path.isdir(path)
    ]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/sh", "-c", SCRIPT],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
        },
        "root": {"path": str(base / "rootfs")},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, *binds],
        "linux": {
            "namespaces": [{"type": name} for name in ("pid", "mount", "ipc", "uts")],
            "cgroupsPath": cgroup,
        },
    }


def main(count: int) -> int:
    """Interleaved rounds; status 0 says that it was measured."""

    def say(line: str) -> None:
        print(f"bench: {line}", file=sys.stderr, flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="sigscope-bench-") as scratch:
            under_test = environment(None, Path(scratch))
            say(f"starting {count} containers")
            with containers(count):
                stage = Stage(under_test.python, under_test.sigscope, "", "", os.getpid())
                results = measure(MEASUREMENTS, stage, ROUNDS, 1, Path(scratch), say)
    except BenchError as error:
        say(error.message)
        say(f"try: {error.hint}")
        return 1
    for line in text(results, Setting(count * PROCESSES, 1, ROUNDS)):
        print(line)
    return 0
