"""Depth in JSON: a part of the process, and of the thread, that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sigscope.model.signals import FIRST, Signal
from sigscope.render.signal_set import Json, set_json

if TYPE_CHECKING:  # of which there is often none
    from sigscope.model.depth import ProcessDepth, ThreadDepth
    from sigscope.model.sigaction import SigAction
    from sigscope.model.siginfo import SigInfo


def process_depth_json(depth: ProcessDepth | None) -> Json | None:
    """Of the actions those that are not the default with nothing set."""
    if depth is None:
        return None
    return {
        "engine": depth.engine,
        "actions": None
        if depth.actions is None
        else [
            action_json(Signal(number), action)
            for number, action in enumerate(depth.actions, FIRST)
            if action.handler or action.flags or action.mask
        ],
        "queue": _queue_json(depth.queue),
        "queued": depth.queued,
        "unkillable": depth.unkillable,
        "group_stop": depth.group_stop,
        "itimers": None
        if depth.itimers is None
        else [
            {
                "which": timer.which.value,
                "signal": timer.which.signal_name,
                "remaining_ns": timer.remaining,
                "interval_ns": timer.interval,
            }
            for timer in depth.itimers
        ],
    }


def action_json(signal: Signal, action: SigAction) -> Json:
    """One entry of the table."""
    return {
        "signal": signal.name,
        "disposition": action.disposition,
        "handler": hex(action.handler),
        "flags": list(action.flag_names),
        "mask": set_json(action.mask),
        "restorer": hex(action.restorer),
    }


def thread_depth_json(depth: ThreadDepth | None) -> Json | None:
    """Filters by their length only: the program itself is told elsewhere."""
    if depth is None:
        return None
    return {
        "engine": depth.engine,
        "blocked": set_json(depth.blocked),
        "real_blocked": set_json(depth.real_blocked),
        "saved": set_json(depth.saved),
        "queue": _queue_json(depth.queue),
        "filters": None
        if depth.filters is None
        else [
            {"instructions": len(one.instructions), "complete": one.complete, "log": one.log}
            for one in depth.filters
        ],
        "restart": depth.restart,
    }


def _queue_json(queue: Iterable[SigInfo] | None) -> list[Json] | None:
    if queue is None:
        return None
    return [
        {
            "signal": info.signal.name,
            "code": info.code_name,
            "pid": info.pid,
            "uid": info.uid,
            "value": info.value,
            "timer": info.timer,
            "inside": info.inside,
        }
        for info in queue
    ]
