"""A JVM with two dozen threads keeps its answers while it is looked at."""

from __future__ import annotations

from tests.harness.answering import inspected

TIMES = 25
"""``scripts/bench --harmless`` looks a thousand times."""


def test_a_busy_jvm_does_not_notice() -> None:
    load = inspected(TIMES)
    assert load.wrong == []
    assert load.answers > 12
