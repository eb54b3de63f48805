r"""The lines of a record file of ``sigscope watch``: JSON, one event a line, a header first.

Each line is whole or not there at all, so a file that is cut off is readable up to the cut. The
first word of a line tells its kind; then come the fields of the value, in their order. Such a file
may come from anywhere: whatever does not fit is refused as a DecodeError, never believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from sigscope.errors import DecodeError
from sigscope.model.container import Container
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal, SignalSet
from sigscope.model.story import Known, Look, LookedThread
from sigscope.model.watch import (
    Consumer,
    Delivered,
    Event,
    Executed,
    Exited,
    Forked,
    Missed,
    Result,
    Sent,
    Taken,
    Task,
)

FORMAT = "sigscope-watch/1"
LONGEST_LINE = 1 << 16
_LONGEST_TEXT, _MOST_WORDS, _MOST_THREADS = 4096, 256, 4096
_LARGEST = 1 << 64


class Header(NamedTuple):
    """``wall`` is CLOCK_REALTIME less CLOCK_MONOTONIC, ``started`` CLOCK_MONOTONIC, both in ns."""

    host: str
    boot: str
    kernel: str
    engine: str
    wall: int
    started: int


class Closed(NamedTuple):
    """The last line: when the watch ended, and how many events it knows that it lost."""

    time: int
    lost: int | None


Entry = Event | Known | Look | Closed


def header_line(header: Header) -> bytes:
    """The first line of a file."""
    return json.dumps({"format": FORMAT, **header._asdict()}).encode() + b"\n"


def decode_header(line: bytes) -> Header:
    """DecodeError if it is another file, or of a later kind."""
    found = _json(line)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DecodeError(
            "record", "this is no record of sigscope watch, or one of another version"
        )
    host, boot, kernel, engine = (
        _text(found.get(name)) or "" for name in ("host", "boot", "kernel", "engine")
    )
    wall, started = _number(found.get("wall")), _number(found.get("started"))
    return Header(host, boot, kernel, engine, wall, started)


def entry_line(entry: Entry) -> bytes:
    r"""One line.

    >>> entry_line(Closed(7, 0))
    b'["Z",7,0]\n'
    """
    kind = _LETTERS[type(entry)]
    fields: list[Any] = list(entry)
    if isinstance(entry, Look):
        fields = [*_masks(entry), *fields[6:]]
    elif isinstance(entry, Known) and entry.container is not None:
        fields[5] = [entry.container.runtime, entry.container.id]
    return json.dumps([kind, *fields], separators=(",", ":")).encode() + b"\n"


def decode_entry(line: bytes) -> Entry:
    """DecodeError if it does not fit.

    >>> decode_entry(b'["M",5,null]')
    Missed(time=5, events=None)
    """
    found = _json(line)
    if not isinstance(found, list) or not found or not isinstance(found[0], str):
        raise DecodeError("record", "a line is no event")
    reader = _READERS.get(found[0])
    if reader is None:
        raise DecodeError("record", f"a line of the unknown kind {found[0][:8]!r}")
    try:
        return reader(*found[1:])
    except (TypeError, ValueError, IndexError) as error:
        raise DecodeError("record", f"a damaged line: {error}") from None


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise DecodeError("record", "a line is damaged") from None


def _masks(entry: Look) -> list[object]:
    def bits(mask: SignalSet | None) -> int | None:
        return None if mask is None else mask.mask

    threads = [
        [one.tid, one.state, bits(one.blocked), bits(one.pending)]
        for one in entry.threads[:_MOST_THREADS]
    ]
    sets = (entry.pending, entry.ignored, entry.caught)
    return [entry.time, entry.pid, threads, *map(bits, sets)]


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -_LARGEST < value < _LARGEST:
        raise DecodeError("record", "something else stands where a number belongs")
    return value


def _optional(value: object) -> int | None:
    return None if value is None else _number(value)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DecodeError("record", "something else stands where a text belongs")
    return None if value is None else value[:_LONGEST_TEXT]


def _truth(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise DecodeError("record", "something else stands where yes or no belongs")
    return value


def _times(value: object) -> int:
    return max(1, _number(value))


def _words(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(_text(one) or "" for one in value[:_MOST_WORDS])


def _set(value: object) -> SignalSet | None:
    return None if value is None else SignalSet(_number(value) & _LARGEST - 1)


def _task(value: Any) -> Task:
    tid, tgid, comm, uid, parent, parent_comm = value
    return Task(
        _number(tid),
        _optional(tgid),
        _text(comm),
        _optional(uid),
        _optional(parent),
        _text(parent_comm),
    )


def _info(value: Any) -> SigInfo:
    signal, code, pid, uid, number, timer, inside = value
    return SigInfo(
        Signal(_number(signal)),
        _number(code),
        _optional(pid),
        _optional(uid),
        _optional(number),
        _optional(timer),
        bool(_truth(inside)),
    )


def _sent(
    time: object,
    sender: object,
    target: object,
    info: object,
    group: object,
    result: object,
    blocked: object = None,
    init: object = None,
    times: object = 1,
) -> Sent:
    return Sent(
        _number(time),
        _task(sender),
        _task(target),
        _info(info),
        bool(_truth(group)),
        Result(_number(result)),
        _truth(blocked),
        _truth(init),
        _times(times),
    )


def _delivered(
    time: object,
    task: object,
    signal: object,
    code: object,
    handler: object,
    flags: object,
    times: object = 1,
) -> Delivered:
    return Delivered(
        _number(time),
        _task(task),
        Signal(_number(signal)),
        _number(code),
        _number(handler),
        _number(flags),
        _times(times),
    )


def _taken(time: object, task: object, signal: object, by: object, times: object = 1) -> Taken:
    consumer = None if by is None else Consumer(_number(by))
    return Taken(_number(time), _task(task), Signal(_number(signal)), consumer, _times(times))


def _executed(time: object, task: object, path: object = None, cmdline: object = None) -> Executed:
    return Executed(_number(time), _task(task), _text(path), _words(cmdline))


def _exited(time: object, task: object, status: object = None, process: object = None) -> Exited:
    return Exited(_number(time), _task(task), _optional(status), _truth(process))


def _known(
    pid: object, parent: object, comm: object, uid: object, cmdline: object, container: Any
) -> Known:
    kind, name = (None, None) if container is None else container
    placed = None if kind is None else Container(_text(kind) or "", _text(name) or "")
    return Known(
        _number(pid), _number(parent), _text(comm) or "", _optional(uid), _words(cmdline), placed
    )


def _look(
    time: object,
    pid: object,
    threads: Any,
    pending: object,
    ignored: object,
    caught: object,
    tracer: object,
    frozen: object,
) -> Look:
    return Look(
        _number(time),
        _number(pid),
        tuple(
            LookedThread(_number(tid), (_text(state) or "?")[:1], _set(blocked), _set(waiting))
            for tid, state, blocked, waiting in threads[:_MOST_THREADS]
        ),
        _set(pending),
        _set(ignored),
        _set(caught),
        _optional(tracer),
        bool(_truth(frozen)),
    )


_LETTERS: dict[type, str] = {
    Sent: "S",
    Delivered: "D",
    Taken: "T",
    Forked: "F",
    Executed: "X",
    Exited: "E",
    Missed: "M",
    Known: "K",
    Look: "L",
    Closed: "Z",
}
_READERS: dict[str, Callable[..., Entry]] = {
    "S": _sent,
    "D": _delivered,
    "T": _taken,
    "F": lambda time, parent, child: Forked(_number(time), _task(parent), _task(child)),
    "X": _executed,
    "E": _exited,
    "M": lambda time, events: Missed(_number(time), _optional(events)),
    "K": _known,
    "L": _look,
    "Z": lambda time, lost: Closed(_number(time), _optional(lost)),
}
