"""Make the root file system of the image by hand, and run it with runc, as the image's own user.

    python3 scripts/image/rootfs.py DIRECTORY             an OCI bundle there
    python3 scripts/image/rootfs.py DIRECTORY -- tree     and run that: no capability, no write

It follows the Dockerfile. In place of its base image it takes the Python that runs this script, and
the libraries that ldd(1) says this needs. Needs pip and the package index, and runc to run it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from dockerfile import Image, follow, instructions

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
DOCKERFILE = HERE / "Dockerfile"
ACCOUNTS = """\
root:x:0:0:root:/root:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
"""
NOT_NEEDED = (
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "ensurepip",
    "lib2to3",
    "turtledemo",
    "config-*",
)
LIBRARY = re.compile(r"(?:=>\s*)?(/\S+) \(0x")


def build(bundle: Path) -> Image:
    """The root file system in ``bundle``/rootfs; it must not be there yet."""
    root = bundle / "rootfs"
    root.mkdir(parents=True)
    bases = [
        rest.split()[0] for word, rest in instructions(DOCKERFILE.read_text()) if word == "FROM"
    ]
    _interpreter(root)
    with tempfile.TemporaryDirectory(prefix="sigscope-image-") as scratch:
        image = follow(DOCKERFILE, CHECKOUT, {bases[0]: Path(scratch), bases[-1]: root})
    return image


def _interpreter(root: Path) -> None:
    """What a distroless image has: Python, its libraries, two accounts, empty directories."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefix, library = Path(sys.base_prefix), Path(sysconfig.get_path("stdlib"))
    ignored = shutil.ignore_patterns("site-packages", "dist-packages", *NOT_NEEDED)
    shutil.copytree(library, root / "usr" / "lib" / version, ignore=ignored, symlinks=True)
    programs = root / "usr" / "bin"
    programs.mkdir()
    shutil.copy2((prefix / "bin" / version).resolve(), programs / version)
    (programs / "python3").symlink_to(version)
    modules = (root / "usr" / "lib" / version / "lib-dynload").glob("*.so")
    for path in sorted(_needed([programs / version, *modules], prefix / "lib")):
        own = path.is_relative_to(prefix) and prefix != Path("/usr")
        place = root / "usr" / "lib" / path.name if own else root / str(path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    for name in ("dev", "etc", "opt", "proc", "sys", "home/nonroot"):
        (root / name).mkdir(parents=True)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text(ACCOUNTS)


def _needed(programs: list[Path], own: Path) -> set[Path]:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(own), "LC_ALL": "C"}
    done = subprocess.run(
        ["ldd", *programs], env=environment, capture_output=True, text=True, check=False
    )
    return {Path(path) for path in LIBRARY.findall(done.stdout)}


def configuration(image: Image, arguments: list[str]) -> dict[str, object]:
    """For runc: the user of the image, no capability, nothing writable, namespaces of its own."""
    user, group = map(int, image.user.split(":"))
    environment = {"PATH": "/usr/bin:/bin", **image.environment}
    empty: dict[str, list[str]] = {name: [] for name in ("bounding", "effective", "permitted")}
    namespaces = ("pid", "mount", "ipc", "uts", "network")
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": user, "gid": group},
            "args": [*image.entrypoint, *(arguments or image.command)],
            "env": [f"{name}={value}" for name, value in environment.items()],
            "cwd": "/",
            "noNewPrivileges": True,
            "capabilities": empty,
        },
        "root": {"path": "rootfs", "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": name} for name in namespaces]},
    }


def main() -> int:
    """The status of what was run."""
    directory, *rest = sys.argv[1:] or ["--help"]
    if directory.startswith("-") or (rest and rest[0] != "--"):
        print(__doc__)
        return 2
    bundle = Path(directory)
    if (bundle / "rootfs").exists():
        print(f"rootfs.py: {bundle}/rootfs is there already: name another place", file=sys.stderr)
        return 2
    image = build(bundle)
    (bundle / "config.json").write_text(json.dumps(configuration(image, rest[1:]), indent=2))
    if not rest:
        print(f"runc run --bundle {bundle} sigscope")
        return 0
    identity = f"sigscope-image-{secrets.token_hex(4)}"
    command = ["runc", "run", "--bundle", str(bundle), identity]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
