"""Print what sigscope says of healthy software, and how we judge each of its notes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import pytest

from tests.daemons.healthy import ALL
from tests.daemons.healthy.judged import judgement
from tests.daemons.healthy.looks import Look, several
from tests.daemons.healthy.service import Healthy, running

SETS = ("blocked_by_all", "blocked_by_some", "ignored", "caught")
WIDE = 6


def table(names: Iterable[str]) -> Iterator[str]:
    """The lines for these daemons, for all of them where none is named."""
    wanted = set(names)
    for healthy in ALL:
        if wanted and healthy.name not in wanted:
            continue
        try:
            with running(healthy) as daemon:
                looks = several(daemon)
        except pytest.skip.Exception as reason:
            yield f"{healthy.name}: skipped, {reason}"
            continue
        yield from described(healthy, looks)


def described(healthy: Healthy, looks: list[Look]) -> Iterator[str]:
    """First the processes with their sets, then the findings with our judgement."""
    yield healthy.name
    shown = dict.fromkeys(line for look in looks for line in masks(look))
    yield from (f"    {line}" for line in shown)
    findings = dict.fromkeys(line for look in looks for line in said(healthy.name, look))
    yield from (f"  * {line}" for line in findings)


def masks(look: Look) -> Iterator[str]:
    """One process with what it blocks, ignores and catches."""
    for process in look.processes:
        sets = ((name, process[name]) for name in SETS)
        words = (f"{name} {listed(one['signals'])}" for name, one in sets if one and named(one))
        threads = len(process["threads"])
        many = f", {threads} threads" if threads > 1 else ""
        yield f"{process['comm']}{many}: {'; '.join(words) or 'all at their default'}"


def said(daemon: str, look: Look) -> Iterator[str]:
    names = {process["pid"]: process["comm"] for process in look.processes}
    for one in look.findings:
        comm = names.get(one["pid"], "?")
        what = f"{one['severity']} {one['id']} of {comm} ({listed(one['signals'])})"
        verdict = judgement(daemon, one["id"]) if one["severity"] == "note" else "A FALSE ALARM"
        yield f"{what}: {verdict or 'not judged yet'}"


def named(one: dict[str, list[str]]) -> bool:
    return bool(one["signals"])


def listed(signals: list[str]) -> str:
    short = [signal.removeprefix("SIG") for signal in signals]
    more = f" and {len(short) - WIDE} more" if len(short) > WIDE else ""
    return " ".join(short[:WIDE]) + more


if __name__ == "__main__":
    for line in table(sys.argv[1:]):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
