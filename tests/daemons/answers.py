"""Random answers of a FastCGI worker, most of them such as no sane worker gives."""

from __future__ import annotations

import itertools
import random

from sigscope.model.fcgi import Record, RecordType

USUAL = (b"X-A: b", b"Content-type: text/html", b"X: " + b"y" * 200)
ODD = (
    b"Status: 404 Not Found",
    b"Status: 503",
    b"Status:404",
    b"Status: 20",
    b"Status: abc",
    b"Location: /x",
    b"HTTP/1.1 200 OK",
    b"HTTP",
    b"Content-Length: x",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"bad line",
    b"noColon",
    b": empty",
    b"X\0: y",
    b"X: \0",
    b"\xffX: y",
    b"X:y\r",
    b"X_y: z",
    b"X: y z  ",
    b"a/b: c",
    b"X\x7f: y",
)
"""No Content-Length that promises what does not come: nginx would wait for it."""


def header(dice: random.Random) -> bytes:
    """Lines of a header, mostly with its end, and a little body."""
    lines = [dice.choice(ODD if dice.random() < 0.25 else USUAL) for _ in range(dice.randint(0, 5))]
    end = dice.choice((b"\r\n", b"\r\n", b"\n"))
    text = b"".join(line + end for line in lines)
    return text + (end if dice.random() < 0.9 else b"") + b"x" * dice.randint(0, 50)


def records(dice: random.Random) -> list[Record]:
    """Messages, a header over one or more records, an end; sometimes one that is wrong."""
    found = [_record(dice, RecordType.STDERR, _message(dice)) for _ in range(dice.randint(0, 4))]
    text = header(dice)
    for part in _cut(dice, text, dice.choice((0, 0, 1, 2))):
        found.append(_record(dice, RecordType.STDOUT, part))
        if dice.random() < 0.2:
            found.append(_record(dice, RecordType.STDERR, b"e" * dice.randint(0, 600)))
    if dice.random() < 0.9:
        found.append(Record(RecordType.END_REQUEST, 1, 8, 0, bytes(8)))
    if dice.random() < 0.1:
        place = dice.randrange(len(found))
        found[place] = _wrong(dice, found[place])
    return found


def pieces(dice: random.Random, data: bytes) -> list[bytes]:
    """The stream in one or a few pieces, sometimes without its end."""
    found = _cut(dice, data, dice.choice((0, 0, 1, 4)))
    if found and dice.random() < 0.15:
        found[-1] = found[-1][: dice.randint(0, len(found[-1]))]
    return [piece for piece in found if piece]


def _message(dice: random.Random) -> bytes:
    return b"e" * dice.choice((dice.randint(0, 40), dice.randint(900, 1100), dice.randint(0, 3000)))


def _record(dice: random.Random, kind: int, content: bytes) -> Record:
    padding = dice.randint(0, 255) if dice.random() < 0.25 else -len(content) % 8
    return Record(kind, 1, len(content), padding, content)


def _wrong(dice: random.Random, one: Record) -> Record:
    kind, number, version = dice.choice(
        ((one.kind, 2, 1), (one.kind, 256, 1), (RecordType.UNKNOWN_TYPE, 1, 1), (one.kind, 1, 2))
    )
    return Record(kind, number, one.length, one.padding, one.content, version)


def _cut(dice: random.Random, data: bytes, times: int) -> list[bytes]:
    places = sorted(dice.randint(0, len(data)) for _ in range(times))
    return [data[a:b] for a, b in itertools.pairwise([0, *places, len(data)])]
