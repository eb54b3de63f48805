"""The systemd unit: verified by systemd, and its command run under the restrictions it names."""

from __future__ import annotations

import configparser
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.boxes import Box
from tests.harness.build import required
from tests.harness.command import TREE
from tests.harness.targets import Target

UNITS = TREE / "scripts" / "deploy" / "systemd"
EXPOSED = "2.0"
"""Of ten, by systemd's own count; 1.6 when it was written."""
DYNAMIC_USER = 61184  # the first that systemd gives away (systemd.exec(5), DynamicUser=)
WRITE_XOR_EXECUTE = (
    "import ctypes, os, sys;"
    "assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) in (0, -1);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""PR_SET_MDWE is what MemoryDenyWriteExecute= sets, since Linux 6.3."""


class Settings(dict[str, list[str]]):
    """Of the section [Service]; a name may be given several times."""

    def __init__(self) -> None:
        text = (UNITS / "sigscope-audit.service").read_text("utf-8")
        for line in text.partition("[Service]\n")[2].splitlines():
            if match := re.match(r"(\w+)=(.*)", line):
                self.setdefault(match[1], []).append(match[2])

    def words(self, name: str) -> list[str]:
        (value,) = self[name]
        return value.split()


def members(group: str) -> Iterator[str]:
    """The system calls of a group as systemd has it: @system-service."""
    listed = subprocess.run(
        [required("systemd-analyze", "systemd"), "syscall-filter", group],
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listed.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            yield from members(word)
        elif word and not word.startswith("#"):
            yield word


def allowed(filters: list[str]) -> set[str]:
    """First those that are allowed, then those that are taken away again."""
    calls: set[str] = set()
    for line in filters:
        words = line.removeprefix("~").split()
        named = {call for word in words for call in (members(word) if word[0] == "@" else [word])}
        calls = calls - named if line.startswith("~") else calls | named
    return calls


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they would be where sigscope is installed: a command at that path."""
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8").replace("/usr/local/bin/sigscope", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def test_systemd_has_nothing_to_say(installed: Path) -> None:
    units = sorted(str(path) for path in installed.iterdir())
    assert [Path(unit).suffix for unit in units] == [".service", ".timer"]
    done = subprocess.run(
        [required("systemd-analyze", "systemd"), "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_mistake_would_be_told(installed: Path) -> None:
    unit = installed / "sigscope-audit.service"
    unit.write_text(unit.read_text("utf-8").replace("ProtectHome=yes", "ProtectHome=maybe"))
    done = subprocess.run(
        [required("systemd-analyze", "systemd"), "verify", "--man=no", unit],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Failed to parse protect home value" in done.stderr


def test_it_is_exposed_to_little(installed: Path) -> None:
    threshold = f"--threshold={float(EXPOSED) * 10:.0f}"
    unit = installed / "sigscope-audit.service"
    command = [required("systemd-analyze", "systemd"), "security", "--offline=true", threshold]
    done = subprocess.run([*command, unit], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_the_page_that_it_names_exists() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(UNITS / "sigscope-audit.timer")
    assert parser["Unit"]["Documentation"] == "man:sigscope-audit(1)"
    assert (TREE / "man" / "sigscope-audit.1").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root: sudo scripts/test")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the calls of another architecture")
def test_its_command_works_under_its_restrictions(archive: Path, anothers: Target) -> None:
    settings = Settings()
    capabilities = settings.words("AmbientCapabilities")
    assert capabilities == settings.words("CapabilityBoundingSet")
    calls = allowed(settings["SystemCallFilter"])
    assert not calls & {"ptrace", "kill", "process_vm_writev", "mount", "open_by_handle_at"}
    box = Box(
        user=DYNAMIC_USER,
        capabilities=capabilities,
        ambient=True,
        calls=calls,
        host_pids=True,
        files={"/sigscope.pyz": archive},
    )
    program, *words = settings.words("ExecStart")
    assert program == "/usr/local/bin/sigscope"
    python = ("/opt/python/bin/python3", "-c", WRITE_XOR_EXECUTE, "/opt/python/bin/python3")
    said = box.run(*python, "/sigscope.pyz", *words, "--json")
    assert said.status == 1, said.err
    assert (anothers.pid, "blocked-pending") in {
        (one["pid"], one["id"]) for one in said.document["findings"]
    }
    if Path("/sys/kernel/btf/vmlinux").exists():
        assert "bpf" in said.document["engine"]
    refused = box.run(*python, "/sigscope.pyz", "unblock", "ALRM", anothers.pid, "--yes")
    assert refused.status == 4, "it can alter nobody"
