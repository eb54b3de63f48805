"""What happened to a timer between two looks is told by what was left of it before."""

from __future__ import annotations

import pytest

from sigscope.analysis.timer_changes import changes
from sigscope.model.alarm import SECOND, Alarm, Alarms, Counts, Kind

LATER = 2 * SECOND
"""The second look, on the wall clock; the process has used half a second of CPU time by then."""


def alarm(
    remaining: int | None,
    interval: int = 0,
    armed: bool | None = True,
    counts: Counts = Counts.WALL,
    kind: Kind = Kind.POSIX,
) -> Alarm:
    return Alarm(kind, "one", "", counts, None, armed=armed, remaining=remaining, interval=interval)


def happened(before: Alarm | None, now: Alarm | None) -> list[str]:
    first = Alarms((before,) if before else (), (), 0, 0)
    second = Alarms((now,) if now else (), (), LATER, SECOND // 2)
    return [one.became.value for one in changes(first, second)]


CPU = Counts.PROCESS
UNARMED = alarm(0, armed=False)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        pytest.param(alarm(3 * SECOND), alarm(SECOND), [], id="it goes on"),
        pytest.param(alarm(SECOND), None, ["fired"], id="its time was over"),
        pytest.param(alarm(9 * SECOND), None, ["disarmed"], id="it was taken away before"),
        pytest.param(alarm(SECOND), UNARMED, ["fired"], id="fired once"),
        pytest.param(alarm(9 * SECOND), UNARMED, ["disarmed"], id="stopped"),
        pytest.param(None, alarm(SECOND), ["set"], id="new"),
        pytest.param(None, UNARMED, [], id="new, and not armed"),
        pytest.param(UNARMED, alarm(SECOND), ["set"], id="armed"),
        pytest.param(UNARMED, UNARMED, [], id="rests"),
        pytest.param(alarm(SECOND), alarm(8 * SECOND), ["fired"], id="set by its handler"),
        pytest.param(alarm(5 * SECOND), alarm(8 * SECOND), ["set"], id="put off"),
        pytest.param(
            alarm(SECOND, 9 * SECOND), alarm(8 * SECOND, 9 * SECOND), ["fired"], id="again"
        ),
        pytest.param(alarm(1, 10**6), alarm(10**5, 10**6), [], id="fires all the time"),
        pytest.param(
            alarm(SECOND, counts=CPU), None, ["disarmed"], id="a request ended before its limit"
        ),
        pytest.param(alarm(SECOND // 4, counts=CPU), None, ["fired"], id="its CPU time was used"),
        pytest.param(
            alarm(SECOND // 4, SECOND, counts=CPU, kind=Kind.LIMIT),
            alarm(0, SECOND, counts=CPU, kind=Kind.LIMIT),
            ["fired"],
            id="the limit is reached",
        ),
        pytest.param(
            alarm(0, counts=CPU, kind=Kind.LIMIT),
            alarm(0, counts=CPU, kind=Kind.LIMIT),
            [],
            id="the limit was reached before",
        ),
        pytest.param(alarm(None, armed=None), alarm(None, armed=None), [], id="not known"),
        pytest.param(alarm(None, armed=None), None, [], id="what was not known is gone"),
    ],
)
def test_between_two_looks(before: Alarm | None, now: Alarm | None, told: list[str]) -> None:
    assert happened(before, now) == told


def test_where_cpu_time_is_not_known_no_more_of_it_went_by_than_wall_clock_time() -> None:
    (known,) = changes(
        Alarms((alarm(SECOND, counts=CPU),), (), 0, None), Alarms((), (), LATER, None)
    )
    assert known.became.value == "fired"
