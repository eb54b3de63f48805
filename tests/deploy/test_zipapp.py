"""sigscope.pyz: one file, on whatever Python is there, and no trust where others can write."""

from __future__ import annotations

import configparser
import filecmp
import os
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.deploy.boxes import HERE, NOBODY, Box
from tests.deploy.conftest import build
from tests.harness.command import TREE, Said

LARGEST = 8_000_000
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="runc and chown need root")


def pythons() -> Iterator[Path]:
    """The interpreter that runs the tests, and one of each other version that is here."""
    yield Path(sys.executable)
    for minor in range(10, 20):
        found = [
            *sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")),
            *Path("/usr/bin").glob(f"python3.{minor}"),
        ]
        if found and sys.version_info[1] != minor:
            yield found[0]


def too_old() -> Iterator[Path]:
    for version in ("2.7", *(f"3.{minor}" for minor in range(6, 10))):
        yield from list(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))[:1]


def version(python: Path) -> str:
    return python.parent.parent.name if ".pyenv" in python.parts else python.name


PYTHONS = tuple(pythons())


def run(python: Path | str, archive: Path, *words: str | int, **environment: str) -> Said:
    """Nothing is unpacked on this machine if the test does not name a place."""
    environment = environment or {"SIGSCOPE_CACHE": ""}
    done = subprocess.run(
        [str(python), "-B", str(archive), *map(str, words)],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def unpacked(cache: Path) -> list[str]:
    above = cache / "sigscope"
    return sorted(path.name for path in above.iterdir()) if above.exists() else []


def digest(archive: Path) -> str:
    with zipfile.ZipFile(archive) as packed:
        found = dict[str, str]()
        exec(packed.read("sigscope_boot.py"), {"__name__": "boot"}, found)
    return found["DIGEST"]


def test_the_same_commit_gives_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    build(tmp_path / "again.pyz")
    assert filecmp.cmp(archive, tmp_path / "again.pyz", shallow=False)


def test_it_carries_what_setup_cfg_names_but_psutil() -> None:
    parser = configparser.ConfigParser()
    parser.read(TREE / "setup.cfg")
    wanted = dict(line.split(">=") for line in parser["options"]["install_requires"].split())
    pins = (TREE / "scripts" / "zipapp" / "requirements.txt").read_text("utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)", pins, re.MULTILINE))
    assert wanted.keys() - pinned.keys() == {"psutil"}
    for name, at_least in wanted.items():
        if name != "psutil":
            assert number(pinned[name]) >= number(at_least), name


def number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_it_is_small_and_nothing_in_it_is_compiled_for_one_platform(archive: Path) -> None:
    """What can be held of musl here: no machine code, and no library to be missing.

    A CPython 3.11.2 that was built with musl-gcc, by hand, ran it: the masks, BPF and ptrace.
    """
    assert archive.stat().st_size < LARGEST
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        assert names == sorted(names)
        for name in names:
            assert not name.endswith((".so", ".pyc", ".pyd")), name
            assert not packed.read(name).startswith(b"\x7fELF"), name
        assert "LICENSE" in names
        assert "python_ptrace-0.9.9.dist-info/COPYING" in names


@pytest.mark.parametrize("python", PYTHONS, ids=version)
def test_every_python_runs_it(python: Path, archive: Path, target: TARGET_FIXTURE) -> None:
    hung = target("blocked_pending")
    assert run(python, archive, "--version").out == "sigscope 0.1.0\n"
    said = run(python, archive, "pid", hung.pid)
    assert said.status == 1
    assert "ERROR    SIGALRM is pending and blocked in its only thread" in said.out
    assert said.err == ""


@pytest.mark.parametrize("python", tuple(too_old()), ids=version)
def test_an_older_python_is_told_what_is_needed(python: Path, archive: Path) -> None:
    said = run(python, archive, "pid", 1)
    assert said.status == 5
    assert said.err.startswith("sigscope: needs Python 3.10 or newer, and this is ")
    assert "Traceback" not in said.err


