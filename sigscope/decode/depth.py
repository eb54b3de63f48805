"""Depth as a snapshot keeps it: one JSON object a process.

    {"engine": "bpf", "actions": {"15": [4198400, 335544324, 0, 139637976727552]},
     "queue": [[15, 0, 1, 0, null, null, false]], "queued": 1, "unkillable": false,
     "group_stop": false, "itimers": [["ITIMER_REAL", 4853208953, 0]], "posix_timers": [],
     "filters": [[["20000000040000c0...", false, true]]],
     "threads": {"4285": {"blocked": 16384, "real_blocked": 0, "saved": null, "queue": [],
                          "filters": 0, "restart": null}}, "names": {"1": "systemd"}}

Signals that are not among the actions have the default. Stacks of filters stand once, and
threads name theirs by its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sigscope.decode.task import decode_instructions
from sigscope.errors import DecodeError
from sigscope.model.depth import ProcessDepth, ThreadDepth
from sigscope.model.itimer import IntervalTimer, Which
from sigscope.model.process import Process
from sigscope.model.seccomp import Filter
from sigscope.model.sigaction import SigAction
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import FIRST, LAST, Signal, SignalSet
from sigscope.model.timer import Running

T = TypeVar("T")
Names = Mapping[int, str]
DEFAULT = SigAction(0, 0, SignalSet())
MOST = 1 << 64
LONGEST_NAME = 64
"""Of an engine, a function or a process: longer ones are nobody's."""
_INSTRUCTION = 8


def encode_depth(process: Process, names: Names, redact: bool = False) -> bytes:
    """All of it; ``redact`` leaves out the values that senders sent along.

    ``names`` are those of the senders.
    """
    depth = process.depth
    assert depth is not None
    stacks: dict[tuple[Filter, ...], int] = {}
    threads = {
        thread.tid: _thread_content(thread.depth, stacks, redact)
        for thread in process.threads
        if thread.depth is not None
    }
    content = {
        "engine": depth.engine,
        "actions": _optional(_actions_content, depth.actions),
        "queue": _queue_content(depth.queue, redact),
        "queued": depth.queued,
        "unkillable": depth.unkillable,
        "group_stop": depth.group_stop,
        "itimers": _optional(
            lambda timers: [[one.which.value, one.remaining, one.interval] for one in timers],
            depth.itimers,
        ),
        "posix_timers": _optional(list, depth.posix_timers),
        "filters": [[[_hex(one), one.log, one.complete] for one in stack] for stack in stacks],
        "threads": threads,
        "names": dict(names),
    }
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def _optional(make: Callable[[Any], object], value: object) -> object:
    return None if value is None else make(value)


def _actions_content(actions: tuple[SigAction, ...]) -> dict[str, list[int]]:
    return {
        str(number): [action.handler, action.flags, action.mask.mask, action.restorer]
        for number, action in enumerate(actions, FIRST)
        if action != DEFAULT
    }


def _queue_content(queue: tuple[SigInfo, ...] | None, redact: bool) -> object:
    if queue is None:
        return None
    return [[*(info._replace(value=None) if redact else info)] for info in queue]


def _thread_content(
    depth: ThreadDepth, stacks: dict[tuple[Filter, ...], int], redact: bool
) -> dict[str, object]:
    masks = {
        name: None if mask is None else mask.mask
        for name, mask in (
            ("blocked", depth.blocked),
            ("real_blocked", depth.real_blocked),
            ("saved", depth.saved),
        )
    }
    filters = depth.filters
    place = None if filters is None else stacks.setdefault(filters, len(stacks))
    queue = _queue_content(depth.queue, redact)
    return {**masks, "queue": queue, "filters": place, "restart": depth.restart}


def _hex(one: Filter) -> str:
    return b"".join(
        code.code.to_bytes(2, "little")
        + bytes((code.jump_true, code.jump_false))
        + code.k.to_bytes(4, "little")
        for code in one.instructions
    ).hex()


