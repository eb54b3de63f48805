"""The JSON of ``sigscope timers``; the names stand in sigscope(1)."""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.model.alarm import Alarms, Judged
from sigscope.model.catalog import Elsewhere
from sigscope.model.process import Process
from sigscope.render.document import Json, said_json, steps_json


def timers_json(
    process: Process,
    alarms: Alarms,
    timers: Sequence[Judged],
    elsewhere: Sequence[tuple[Elsewhere, str]],
) -> Json:
    """A process and all that will signal it by itself; times in nanoseconds."""
    return {
        "pid": process.pid,
        "start_time": process.start_time,
        "comm": process.comm,
        "cpu_time": alarms.used,
        "timers": [timer_json(one) for one in timers],
        "elsewhere": [
            {"name": one.name, "does": one.says, "source": one.source, "value": value or None}
            for one, value in elsewhere
        ],
    }


def timer_json(one: Judged) -> Json:
    """One timer. What no engine could read is null."""
    alarm, verdict = one.alarm, one.arrives
    return {
        "kind": alarm.kind.value,
        "name": alarm.name,
        "number": alarm.number,
        "clock": alarm.clock,
        "counts": alarm.counts.value,
        "signal": None if alarm.signal is None else alarm.signal.name,
        "tid": alarm.tid,
        "armed": alarm.armed,
        "remaining": alarm.remaining,
        "interval": alarm.interval,
        "overruns": alarm.overruns,
        "advancing": one.advancing,
        "because": one.because,
        "measured": one.measured,
        "arrives": None
        if verdict is None
        else {
            "outcome": verdict.outcome.value,
            "outcomes": [outcome.value for outcome in verdict.outcomes],
            "acts": verdict.acts,
            "steps": steps_json(verdict),
            "receivers": list(verdict.receivers),
        },
        "documented": [said_json(said) for said in one.documented],
        "remarks": list(one.remarks),
    }


def watched_json(process: Process, event: str, one: Judged | None = None) -> Json:
    """What happened between two looks, to a timer of this process or to itself."""
    return {
        "event": event,
        "pid": process.pid,
        "start_time": process.start_time,
        "comm": process.comm,
        "timer": None if one is None else timer_json(one),
    }