def test_once_unpacked_it_runs_from_there(archive: Path, private: Path) -> None:
    """The interpreter is told to write no bytecode (-B), as in images: there it does."""
    for _ in range(2):
        assert run(sys.executable, archive, "decode", "4000", HOME=str(private)).status == 0
        (place,) = (private / ".cache" / "sigscope").iterdir()
        assert place.name == digest(archive)
        assert place.stat().st_mode & 0o777 == 0o700
        assert list(place.glob("sigscope/cli/__pycache__/decode.*.pyc"))


def test_where_it_is_unpacked(archive: Path, private: Path) -> None:
    run(sys.executable, archive, "--version", HOME=str(private))
    assert unpacked(private / ".cache") == [digest(archive)]
    other = private / "other"
    other.mkdir()
    run(sys.executable, archive, "--version", HOME=str(private), XDG_CACHE_HOME=str(other))
    assert unpacked(other) == [digest(archive)]


def test_many_first_starts_at_a_time(archive: Path, private: Path) -> None:
    command = [sys.executable, str(archive), "decode", "4000"]
    environment = {"SIGSCOPE_CACHE": str(private)}
    crowd = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    for one in crowd:
        out, err = one.communicate(timeout=120)
        assert (one.returncode, err) == (0, b"")
        assert b"SIGTERM" in out
    assert unpacked(private) == [digest(archive)]


def test_old_ones_are_forgotten(archive: Path, private: Path) -> None:
    for number in range(5):
        (private / "sigscope" / f"old{number}").mkdir(parents=True)
        os.utime(private / "sigscope" / f"old{number}", (number, number))
    os.chmod(private / "sigscope", 0o700)
    assert run(sys.executable, archive, "--version", SIGSCOPE_CACHE=str(private)).status == 0
    assert unpacked(private) == sorted([digest(archive), "old3", "old4"])


def test_what_others_unpack_at_this_moment_stays(archive: Path, private: Path) -> None:
    for number in range(5):
        (private / "sigscope" / f"unpacking-{number}").mkdir(parents=True)
    os.chmod(private / "sigscope", 0o700)
    assert run(sys.executable, archive, "--version", SIGSCOPE_CACHE=str(private)).status == 0
    assert len(unpacked(private)) == 6


def plant(above: Path, archive: Path) -> Path:
    """What an attacker would put there: a package that says that it ran."""
    evil = above / "sigscope" / digest(archive) / "sigscope"
    evil.mkdir(parents=True)
    (evil / "__init__.py").write_text("__version__ = 'evil'\n")
    (evil / "__main__.py").write_text("def run():\n    print('evil')\n")
    return evil.parent


@ROOT_ONLY
@pytest.mark.parametrize("owned", ["above", "place"])
def test_code_of_another_user_is_not_run(owned: str, archive: Path, private: Path) -> None:
    place = plant(private, archive)
    os.chown(place if owned == "place" else place.parent, NOBODY, NOBODY)
    said = run(sys.executable, archive, "--version", SIGSCOPE_CACHE=str(private))
    assert (said.status, said.out) == (0, "sigscope 0.1.0\n")


@pytest.mark.parametrize("bits", [0o1777, 0o777, 0o770])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_place_is_trusted_where_others_may_write(
    bits: int, depth: int, archive: Path, private: Path
) -> None:
    place = plant(private, archive)
    [place, place.parent, private][depth].chmod(bits)
    said = run(sys.executable, archive, "--version", SIGSCOPE_CACHE=str(private))
    assert (said.status, said.out) == (0, "sigscope 0.1.0\n")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_link_is_followed_to_where_others_may_write(
    depth: int, archive: Path, private: Path, tmp_path: Path
) -> None:
    """tmp_path is below /tmp: whoever may write there could exchange what is found."""
    place = plant(tmp_path, archive)
    target = [place, place.parent, tmp_path][depth]
    safe = private / "base" / "sigscope" / place.name
    link = [safe, safe.parent, safe.parent.parent][depth]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    said = run(sys.executable, archive, "--version", SIGSCOPE_CACHE=str(private / "base"))
    assert (said.status, said.out) == (0, "sigscope 0.1.0\n")