def decode_depth(data: bytes, process: Process) -> tuple[Process, Names]:
    """The process with its depth, and the names of senders; DecodeError for a damaged file."""
    try:
        return _decoded(json.loads(data), process)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise DecodeError("depth", f"what the snapshot holds is damaged: {error}") from None


def _decoded(content: Any, process: Process) -> tuple[Process, Names]:
    engine = _word(content["engine"]) or ""
    stacks = [tuple(_filter(one) for one in stack) for stack in content["filters"]]
    threads = {
        _count(int(tid)): _thread(engine, one, stacks) for tid, one in content["threads"].items()
    }
    depth = ProcessDepth(
        engine,
        actions=_actions(content["actions"]),
        queue=_queue(content["queue"]),
        queued=_maybe(_count, content["queued"]),
        unkillable=_maybe(_flag, content["unkillable"]),
        group_stop=_maybe(_flag, content["group_stop"]),
        itimers=_maybe(lambda some: tuple(map(_itimer, some)), content["itimers"]),
        posix_timers=_maybe(
            lambda some: tuple(_running(*one) for one in some), content.get("posix_timers")
        ),
    )
    names = {_count(int(pid)): _word(name) or "" for pid, name in content["names"].items()}
    filled = (
        thread._replace(depth=threads[thread.tid]) if thread.tid in threads else thread
        for thread in process.threads
    )
    return replace(process, depth=depth, threads=tuple(filled)), names


def _maybe(make: Callable[[Any], T], value: object) -> T | None:
    return None if value is None else make(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
        raise ValueError("not a number that a kernel gives")
    return value


def _signed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -MOST < value < MOST:
        raise ValueError("not a number that a kernel gives")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _word(value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > LONGEST_NAME):
        raise TypeError("not a name")
    return value


def _set(value: object) -> SignalSet:
    return SignalSet(_count(value))


def _actions(content: Any) -> tuple[SigAction, ...] | None:
    if content is None:
        return None
    given = {int(number): one for number, one in content.items()}
    return tuple(
        _action(given[number]) if number in given else DEFAULT for number in range(FIRST, LAST + 1)
    )


def _action(content: Any) -> SigAction:
    handler, flags, mask, restorer = map(_count, content)
    return SigAction(handler, flags, SignalSet(mask), restorer)


def _queue(content: Any) -> tuple[SigInfo, ...] | None:
    return None if content is None else tuple(_info(*one) for one in content)


def _info(
    signal: object, code: object, pid: object, uid: object, value: object, timer: object,
    inside: object,
) -> SigInfo:  # fmt: skip
    return SigInfo(
        Signal(_count(signal)),
        _signed(code),
        _maybe(_signed, pid),
        _maybe(_signed, uid),
        _maybe(_signed, value),
        _maybe(_signed, timer),
        _flag(inside),
    )


def _itimer(content: Any) -> IntervalTimer:
    which, remaining, interval = content
    return IntervalTimer(Which(which), _count(remaining), _count(interval))


def _running(
    number: object, armed: object, remaining: object, interval: object, overruns: object
) -> Running:
    return Running(
        _count(number),
        _flag(armed),
        _maybe(_count, remaining),
        _count(interval),
        _maybe(_signed, overruns),
    )


def _filter(content: Any) -> Filter:
    code, log, complete = content
    data = bytes.fromhex(code)
    if len(data) % _INSTRUCTION:
        raise ValueError("a filter is cut off")
    return Filter(decode_instructions(data), _maybe(_flag, log), _flag(complete))


def _thread(engine: str, content: Any, stacks: list[tuple[Filter, ...]]) -> ThreadDepth:
    return ThreadDepth(
        engine,
        blocked=_maybe(_set, content["blocked"]),
        real_blocked=_maybe(_set, content["real_blocked"]),
        saved=_maybe(_set, content["saved"]),
        queue=_queue(content["queue"]),
        filters=_maybe(lambda place: stacks[_count(place)], content["filters"]),
        restart=_word(content["restart"]),
    )
