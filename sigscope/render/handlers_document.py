"""The JSON of ``sigscope handlers``; the names stand in sigscope(1)."""

from __future__ import annotations

from collections.abc import Iterable

from sigscope.model.handler import Handler
from sigscope.model.process import Process
from sigscope.render.document import Json, set_json


def handlers_json(process: Process, handlers: Iterable[Handler], everything: bool) -> Json:
    """A process and its actions; those that are default are left out unless asked for."""
    return {
        "pid": process.pid,
        "start_time": process.start_time,
        "comm": process.comm,
        "actions": [
            action_json(handler)
            for handler in handlers
            if everything or handler.disposition != "default" or handler.means
        ],
    }


def action_json(handler: Handler) -> Json:
    """One signal. What no engine could read is null."""
    action = handler.action
    return {
        "signal": handler.signal.name,
        "disposition": handler.disposition,
        **_place(handler),
        "flags": None if action is None else list(action.flag_names),
        "sa_mask": None if action is None else set_json(action.mask),
        "restorer": None if action is None else _address(action.restorer),
        "means": list(handler.means),
        "behind": _behind(handler.behind),
    }


def _place(handler: Handler) -> Json:
    place, action = handler.location, handler.action
    caught = handler.disposition == "caught"
    address = _address(action.handler) if caught and action is not None else None
    if place is None:
        return {"handler": address, "function": None, "place": None, "owner": None}
    derived, owner = handler.derived, handler.owner
    return {
        "handler": address,
        "function": handler.function or None,
        "place": {
            "module": place.module or None,
            "offset": None if place.offset is None else hex(place.offset),
            "symbol": place.symbol or None,
            "into": place.into,
            "table": place.table or None,
            "also": list(place.also),
            "because": place.why or None,
            "derived": None
            if derived is None
            else {"because": derived.because, "source": derived.source},
        },
        "owner": None
        if owner is None
        else {"name": owner.name, "does": owner.does, "source": owner.source},
    }


def _behind(behind: Handler | str | None) -> Json | None:
    if behind is None:
        return None
    if isinstance(behind, str):
        return {
            "disposition": behind,
            "handler": None,
            "function": None,
            "place": None,
            "owner": None,
        }
    return {"disposition": "caught", **_place(behind)}


def _address(value: int) -> str | None:
    return hex(value) if value else None
