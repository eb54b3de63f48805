"""``sigscope doctor``: its screen, its document and its statuses, on real processes."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from typing import Any

import pytest

from sigscope.analysis.doctor.rows import ROWS
from sigscope.cli.main import COMMANDS
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.kernel.command import as_nobody, sigscope

WORDS = re.compile(r"^(.{22,23}\S?) +(works|in part|no)\b", re.MULTILINE)


def told(*words: object, **options: Any) -> dict[str, Any]:
    said = sigscope("doctor", "--json", *words, **options)
    document: dict[str, Any] = json.loads(said.stdout)
    return document


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {one["command"]: one["verdict"] for one in document["commands"]}


def reasons(document: dict[str, Any], command: str) -> list[str]:
    (one,) = [one for one in document["commands"] if one["command"] == command]
    return [f"{lack['layer']}: {lack['why']}" for lack in one["missing"]]


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    assert {row.command.split()[0] for row in ROWS} == set(COMMANDS) - {"doctor"}


def test_root_sees_all_of_a_process(target: TARGET_FIXTURE) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root sees all: sudo scripts/test")
    process = target("asked")
    document = told(process.pid)
    assert document["command"] == "doctor"
    assert document["target"]["comm"] == "asked"
    assert document["target"]["filters"] >= 1
    assert verdicts(document)["unblock"] == "works"
    assert verdicts(document)["pid --attach"] == "works"


def test_the_screen_is_made_for_80_columns(target: TARGET_FIXTURE) -> None:
    process = target("asked")
    for options in ({}, as_nobody()) if os.geteuid() == 0 else ({},):
        said = sigscope("doctor", process.pid, env={"COLUMNS": "80"}, **options)
        lines = said.stdout.decode().splitlines()
        # What is to be typed stands on one line, so that it can be copied.
        typed = [line for line in lines if re.match(r"    (sudo|su|as root|from|doas)", line)]
        assert [line for line in lines if len(line) > 80 and line not in typed] == []
        rows = [line.split("  ")[0] for line in lines]
        assert [row.command for row in ROWS] == [
            name for name in rows if name in {row.command for row in ROWS}
        ]


def test_an_ordinary_user_is_told_the_line_to_type(target: TARGET_FIXTURE) -> None:
    options = as_nobody()
    process = target("asked")
    document = told(process.pid, **options)
    assert verdicts(document)["pid --attach"] == "does not work"
    (first, *_) = reasons(document, "pid --attach")
    assert first.startswith("uid: it belongs to uid 0, and you are 65534")
    for one in document["commands"]:
        assert all(lack["opens"] for lack in one["missing"])
    said = sigscope("doctor", process.pid, **options)
    assert said.returncode == 1
    assert f"-m sigscope doctor {process.pid}" in said.stdout.decode()
    refused = sigscope("pid", "--attach", process.pid, **options)
    assert refused.returncode == 4
    assert refused.stderr.decode().splitlines()[1].endswith(f"sigscope pid --attach {process.pid}")


def test_who_traces_it_already_is_named(target: TARGET_FIXTURE) -> None:
    tracer = target("tracer")
    child = next(iter(tracer.children.values()))
    document = told(child)
    assert reasons(document, "pid --attach")[0] == (
        f"target: process {tracer.pid} (tracer) traces it already"
    )
    assert verdicts(document)["unblock"] == "does not work"


def test_a_zombie_is_named(target: TARGET_FIXTURE) -> None:
    parent = target("zombie")
    child = next(iter(parent.children.values()))
    document = told(child)
    assert f"waits for process {parent.pid}" in reasons(document, "unblock")[0]


def test_a_thread_of_the_kernel_is_named() -> None:
    kernel = [pid for pid in (2,) if proc.status(pid).get("Kthread") == "1"]
    if not kernel:
        pytest.skip("no kernel thread is shown here")
    assert "a thread of the kernel" in reasons(told(kernel[0]), "unblock")[0]


def test_how_wide_its_program_is(target: TARGET_FIXTURE) -> None:
    assert told(target("ignores", "").pid)["target"]["bits"] == struct.calcsize("P") * 8


def test_nobody_is_there() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    said = sigscope("doctor", gone.pid)
    assert said.returncode == 3
    assert b"there is no process" in said.stderr


def test_a_name_that_is_many_is_asked_back(target: TARGET_FIXTURE) -> None:
    first, second = target("asked"), target("asked")
    said = sigscope("doctor", "asked")
    assert said.returncode == 2
    assert str(first.pid).encode() in said.stderr
    assert str(second.pid).encode() in said.stderr


def test_without_a_target_all_that_are_shown_count() -> None:
    document = told()
    assert document["target"] is None
    assert document["tried"] > 0
    assert document["place"]["effective"] is not None
    assert document["equipment"]["python"]
    said = sigscope("doctor")
    assert said.returncode == (0 if set(verdicts(document).values()) == {"works"} else 1)


def test_nothing_is_changed_in_who_is_looked_at(target: TARGET_FIXTURE) -> None:
    process = target("asked")
    before = proc.masks(process.pid), proc.state(process.pid)
    sigscope("doctor", process.pid)
    assert (proc.masks(process.pid), proc.state(process.pid)) == before
    assert proc.status(process.pid)["TracerPid"] == "0"
