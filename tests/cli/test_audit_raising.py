"""No misses: what the audit claims to find is found in real processes, in all its severities."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sigscope.analysis.audit import RULES
from tests.cli.raising import RAISING, Raiser, Seen, root, shell_of_a_service
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import sigscope, sigscope_within
from tests.harness.containers import namespace

OLD = ("note", "zombies")
YOUNG = {pair: raiser for pair, raiser in RAISING.items() if pair != OLD}


def findings(seen: Seen) -> list[dict[str, Any]]:
    """What is said of this process."""
    words = ("audit", seen.pid, "--json")
    said = sigscope(*words) if seen.within is None else sigscope_within(seen.within, *words)
    assert said.status < 2, said.err
    return [one for one in said.document["findings"] if one["pid"] == seen.pid]


def test_every_check_has_a_real_target_for_each_of_its_severities() -> None:
    assert set(RAISING) == {
        (severity.value, rule.id) for rule in RULES for severity in rule.severities
    }


@pytest.mark.parametrize(("pair", "raiser"), YOUNG.items(), ids=map(":".join, YOUNG))
def test_it_is_raised(
    pair: tuple[str, str], raiser: Raiser, target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    with raiser(target, tmp_path) as seen:
        assert pair in [(one["severity"], one["id"]) for one in findings(seen)]


def test_a_zombie_is_told_when_it_has_been_dead_for_a_minute(old_zombie: int) -> None:
    told = [one for one in findings(Seen(old_zombie)) if (one["severity"], one["id"]) == OLD]
    assert len(told) == 1
    assert "1 zombie child, for " in told[0]["title"]  # how long depends on the other tests


def test_the_shell_of_a_service_is_shown_under_its_unit(
    target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    with shell_of_a_service(target, tmp_path) as seen:
        said = sigscope("audit", seen.pid, "--all")
        assert said.out.startswith(f"wrapped-{os.getpid()}.service: 1 note\n")
        assert "the shell is the main process of its service" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("command", "call", "finding"),
    [
        (("sleep", "60"), "clock_nanosleep", "note init-ignores-term"),
        (("sh", "-c", "sleep 60 & wait"), "rt_sigsuspend", "note shell-wrapper"),
    ],
    ids=["init", "shell"],
)
def test_pid_1_as_it_is_seen_within_its_own_namespace(
    command: tuple[str, ...], call: str, finding: str
) -> None:
    root()
    with namespace(*command) as init:
        proc.wait_syscall(init, init, call)
        told = findings(Seen(1, within=init))
        assert [f"{one['severity']} {one['id']}" for one in told] == [finding]