def test_nothing_is_unpacked_if_that_is_not_wanted(archive: Path, private: Path) -> None:
    said = run(sys.executable, archive, "--version", SIGSCOPE_CACHE="", HOME=str(private))
    assert said.out == "sigscope 0.1.0\n"
    assert not list(private.iterdir())


def test_a_damaged_copy_is_told(archive: Path, private: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pyz"
    with zipfile.ZipFile(archive) as packed:
        entry = packed.getinfo("sigscope/cli/decode.py")
    content = bytearray(archive.read_bytes())
    content[entry.header_offset + 200 : entry.header_offset + 208] = bytes(8)
    damaged.write_bytes(content)
    said = run(sys.executable, damaged, "--version", SIGSCOPE_CACHE=str(private))
    assert said.status == 5
    assert "is damaged" in said.err
    assert "copy it once more" in said.err
    assert unpacked(private) == []


@ROOT_ONLY
@pytest.mark.parametrize("python", PYTHONS, ids=version)
def test_in_a_container_with_a_read_only_root_nobody_runs_it(python: Path, archive: Path) -> None:
    """Without a HOME, a name, a capability, a place to write, or psutil."""
    prefix = subprocess.check_output(
        [python, "-c", "import sys; print(sys.base_prefix)"], text=True
    ).strip()
    if prefix == "/usr":
        pytest.skip("the system's own Python is no prefix that could be mounted elsewhere")
    box = Box(Path(prefix), user=NOBODY, files={"/sigscope.pyz": archive})
    said = box.run("/opt/python/bin/python3", "/sigscope.pyz", "pid", 1, "--json")
    assert said.status in (0, 1), said.err
    (process,) = said.document["processes"]
    assert process["cmdline"][1:] == ["/sigscope.pyz", "pid", "1", "--json"]
    assert process["uid"] == NOBODY


@ROOT_ONLY
def test_a_full_disk_costs_nothing_but_time(archive: Path) -> None:
    box = Box(
        files={"/sigscope.pyz": archive},
        memory={"/full": "64k"},
        environment={"HOME": "/full"},
        user=0,
    )
    said = box.run("/opt/python/bin/python3", "/sigscope.pyz", "--version")
    assert (said.status, said.out, said.err) == (0, "sigscope 0.1.0\n", "")


def test_without_psutil_connections_are_told_all_the_same(archive: Path) -> None:
    python = HERE / "bin" / "python3"
    assert subprocess.run([python, "-c", "import psutil"], capture_output=True).returncode
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        said = run(python, archive, "explain", "KILL", os.getpid(), "--json")
        (explanation,) = said.document["explanations"]
        host, port = server.getsockname()
    assert f"{host}:{port}" in explanation["loss"]["connections"]


def test_without_ptrace_what_pauses_asks_for_it(tmp_path: Path, target: TARGET_FIXTURE) -> None:
    """Such an archive has nothing under the GPL in it."""
    slim = tmp_path / "slim.pyz"
    build(slim, "--without-ptrace")
    with zipfile.ZipFile(slim) as packed:
        assert not [name for name in packed.namelist() if "ptrace-" in name]
        licences = [name for name in packed.namelist() if name.endswith("dist-info/METADATA")]
        assert not [name for name in licences if b"GPL" in packed.read(name)]
    hung = target("blocked_pending")
    python = HERE / "bin" / "python3"
    assert run(python, slim, "pid", hung.pid).status == 1
    said = run(python, slim, "unblock", "ALRM", hung.pid, "--yes")
    assert said.status == 5
    assert "python-ptrace cannot be loaded" in said.err
