"""Two looks, what one finding says instead of another, what is waived; and the registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sigscope.analysis import audit as room
from sigscope.analysis.audit import AUDIT_CHECKS, RULES
from sigscope.analysis.audit.judge import confirmed, doubtful, judge, needed, waived
from sigscope.analysis.audit.looks import Looks
from sigscope.analysis.audit.rules import OF_ONE_PROCESS
from sigscope.analysis.audit.scene import Scene
from sigscope.analysis.audit.services import service_of
from sigscope.analysis.checks import CHECKS
from sigscope.model.audit import Audit, Waiver
from sigscope.model.container import Container
from sigscope.model.process import Process
from sigscope.model.rule import Rule
from sigscope.model.state import State
from tests.analysis.makers import host, process, signals, thread

TERM, USR1 = signals("TERM"), signals("USR1")


def audited(*processes: Process) -> Audit:
    here = host(*processes)
    return judge(Scene(here, frozenset(here.processes)))


def ids(audit: Audit) -> list[str]:
    return [f"{one.severity.value} {one.id} {one.pid}" for one in audit.findings]


def stuck(start_time: int = 100) -> Process:
    return process(9, TERM, pending=TERM, start_time=start_time)


def test_the_worst_comes_first() -> None:
    stopped = process(7, state=State.STOPPED)
    assert ids(audited(stopped, stuck())) == ["error blocked-pending 9", "warning stopped 7"]


def test_what_says_more_is_said_instead() -> None:
    held = process(9, state=State.STOPPED, pending=TERM)
    assert ids(audited(held)) == ["error stopped-with-pending 9"]


def test_what_the_second_look_does_not_see_is_dropped() -> None:
    first = audited(stuck())
    assert ids(confirmed(first, audited(stuck()))) == ["error blocked-pending 9"]
    assert ids(confirmed(first, audited(process(9)))) == []
    assert ids(confirmed(first, audited(stuck(start_time=200)))) == []


def test_what_concerns_only_who_asks_about_that_process_is_left_out() -> None:
    assert ids(audited(process(9, USR1, caught=USR1))) == []


def test_a_note_needs_no_second_look() -> None:
    first = audited(process(9, tracer=8))
    assert ids(first) == ["note traced 9"]
    assert ids(confirmed(first, audited())) == ids(first)
    assert doubtful(first) == frozenset()


def test_zombies_are_looked_at_again_with_their_parent() -> None:
    dead = [process(pid, ppid=9, state=State.ZOMBIE) for pid in range(10, 15)]
    assert doubtful(audited(process(9), *dead)) == {9, 10, 11, 12, 13, 14}


def test_what_is_scanned_leaves_kernel_threads_out() -> None:
    audit = audited(process(9, threads=[thread(9), thread(10)]), process(2, kernel_thread=True))
    assert (audit.scanned.processes, audit.scanned.threads) == (1, 2)


def test_closer_looks_are_for_suspects_only() -> None:
    here = host(process(1, ppid=0), stuck(), *(process(pid) for pid in range(20, 60)))
    looks = needed(Scene(here, frozenset(here.processes)))
    assert looks == Looks(close=frozenset((9,)), timers=frozenset((9,)))


def test_ignored_and_accepted_findings_are_set_apart() -> None:
    audit = audited(stuck(), process(7, state=State.STOPPED))
    left = waived(audit, [Waiver("stopped", "other*")], [Waiver("blocked-pending", "dae*", "so")])
    assert ids(left) == ["warning stopped 7"]
    assert [(one.id, waiver.reason) for one, waiver in left.accepted] == [("blocked-pending", "so")]
    assert waived(audit, [Waiver("stopped")], []).ignored == 1


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ({"container": Container("docker", "4e" * 32), "unit": "docker.service"}, "docker contai"),
        ({"unit": "nginx.service"}, "nginx.service"),
        ({}, "daemon"),
    ],
)
def test_a_service_is_a_container_a_unit_or_a_program(where: dict[str, object], name: str) -> None:
    assert service_of(process(9, **where)).startswith(name)  # type: ignore[arg-type]


def test_every_check_has_its_rule() -> None:
    ids = [*(one.ID for one in CHECKS), *(one.ID for one in AUDIT_CHECKS)]
    assert [rule.id for rule in RULES] == ids
    words = [text for rule in RULES for text in (rule.means, rule.evidence, rule.remedy)]
    assert all(text and not text.endswith(".") for text in words)
    assert all(rule.source for rule in RULES)


def test_every_module_with_a_check_is_in_the_registry() -> None:
    files = Path(room.__path__[0]).glob("*.py")
    stems = {path.stem for path in files if "\ndef check(" in path.read_text()}
    assert stems == {str(check.__name__).rsplit(".", 1)[-1] for check in AUDIT_CHECKS}  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.id))
def test_a_rule_has_the_severities_of_its_module(rule: Rule) -> None:
    name = rule.id.replace("-", "_")
    folder = Path(room.__path__[0])
    (path,) = (
        path
        for path in (folder / f"{name}.py", folder.parent / "checks" / f"{name}.py")
        if path.exists()
    )
    named = set(re.findall(r"Severity\.([A-Z]+)", path.read_text()))
    named -= {severity.name for one, severity in OF_ONE_PROCESS if one == rule.id}
    assert {severity.name for severity in rule.severities} == named
    assert list(rule.severities) == sorted(rule.severities, key=lambda severity: severity.rank)
