"""The command that writes snapshots, and those that read them, on a bad day."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import pytest

from tests.kernel.command import sigscope

LAST_PID = 1 << 22


def test_cut_off_or_foreign_they_are_the_callers_mistake(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.gz", tmp_path / "part.gz"
    assert sigscope("snapshot", os.getpid(), "-o", whole).returncode == 0
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    foreign = tmp_path / "foreign.gz"
    foreign.write_bytes(gzip.compress(b"hello\n"))
    for file in (part, foreign, Path("/dev/null"), Path("/etc/passwd")):
        for name in ("pid", "tree"):
            done = sigscope(name, os.getpid(), "--from", file)
            assert (done.returncode, done.stdout) == (2, b"")
            assert str(file).encode() in done.stderr


def test_a_directory_is_no_snapshot(tmp_path: Path) -> None:
    assert sigscope("tree", "--from", tmp_path).returncode == 2


def test_a_file_that_was_there_is_kept_if_the_new_one_fails(tmp_path: Path) -> None:
    file = tmp_path / "kept.gz"
    file.write_bytes(b"before")
    done = sigscope("snapshot", LAST_PID, "-o", file)
    assert done.returncode == 3
    assert file.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.gz"]


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """As /dev/null would be: everything on the host that writes there would fill the disk."""
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root may make a device: sudo scripts/test")
    sigscope("snapshot", os.getpid(), "-o", device)
    assert stat.S_ISCHR(device.lstat().st_mode)


def test_a_link_is_followed_and_never_replaced(tmp_path: Path) -> None:
    """As /dev/stdout is one."""
    link, file = tmp_path / "link.gz", tmp_path / "file.gz"
    link.symlink_to(file)
    sigscope("snapshot", os.getpid(), "-o", link)
    assert link.is_symlink()
