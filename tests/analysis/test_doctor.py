"""From doors that are shut to verdicts, with values alone."""

from __future__ import annotations

from sigscope.analysis.doctor import hidden, outlook, overview, verdict
from sigscope.analysis.doctor.rows import ROWS
from sigscope.model.access import Door, Layer, Refusal, Refusals
from sigscope.model.other import Other
from sigscope.model.outlook import Outlook, Sight, Verdict

NO = Refusal(Layer.UID, "it is another's", "sudo sigscope")
BUSY = Refusal(Layer.TARGET, "traced by gdb")


def sight(pid: int = 9, refusals: Refusals | None = None, **facts: bool) -> Sight:
    other = Other(pid, pending=facts.pop("pending", False), filters=int(facts.pop("bound", False)))
    return Sight(other, refusals or {}, **facts)


def by_name(outlooks: tuple[Outlook, ...]) -> dict[str, Verdict]:
    return {one.command: one.verdict for one in outlooks}


def test_all_is_open() -> None:
    seen = outlook(sight(), (), {})
    assert set(by_name(seen).values()) == {Verdict.WORKS}
    assert verdict(seen) is Verdict.WORKS


def test_what_is_needed_fails_and_what_is_not_is_a_part() -> None:
    seen = by_name(outlook(sight(refusals={Door.CALL: NO}), (), {}))
    assert seen["pid"] is Verdict.PART
    assert seen["restart"] is Verdict.FAILS
    assert seen["run"] is Verdict.WORKS


def test_a_row_counts_only_whom_it_concerns() -> None:
    shut: Refusals = {Door.BPF: NO}
    assert by_name(outlook(sight(), (), shut))["pid"] is Verdict.WORKS
    assert by_name(outlook(sight(pending=True), (), shut))["pid"] is Verdict.PART
    assert by_name(outlook(sight(), (), shut))["seccomp"] is Verdict.WORKS
    assert by_name(outlook(sight(bound=True), (), shut))["seccomp"] is Verdict.FAILS


def test_another_way_to_the_same_is_enough() -> None:
    shut: Refusals = {Door.EVENTS: NO, Door.PERF: NO}
    assert by_name(outlook(sight(), (), shut))["watch"] is Verdict.WORKS
    assert by_name(outlook(sight(), (), {**shut, Door.TRACEFS: NO}))["watch"] is Verdict.FAILS


def test_the_tree_meets_ancestors_and_the_audit_suspects() -> None:
    refused: Refusals = {Door.READ: NO}
    parent = sight(1, refused, related=True)
    seen = by_name(outlook(sight(), (parent, sight()), {}))
    assert (seen["tree"], seen["audit"]) == (Verdict.PART, Verdict.WORKS)
    seen = by_name(outlook(sight(9, refused, suspect=True), (), {}))
    assert seen["audit"] is Verdict.PART


def test_of_many_processes_they_are_counted() -> None:
    everybody = (sight(1, {Door.TRACE: NO}), sight(2), sight(3, {Door.TRACE: BUSY}))
    seen = overview(everybody, {})
    (lack,) = next(one.lacks for one in seen if one.command == "restart --live")
    assert (lack.count, lack.of) == (1, 3), "being traced is no matter of rights"
    assert by_name(seen)["restart --live"] is Verdict.PART
    alone = overview((sight(1, {Door.TRACE: NO}),), {})
    assert by_name(alone)["restart --live"] is Verdict.FAILS


def test_one_that_is_hidden_leaves_nothing_to_look_at() -> None:
    seen = hidden(Refusal(Layer.HIDEPID, "hidepid=2", "sudo sigscope"))
    assert verdict(seen) is Verdict.FAILS
    assert by_name(seen)["decode"] is Verdict.WORKS
    assert {row.command for row in ROWS} == set(by_name(seen))
