"""What happened to the timers of a process between two looks: fired, set, disarmed.

No file tells that a timer has fired. It is told by what was left of it: if no more than has gone
by since, on the clock that it counts, then it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.model.alarm import SECOND, Alarm, Alarms, Became, Change, Kind

SLACK = SECOND // 10
"""Nanoseconds: the timers of one look are read one after the other."""


def changes(before: Alarms, now: Alarms) -> Iterator[Change]:
    """In the order of the timers.

    One that fires more often than it is looked at changes all the time, which is not told.

    >>> from sigscope.model.alarm import Counts
    >>> one = Alarm(Kind.ITIMER, "ITIMER_REAL", "", Counts.WALL, None, remaining=SECOND)
    >>> [one.became.value for one in changes(Alarms((one,), (), 0, 0), Alarms((), (), SECOND, 0))]
    ['fired']
    """
    earlier = {one.key: one for one in before.found}
    for alarm in now.found:
        known = earlier.pop(alarm.key, None)
        if known is None or known.armed is False:
            if alarm.armed:
                yield Change(Became.SET, alarm)
        elif alarm.armed is False:
            yield Change(_ended(known, before, now), known)
        elif (
            alarm.armed and known.armed and _began_again(known, alarm, _gone_by(known, before, now))
        ):
            fired = _ended(known, before, now) is Became.FIRED
            yield Change(Became.FIRED if fired else Became.SET, known if fired else alarm)
    for known in earlier.values():
        if known.armed:
            yield Change(_ended(known, before, now), known)


def _began_again(known: Alarm, alarm: Alarm, gone_by: int) -> bool:
    if known.remaining is None or alarm.remaining is None:
        return False
    if alarm.interval and alarm.interval <= gone_by + SLACK:
        return False
    reached = known.kind is Kind.LIMIT and known.remaining > 0 and alarm.remaining == 0
    return reached or alarm.remaining > known.remaining


def _ended(known: Alarm, before: Alarms, now: Alarms) -> Became:
    """Did it fire, or was it stopped, or set to another time, before that?"""
    due = known.remaining is not None and known.remaining <= _gone_by(known, before, now) + SLACK
    return Became.FIRED if due else Became.DISARMED


def _gone_by(alarm: Alarm, before: Alarms, now: Alarms) -> int:
    """On its clock, or at most so much: a thread uses no more than its process."""
    if not alarm.counts.cpu_time:
        return now.at - before.at
    if now.used is None or before.used is None:
        return now.at - before.at
    return now.used - before.used
