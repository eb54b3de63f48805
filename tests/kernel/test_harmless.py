"""Looked at again and again, each of the blocking calls ends as it does when nobody looks."""

from __future__ import annotations

from collections.abc import Collection

from sigscope.errors import SigscopeError
from sigscope.kernel.ptrace.preflight import look_first
from tests.harness import proc
from tests.harness.blocked import ANSWERS, Case, calls, looked_at
from tests.harness.inspecting import done, in_a_child, look
from tests.harness.targets import Target

CYCLES = 3
MILLISECONDS = 2500
DONE_IN_PART = frozenset(("write_pipe_in_part", "sendto", "sendto_timeo"))
"""What is left alone: a stop may make these return what they have done so far."""


def nobody(processes: dict[Case, Target]) -> Collection[Case]:
    return ()


def sigscope(processes: dict[Case, Target]) -> Collection[Case]:
    """Several looks from another process, unless sigscope would not touch it."""
    alone = set()
    for case, process in processes.items():
        if any(not obstacle.absolute for obstacle in look_first(process.pid)):
            alone.add(case)

    def looks() -> None:
        for _ in range(CYCLES):
            for case, process in processes.items():
                if case in alone:
                    continue
                try:
                    look(process.pid, actions=case.handler != "none")
                except SigscopeError:
                    assert proc.state(process.pid) == "Z", "only its own end keeps us out"

    assert done(in_a_child(looks)) == 0
    return alone


def test_every_call_ends_as_without_us() -> None:
    plain = [Case(name, "none", handler) for name in calls() for handler in ("none", "plain")]
    plain += [Case(name, "none", "restart") for name in calls()[::3]]
    filtered = [Case(name, answer) for name in calls() for answer in ANSWERS if answer != "none"]
    expected = looked_at(plain, nobody, MILLISECONDS)
    seen = looked_at([*plain, *filtered], sigscope, MILLISECONDS)
    left_alone = {case.name for case in expected} - {case.name for case in seen}
    assert left_alone <= DONE_IN_PART
    assert len({case.name for case in seen}) >= 40
    differ = {
        f"{case}: {end.words} with us, {without.words} without"
        for case, end in seen.items()
        if end != (without := expected[case._replace(answer="none")])
    }
    assert not differ, "\n".join(sorted(differ))
