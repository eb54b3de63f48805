"""Looking at a healthy daemon with the real command: several times, at rest and under load."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.daemons.healthy.service import Running
from tests.harness import proc
from tests.harness.command import sigscope

Finding = dict[str, Any]
NO_SUCH_TARGET = 3
BUSY = 3  # more rounds: what is wrong with these is wrong for an instant


@dataclass(frozen=True)
class Look:
    """What one run of ``sigscope tree``, ``pid`` or ``audit`` said of the family."""

    command: str
    status: int
    findings: tuple[Finding, ...]
    processes: tuple[dict[str, Any], ...]

    @property
    def alarms(self) -> list[str]:
        """Errors and warnings, each as one line with what it rests on."""
        names = {process["pid"]: process["comm"] for process in self.processes}
        return [
            f"{one['severity']} {one['id']} of {names.get(one['pid'])} {one['pid']} by"
            f" {self.command}: {one['title']} {one['evidence']}"
            for one in self.findings
            if one["severity"] != "note"
        ]


def lasting_notes(looks: Iterable[Look]) -> set[str]:
    """The notes that two looks have on one process: others were an instant between two calls."""
    seen: Counter[tuple[int, str]] = Counter()
    for look in looks:
        seen.update({(one["pid"], one["id"]) for one in look.findings})
    return {finding for (_, finding), count in seen.items() if count > 1}


def tree(running: Running) -> Look:
    """The whole family at once."""
    said = sigscope("tree", running.keeper, "--json")
    document = said.document
    parents = {process["pid"]: process["ppid"] for process in document["processes"]}

    def belongs(pid: int) -> bool:
        while (pid := parents.get(pid, 0)) not in (0, running.keeper):
            pass
        return pid == running.keeper

    return Look(
        "tree",
        said.status,
        tuple(one for one in document["findings"] if belongs(one["pid"])),
        tuple(one for one in document["processes"] if belongs(one["pid"])),
    )


def each(running: Running) -> Look:
    """Every process of the family by its pid; what ends meanwhile is no matter."""
    family = running.family
    said = sigscope("pid", *family, "--json")
    gone = any(proc.state(pid) in ("gone", "Z") for pid in family)
    if said.status == NO_SUCH_TARGET and gone:
        if not said.out.strip():
            return Look("pid", 0, (), ())
        document = said.document
        return Look("pid", 0, tuple(document["findings"]), tuple(document["processes"]))
    document = said.document
    return Look("pid", said.status, tuple(document["findings"]), tuple(document["processes"]))


def audit(running: Running) -> Look:
    """The family as ``sigscope audit`` sees it; the keeper of the test is left out."""
    said = sigscope("audit", running.keeper, "--json")
    findings = (one for one in said.document["findings"] if one["pid"] != running.keeper)
    return Look("audit", said.status, tuple(findings), ())


@contextlib.contextmanager
def loaded(request: Callable[[], object]) -> Iterator[list[object]]:
    """Two clients that ask one thing after the other; yields the answers so far."""
    answers: list[object] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                answers.append(request())
            over.wait(0.002)

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        over.set()
        for client in clients:
            client.join()


def several(running: Running, rounds: int = 1) -> list[Look]:
    """At rest, and then under load where there is a client for it."""
    kinds = (tree, each, audit)
    looks = [look(running) for _ in range(rounds) for look in kinds]
    if running.name.startswith("busy-"):
        return looks + [look(running) for _ in range(BUSY * rounds) for look in kinds]
    if running.load is None:
        return looks
    with loaded(running.load) as answers:
        proc.eventually(lambda: any(answers), saying=f"{running.name} answers under load")
        looks += [look(running) for _ in range(rounds) for look in kinds]
    assert any(answers)
    return looks
