"""Put sigscope and what it needs into one file that any Python from 3.10 on runs.

Called by scripts/build-zipapp with a Python that has pip. The same commit gives the same bytes:
what is carried is pinned by its hash, entries are sorted and have no time (zlib may matter).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
SHEBANG = b"#!/usr/bin/env python3\n"
OLDEST = "3.10"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can tell."""
MARK = 'DIGEST = "not built"'
GPL = ("ptrace/", "python_ptrace-")
"""Under GPL-2.0-only: an archive with it is given away under that licence as a whole."""
NOT_RUN = ("/RECORD", "/WHEEL", "/INSTALLER", "/REQUESTED", "/entry_points.txt", "/top_level.txt")


def main() -> None:
    """See ``--help``."""
    parser = argparse.ArgumentParser(prog="scripts/build-zipapp", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=CHECKOUT / "sigscope.pyz")
    parser.add_argument(
        "--without-ptrace",
        action="store_true",
        help="leave out python-ptrace, which is under GPL-2.0-only; the rest is under permissive"
        " licences, and what pauses a process (--attach, unblock, restart --live) asks for it",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sigscope-zipapp-") as scratch:
        content = {**_own(), **_wheels(Path(scratch), not arguments.without_ptrace)}
    content |= _boot(content)
    _write(arguments.output, content)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.1f} MB")


def _own() -> dict[str, bytes]:
    files = [*CHECKOUT.glob("sigscope/**/*.py"), CHECKOUT / "LICENSE"]
    return {path.relative_to(CHECKOUT).as_posix(): path.read_bytes() for path in files}


def _wheels(scratch: Path, ptrace: bool) -> dict[str, bytes]:
    options = ("--no-deps", "--only-binary=:all:", f"--python-version={OLDEST}", "--require-hashes")
    quiet = ("-qq", "--disable-pip-version-check")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", *quiet, *options),
            *("--dest", str(scratch), "--requirement", str(HERE / "requirements.txt")),
        ],
        check=True,
    )
    return {
        name: text
        for wheel in sorted(scratch.glob("*.whl"))
        for name, text in _files(wheel)
        if ptrace or not name.startswith(GPL)
    }


def _files(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Modules, metadata (the version is told by it) and licences."""
    with zipfile.ZipFile(wheel) as packed:
        for entry in packed.infolist():
            name = entry.filename
            if entry.is_dir() or ".data/" in name or name.endswith(NOT_RUN):
                continue
            text = packed.read(entry)
            if text.startswith(b"\x7fELF"):
                sys.exit(f"{wheel.name} is compiled ({name}), and would run on one platform alone")
            yield name, text


def _boot(content: dict[str, bytes]) -> dict[str, bytes]:
    boot, start = ((HERE / name).read_bytes() for name in ("sigscope_boot.py", "start.py"))
    digest = hashlib.sha256(boot + start)
    for name in sorted(content):
        digest.update(f"{name}\0{len(content[name])}\0".encode() + content[name])
    assert MARK.encode() in boot
    marked = boot.replace(MARK.encode(), f'DIGEST = "{digest.hexdigest()[:32]}"'.encode())
    return {"__main__.py": start, "sigscope_boot.py": marked}


def _write(path: Path, content: dict[str, bytes]) -> None:
    """All of it, or what was there before."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:
            file.write(SHEBANG)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
                for name in sorted(content):
                    entry = zipfile.ZipInfo(name, EPOCH)
                    entry.create_system, entry.external_attr = 3, 0o100644 << 16
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    packed.writestr(entry, content[name])
        unfinished.chmod(0o755)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
