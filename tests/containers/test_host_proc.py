"""The host's /proc mounted read-only in a container, as a DaemonSet audits its node."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.containers.places import DOCKER, TARGET, Config, Spot, executing, prepared
from tests.harness import proc
from tests.harness.containers import Container

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root here")
HOST = "/host/proc"
LOOKING = ("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")


def _host_proc(config: Config) -> None:
    config["mounts"].append(
        {"destination": HOST, "source": "/proc", "type": "bind", "options": ["rbind", "ro"]}
    )


@pytest.fixture(scope="module")
def spot() -> Iterator[Spot]:
    """In a pid namespace of its own; ``target`` is the target of another container, by its host."""
    with ExitStack() as stack:
        app = Container(TARGET, change=prepared(DOCKER))
        stack.enter_context(app)
        proc.wait_syscall(app.init, app.init, "clock_nanosleep")
        audit = Container(TARGET, change=prepared((), _host_proc))
        stack.enter_context(audit)
        yield Spot(app.init, executing(audit, ()))


def asked(spot: Spot, *words: str | int) -> Any:
    said = spot.run(words[0], "--procfs", HOST, "--json", *words[1:])
    assert said.status in (0, 1), said
    return said.document


def test_the_processes_are_those_of_the_host(spot: Spot) -> None:
    told = asked(spot, "pid", spot.target)["processes"][0]
    known = proc.status(spot.target)
    assert told["nspid"] == [int(number) for number in known["NSpid"].split()]
    assert told["caught"]["hex"] == known["SigCgt"].strip()
    assert told["start_time"] > 0
    assert told["container"]["runtime"] == "docker"


def test_the_whole_host_is_audited_without_a_capability(spot: Spot) -> None:
    """What would need one is not assessed, and that is said."""
    told = asked(spot, "audit")
    assert any(f"of {spot.target}" in one["what"] for one in told["gaps"]), told["gaps"]
    assert told["scanned"]["processes"] > 2
    groups = asked(spot, "tree", "--by", "container")["containers"]
    assert any(group["pids"] == [spot.target] for group in groups)


def test_with_cap_sys_ptrace_the_audit_is_that_of_the_host(spot: Spot) -> None:
    with Container(TARGET, change=prepared(LOOKING, _host_proc)) as audit:
        told = asked(Spot(spot.target, executing(audit, LOOKING)), "audit")
    mine = {one["id"] for one in told["findings"] if one["pid"] == spot.target}
    assert "init-ignores-term" in mine


def test_our_own_pids_are_not_taken_for_those_of_the_host(spot: Spot) -> None:
    """Whoever asks is 7 or so in there: on the host that is another process."""
    init = json.loads(spot.ask(f"import os, json; print(json.dumps(os.readlink('{HOST}/self')))"))
    assert int(init) > 1, "we are seen from the host, by another pid than ours"
    told = asked(spot, "explain", "KILL", 1)["explanations"][0]
    # PID 1 of the host, not of our own namespace: whether it is the machine's is not our affair.
    assert told["pid"] == 1
    first = asked(spot, "pid", 1)["processes"][0]
    assert first["comm"] == proc.name(1)


def test_users_are_not_named_by_our_own_file(spot: Spot) -> None:
    screen = spot.run("pid", "--procfs", HOST, spot.target).out.replace("\n  ", " · ")
    assert " · uid 0 · " in screen


def test_a_user_of_the_container_is_none_of_the_host(spot: Spot) -> None:
    """Its passwd knows root, but that of the host may not be read from there."""
    words = ("explain", "TERM", "--procfs", HOST, spot.target, "--as-user")
    assert spot.run(*words, "root").status == 2
    assert spot.run(*words, 0).status == 1


def test_what_would_touch_the_host_is_refused(spot: Spot) -> None:
    said = spot.run("handlers", "--attach", "--procfs", HOST, spot.target)
    assert said.status == 2, said
    insisting = spot.run("pid", "--engine", "bpf", "--procfs", HOST, spot.target)
    assert insisting.status == 5, insisting
