"""A snapshot answers as the host did: the same documents, apart from the time."""

from __future__ import annotations

import gzip
import json
import secrets
from pathlib import Path
from signal import SIGALRM, SIGTERM
from typing import Any

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness.command import told_alike
from tests.kernel.command import answer, as_nobody, sigscope

SITUATIONS: dict[str, tuple[Any, ...]] = {
    "blocked_pending": (),
    "thread_pending": (),
    "sigwait_thread": (),
    "signalfd_polled": (),
    "signalfd_unread": (),
    "dead_leader": (),
    "stopped": (),
    "ignores": ({SIGTERM, SIGALRM},),
    "one_thread_blocks": (),
    "hostile_comm": ("1b5b6dff0a5c29285c6ec2", b"a\nb\x1b[31m\xff", ""),
}


def without_time(document: dict[str, Any]) -> dict[str, Any]:
    """Nor the queue: that is of all processes of the user, and theirs go on."""
    for process in document["processes"]:
        del process["queue"]
    return {name: value for name, value in document.items() if name != "time"}


def live(*pids: int, **options: Any) -> dict[str, Any]:
    return without_time(answer("pid", *pids, **options))


def recorded(place: Path, *pids: int, **options: Any) -> dict[str, Any]:
    """The same, from a snapshot that is taken now (with ``options``)."""
    file = place / "taken.gz"
    file.write_bytes(sigscope("snapshot", *pids, "-o", "-", **options).stdout)
    return without_time(answer("pid", *pids, "--from", file))


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_process_is_told_from_its_snapshot_as_it_was_told_live(
    name: str, target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    one = target(name, *SITUATIONS[name])
    told = told_alike(lambda: live(one.pid), lambda: recorded(tmp_path, one.pid))
    assert told["processes"][0]["pid"] == one.pid


def test_an_inheritance_is_told_from_a_snapshot_as_it_was_told_live(
    target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    options = ("--workers", 3, "--workers-block", {SIGTERM, SIGALRM}, "--fork-by", 2)
    server = target("spawner", *options, "--", "sleep", "600")
    pids = server.children["child"], server.pid
    told = told_alike(lambda: live(*pids), lambda: recorded(tmp_path, *pids))
    origins = [line["origin"] for line in told["lineage"] if line["pid"] == pids[0]]
    assert {origin["tid"] for origin in origins if origin} == {server.truth["forker"]}


def test_what_was_refused_is_refused_again_from_the_snapshot(
    target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    """Not permitted is another thing than not there, and the snapshot keeps them apart."""
    unprivileged = as_nobody()
    one = target("blocked_pending")

    def missing(document: dict[str, Any]) -> list[tuple[str, str]]:
        return [(gap["what"], gap["why"]) for gap in document["gaps"]]

    told = told_alike(
        lambda: missing(live(one.pid, **unprivileged)),
        lambda: missing(recorded(tmp_path, one.pid, **unprivileged)),
    )
    assert (f"exe of {one.pid}", "permission denied") in told


def test_the_whole_host_fits_in_one_file_that_only_its_owner_may_read(
    target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    one, file = target("blocked_pending"), tmp_path / "host.gz"
    told = answer("snapshot", "-o", file)
    assert told["file"] == str(file)
    assert told["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["host.gz"]
    shown = sigscope("tree", "--from", file)
    assert f"blocked_pending {one.pid}".encode() in shown.stdout
    assert shown.returncode == 1


@pytest.mark.parametrize("whole", [True, False], ids=["host", "process"])
def test_redacted_no_argument_and_no_environment_is_anywhere_in_the_file(
    whole: bool, target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    argument, variable = secrets.token_hex(16), secrets.token_hex(16)
    one = target("hostile_comm", "61", f"--password={argument}", SECRET=variable)
    words = () if whole else (one.pid,)
    plain, redacted = tmp_path / "plain.gz", tmp_path / "redacted.gz"
    sigscope("snapshot", *words, "-o", plain)
    sigscope("snapshot", *words, "--redact", "-o", redacted)
    assert argument in gzip.decompress(plain.read_bytes()).decode()
    for file in (plain, redacted):
        assert variable not in gzip.decompress(file.read_bytes()).decode()
    assert argument not in gzip.decompress(redacted.read_bytes()).decode()
    told = answer("pid", one.pid, "--from", redacted)
    assert told["processes"][0]["cmdline"] is None
    assert "--redact" in "".join(gap["hint"] for gap in told["gaps"])


def paths(file: Path) -> list[str]:
    lines = gzip.decompress(file.read_bytes()).splitlines()[1:-1]
    return [json.loads(line)["path"] for line in lines]


def test_a_snapshot_of_one_process_tells_nothing_of_its_neighbours(
    target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    one, other, file = target("ignores", ""), target("stopped"), tmp_path / "one.gz"
    sigscope("snapshot", one.pid, "-o", file)
    assert f"{one.pid}/status" in paths(file)
    assert not [path for path in paths(file) if path.startswith(f"{other.pid}/")]
    told = answer("tree", "--all", "--from", file)
    assert other.pid not in [process["pid"] for process in told["processes"]]
    assert sigscope("pid", "stopped", "--from", file).stderr.startswith(
        b"sigscope: no process is called"
    )
