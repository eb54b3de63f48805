"""Redis and Valkey: save points, append-only file, and shutdown-timeout (redis.conf)."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.decode.settings.choosing import last, seconds, switch
from sigscope.decode.settings.directives import Directive, Files, gather, words
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

_NAMES = ("save", "appendonly", "shutdown-timeout")


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """The server writes over its command line (unless set-proc-title no): then they are gaps."""
    if len(argv) < 2:
        client = "valkey-cli" if "valkey" in "".join(argv) else "redis-cli"
        for name in _NAMES:
            hint = f"ask the server: {client} config get {name}"
            yield Gap(name, "the server has written over its command line", hint)
        return
    found: list[Directive | Gap] = []
    if not argv[1].startswith("-"):
        found += gather(files, argv[1], words, _includes)
    found += _options(argv[1:])
    yield last("save", _named(found, "save"), lambda text: bool(text.strip()), True)
    yield last("appendonly", _named(found, "appendonly"), switch, False)
    yield last("shutdown-timeout", _named(found, "shutdown-timeout"), seconds, 10.0)


def _includes(one: Directive) -> str | None:
    return one.value if one.name.lower() == "include" else None


def _options(argv: tuple[str, ...]) -> Iterator[Directive]:
    """``--save 60 1000`` is the line ``save 60 1000``."""
    line: list[str] = []
    for word in (*argv, "--"):
        if word.startswith("--"):
            if line:
                yield Directive(tuple(line), 1, file="command line")
            line = [word[2:]] if len(word) > 2 else []
        elif line:
            line.append(word)


def _named(found: list[Directive | Gap], name: str) -> Iterator[Directive | Gap]:
    return (one for one in found if isinstance(one, Gap) or one.name.lower() == name)
