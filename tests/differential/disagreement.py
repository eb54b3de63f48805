"""From a case that disagrees to the smallest one that does, told so that it can be pasted."""

from __future__ import annotations

from sigscope.analysis.verdict import explain
from tests.differential.judge import Case, run
from tests.differential.shrink import shrink
from tests.differential.situation import Situation, paste

TRIES = 3
"""The kernel may choose otherwise the next time."""


def smallest(case: Case) -> Case | None:
    """A shrunk case, run anew and traced; None if it never disagrees again."""

    def fails(situation: Situation) -> bool:
        return any(not run(situation, judge=explain).agrees for _ in range(TRIES))

    if not fails(case.situation):
        return None
    situation = shrink(case.situation, fails)
    for _ in range(10 * TRIES):
        again = run(situation, case.seed, explain, trace=True)
        if not again.agrees:
            return again
    return None


def told(case: Case) -> str:
    """The report of a disagreement, with the smallest situation at its end."""
    least = smallest(case)
    if least is None:
        return f"{case.report()}\n\nnot seen again in {TRIES} tries: the kernel had a choice"
    return "\n".join(
        (
            case.report(),
            "",
            "the smallest that disagrees, for tests/differential/cases.py:",
            f'    ("seed-{case.seed}", {paste(least.situation)}),',
            least.report(),
        )
    )
