"""Where handlers lie, as a snapshot keeps it: the files that tell it are not there to be asked.

{"code": [[94123456, "/usr/sbin/nginx", 325808, "", "", 0, "", [], "stripped: ...",
           [["write"], [], ["text"], ["00ff..."], [[15, "SIGTERM", "stop"]]]]],
 "deferred": [[15, 94123456]]}
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sigscope.errors import DecodeError
from sigscope.model.depth import ProcessDepth
from sigscope.model.location import Clues, Location

MOST = 1 << 64
LONGEST = 1 << 15
MOST_ITEMS = 1 << 12
_SIGNALS = 64


def encode_code(depth: ProcessDepth) -> bytes:
    """``code`` and ``deferred``, which must be known."""
    assert depth.code is not None
    content = {
        "code": [
            [*place[:-1], None if place.clues is None else _clues_content(place.clues)]
            for place in depth.code
        ],
        "deferred": depth.deferred,
    }
    return json.dumps(content, separators=(",", ":")).encode("ascii")


def _clues_content(clues: Clues) -> list[object]:
    return [sorted(clues.calls), sorted(clues.uses), clues.text, clues.data, clues.rows]


def decode_code(data: bytes, depth: ProcessDepth) -> ProcessDepth:
    """The depth with what the snapshot holds of it; DecodeError for a damaged file.

    >>> place = Location(4198400, "/bin/true", 4198400, "main", "main", table="symtab")
    >>> depth = ProcessDepth("bpf", code=(place,), deferred=((15, 4198400),))
    >>> decode_code(encode_code(depth), ProcessDepth("bpf")) == depth
    True
    """
    try:
        content = json.loads(data)
        code = tuple(_location(*one) for one in _list(content["code"]))
        deferred = tuple(_pair(*one) for one in _list(content["deferred"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DecodeError("code", f"what the snapshot holds is damaged: {error}") from None
    return replace(depth, code=code, deferred=deferred)


def _location(
    address: Any, module: Any, offset: Any, symbol: Any, function: Any, into: Any, table: Any,
    also: Any, why: Any, clues: Any,
) -> Location:  # fmt: skip
    return Location(
        _number(address),
        _text(module),
        None if offset is None else _number(offset),
        _text(symbol),
        _text(function),
        _number(into),
        _text(table),
        tuple(map(_text, _list(also))),
        _text(why),
        None if clues is None else _clues(*clues),
    )


def _clues(calls: Any, uses: Any, text: Any, data: Any, rows: Any) -> Clues:
    return Clues(
        frozenset(map(_text, _list(calls))),
        frozenset(map(_text, _list(uses))),
        tuple(map(_text, _list(text))),
        tuple(bytes.fromhex(_text(one)).hex() for one in _list(data)),
        tuple(tuple(map(_word, _list(row))) for row in _list(rows)),
    )


def _pair(signal: Any, address: Any) -> tuple[int, int]:
    if not 1 <= _number(signal) <= _SIGNALS:
        raise ValueError("not a signal")
    return signal, _number(address)


def _word(value: Any) -> int | str:
    return _text(value) if isinstance(value, str) else _number(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise TypeError("not a list that sigscope writes")
    return value


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MOST:
        raise ValueError("not a number that fits")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise TypeError("not a text that fits")
    return value
