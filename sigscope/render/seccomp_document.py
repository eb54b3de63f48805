"""Seccomp in JSON: stacks of filters, who has them, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.seccomp import Answer, Filter, FilterAction, errno_name
from sigscope.model.seccomp_report import AbiReport, Holder, Outlier, StackReport
from sigscope.render.document import Json, document, gap_json

Listing = Callable[[Filter], Iterable[str]]


def seccomp_document(
    host: Host,
    stacks: Sequence[StackReport],
    outliers: Iterable[Outlier],
    gaps: Iterable[Gap],
    listing: Listing | None = None,
) -> Json:
    """The answer of ``seccomp --json``; ``listing`` where the programs are to be told as well."""
    return document(
        "seccomp",
        host,
        stacks=[_stack(report, listing) for report in stacks],
        outliers=[
            {
                **_holder(outlier.holder),
                "of": outlier.service,
                "others": outlier.others,
                "stack": outlier.mine,
                "usual_stack": outlier.theirs,
            }
            for outlier in outliers
        ],
        gaps=[gap_json(gap) for gap in gaps],
    )


def _stack(report: StackReport, listing: Listing | None) -> Json:
    return {
        "filters": [_filter(one, listing) for one in report.filters],
        "processes": [_holder(holder) for holder in report.holders],
        "restart_syscall": answer_json(report.restart),
        "abis": [_abi(abi) for abi in report.abis],
    }


def _filter(one: Filter, listing: Listing | None) -> Json:
    told: Json = {
        "instructions": len(one.instructions),
        "log": one.log,
        "complete": one.complete,
    }
    if listing is not None:
        told["program"] = [
            {
                "code": each.code,
                "jump_true": each.jump_true,
                "jump_false": each.jump_false,
                "k": each.k,
                "text": text,
            }
            for each, text in zip(one.instructions, listing(one), strict=True)
        ]
    return told


def _holder(holder: Holder) -> Json:
    return {
        "pid": holder.process.pid,
        "comm": holder.process.comm,
        "tids": list(holder.tids),
        "all_threads": holder.whole,
        "restarting": [{"tid": tid, "name": name} for tid, name in holder.restarting],
    }


def _abi(report: AbiReport) -> Json:
    return {
        "abi": report.abi.name,
        "arch": hex(report.abi.arch),
        "answers": [
            {**_verdict(group.action, group.data), "calls": list(group.calls)}
            for group in report.groups
        ],
        "depends_on_arguments": [
            {"call": name, **answer_json(answer)} for name, answer in report.depends
        ],
        "newer": answer_json(report.newer),
        "consequences": [
            {
                "calls": list(one.calls),
                "severity": one.severity.value,
                "says": one.says,
                "source": one.source,
                **answer_json(one.answer),
            }
            for one in report.consequences
        ],
    }


def answer_json(answer: Answer) -> Json:
    """An answer; ``action`` is null where the arguments decide, and then see ``outcomes``."""
    return {
        **_verdict(answer.action, answer.data),
        "depends": sorted(answer.depends),
        "outcomes": [
            {
                **_verdict(outcome.action, outcome.data),
                "when": list(outcome.when),
                "ways": outcome.ways,
                "example": None
                if outcome.example is None
                else [hex(value) for value in outcome.example],
            }
            for outcome in answer.outcomes
        ],
        "whole": answer.whole,
    }


def _verdict(action: FilterAction | None, data: int) -> Json:
    return {
        "action": None if action is None else action.name.lower(),
        "data": data,
        "errno": errno_name(data) if action is FilterAction.ERRNO and data else None,
    }
