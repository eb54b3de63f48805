"""From beside a container and from inside: as much as each place allows, and no more is claimed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from tests.containers.places import PLACES, Place, Spot
from tests.harness.command import Said

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root here")
BY_NAME = {place.name: place for place in PLACES}
SEEING = [place.name for place in PLACES if place.name != "hidepid"]
_STATUS = (
    "import json; print(json.dumps(dict(line.split(':\\t', 1) for line in"
    " open('/proc/{}/status').read().splitlines() if ':\\t' in line)))"
)


class Open:
    """Each place is made once, and the questions are all asked together."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._spots: dict[str, Spot] = {}

    def __getitem__(self, name: str) -> Spot:
        if name not in self._spots:
            self._spots[name] = self._stack.enter_context(BY_NAME[name].open())
        return self._spots[name]

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def spots() -> Iterator[Open]:
    opened = Open()
    yield opened
    opened.close()


def documents(said: Sequence[Said]) -> list[Any]:
    for one in said:
        assert one.status in (0, 1), one
    return [one.document for one in said]


def test_the_names_of_the_places_differ() -> None:
    assert len(BY_NAME) == len(PLACES)
    assert all(isinstance(place, Place) and place.what for place in PLACES)


@pytest.mark.parametrize("name", SEEING)
def test_masks_and_verdicts_need_no_permission(spots: Open, name: str) -> None:
    spot = spots[name]
    target = spot.target
    known = json.loads(spot.ask(_STATUS.format(target)))
    told, term, kill = documents(
        spot.run_each(
            [
                ("pid", "--json", target),
                ("explain", "TERM", "--json", target),
                ("explain", "KILL", "--from-outside", "--json", target),
            ]
        )
    )
    (process,) = told["processes"]
    for key, line in (("ignored", "SigIgn"), ("caught", "SigCgt"), ("blocked_by_all", "SigBlk")):
        assert process[key]["hex"] == known[line].strip(), (key, line)
    assert process["nspid"] == [int(number) for number in known["NSpid"].split()]
    # PID 1 of a pid namespace without a handler: TERM is dropped, wherever it comes from.
    outcomes = [one["explanations"][0]["outcome"] for one in (term, kill)]
    expected = {"host-user": ["refused"] * 2, "paused": ["discarded", "pending"]}
    usual = ["discarded", "terminated"]
    # A frozen cgroup of version 2 lets SIGKILL through, one of version 1 does not.
    assert outcomes == expected.get(name, usual) or (name, outcomes) == ("paused", usual)
    assert "the host" not in json.dumps(term["explanations"][0]["steps"])


@pytest.mark.parametrize(
    ("name", "attached", "engine"),
    [
        ("sidecar-no-capability", False, False),
        ("sidecar-no-capability-profile", False, False),
        ("sidecar-ptrace", True, False),
        ("sidecar-ptrace-profile", True, False),
        ("sidecar-all", True, True),
        ("sidecar-all-profile", True, True),
        ("inside", True, False),
        ("user-namespace", True, False),
        ("read-only", True, False),
        ("no-restart", True, False),
        ("host-user", False, False),
    ],
)
def test_handlers_are_had_as_the_place_allows(
    spots: Open, name: str, attached: bool, engine: bool
) -> None:
    spot = spots[name]
    if engine and spots["host"].run("handlers", spots["host"].target).status:
        pytest.skip("the kernel's own structures may not be read here, even on the host")
    read, paused = spot.run_each(
        [("handlers", "--json", spot.target), ("handlers", "--json", "--attach", spot.target)]
    )
    assert (read.status == 0) is engine, read
    assert (paused.status == 0) is attached, paused
    if not engine:
        assert read.status in (4, 5)
        assert "CAP_BPF" in json.dumps(read.document["gaps"])
    if engine:
        assert "bpf" in read.document["engine"]
    state = json.loads(spot.ask(_STATUS.format(spot.target)))
    assert state["TracerPid"].strip() == "0"
    assert state["State"].startswith("S")


def test_the_hidden_are_said_to_be_hidden(spots: Open) -> None:
    spot = spots["hidepid"]
    for said in spot.run_each([("pid", spot.target), ("explain", "TERM", spot.target)]):
        assert said.status == 3
        assert "hidepid" in said.err


def test_a_paused_container_is_one_finding(spots: Open) -> None:
    spot = spots["paused"]
    told = spot.run("audit", "--json", spot.target).document
    assert "frozen" in {one["id"] for one in told["findings"]}


def test_a_filter_that_denies_restart_syscall_is_told_in_its_own_container(spots: Open) -> None:
    spot = spots["no-restart"]
    said = spot.run("restart", "--json", spot.target)
    assert said.status == 1
    (one,) = said.document["restarts"]
    assert one["after_stop_cont"] != "resumes"


def test_users_of_another_root_have_no_names_of_ours(spots: Open) -> None:
    """The sidecar's passwd says nothing of another container, whose own may not always be read."""
    for name, user in (("sidecar-no-capability", "uid 0"), ("sidecar-ptrace", "root")):
        spot = spots[name]
        screen = spot.run("pid", spot.target).out
        assert f" · {user} · " in screen.replace("\n  ", " · "), name
