"""A /proc of another kernel, mounted somewhere: its own words count, not those of ours."""

from __future__ import annotations

import os
from pathlib import Path

from sigscope.kernel.procfs import ProcFS


def another(place: Path, arch: str | None) -> ProcFS:
    (place / "sys" / "kernel").mkdir(parents=True)
    if arch is not None:
        (place / "sys" / "kernel" / "arch").write_text(f"{arch}\n")
    return ProcFS(str(place))


def test_the_numbers_of_system_calls_are_those_of_its_machine(tmp_path: Path) -> None:
    assert another(tmp_path, "riscv64").machine == "riscv64"


def test_where_it_does_not_say_it_is_taken_for_one_like_ours(tmp_path: Path) -> None:
    assert another(tmp_path, None).machine == os.uname().machine
    assert ProcFS().machine == os.uname().machine


def test_its_users_are_not_named_by_our_file(tmp_path: Path) -> None:
    """Its PID 1 shows no root here: then there are uids, and no names."""
    assert another(tmp_path, "x86_64").users == {}
