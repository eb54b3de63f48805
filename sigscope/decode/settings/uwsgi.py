"""uWSGI: die-on-term, from its command line and the files that this names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sigscope.decode.settings.choosing import COMMAND_LINE, last, switch
from sigscope.decode.settings.directives import Directive, Files, gather, ini
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

NAME = "die-on-term"
_OPTIONS = {"--ini": "ini", "--yaml": "yaml", "--yml": "yaml", "-y": "yaml"}
_OPTIONS |= {"--xml": "xml", "--xmlconfig": "xml", "-x": "xml", "--json": "json", "-j": "json"}
_TAG = re.compile(r"<([\w-]{1,64})[ \t]{0,9}(?:/>|>([^<]{0,200})<)")
_PAIR = re.compile(r"([\w-]{1,64}):(?:[ \t](.*))?")


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """Variables of the environment (UWSGI_DIE_ON_TERM) set options, too: they are not read."""
    yield last(NAME, _found(argv, files), lambda text: switch(text) if text else True, False)


def _found(argv: tuple[str, ...], files: Files) -> Iterator[Directive | Gap]:
    kind = ""
    for word in argv[1:]:
        name, equal, value = word.partition("=")
        if kind:
            yield from _file(files, word, kind)
            kind = ""
        elif name == f"--{NAME}":
            yield Directive((NAME, value) if equal else (NAME,), 1, file=COMMAND_LINE)
        elif name in _OPTIONS and equal:
            yield from _file(files, value, _OPTIONS[name])
        elif word in _OPTIONS:
            kind = _OPTIONS[word]
        elif not word.startswith("-") and word.rpartition(".")[2] in ("ini", "yaml", "yml", "xml"):
            yield from _file(files, word, word.rpartition(".")[2].replace("yml", "yaml"))


def _file(files: Files, path: str, kind: str) -> Iterator[Directive | Gap]:
    """``FILE:SECTION`` names another section than [uwsgi]."""
    path, _, section = path.partition(":")
    parse = {"ini": ini, "yaml": _yaml, "xml": _xml}.get(kind)
    if parse is None or not path:
        yield Gap(path or "configuration", f"{kind or 'this'} is not read", "look there yourself")
        return
    for one in gather(files, path, parse, _includes(kind)):
        if isinstance(one, Gap) or (one.name == NAME and one.section in ("", section or "uwsgi")):
            yield one


def _includes(kind: str) -> Callable[[Directive], str | None]:
    wanted = ("ini", "include") if kind == "ini" else (kind, "include")

    def includes(one: Directive) -> str | None:
        return one.value if one.name in wanted and one.value else None

    return includes


def _yaml(text: str) -> Iterator[Directive]:
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        pair = _PAIR.fullmatch(line.strip())
        if pair is not None and line[:1] not in (" ", "\t"):
            section = pair[1]
        elif pair is not None:
            value = (pair[2] or "").partition(" #")[0].strip().strip("\"'")
            yield Directive((pair[1], value), number, section)


def _xml(text: str) -> Iterator[Directive]:
    for number, line in enumerate(text.split("\n"), 1):
        for tag in _TAG.finditer(line):
            yield Directive((tag[1], (tag[2] or "").strip()), number)
