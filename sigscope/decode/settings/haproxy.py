"""HAProxy: master-worker mode and hard-stop-after, of the global section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.decode.settings.choosing import COMMAND_LINE, last, seconds
from sigscope.decode.settings.directives import Directive, Files, gather, words
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

_SECTIONS = frozenset(
    "global defaults frontend backend listen peers resolvers userlist mailers program cache ring"
    " http-errors fcgi-app log-forward crt-store traces".split()
)


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """From -W and -Ws, and the files of -f, one after the other."""
    paths = _files(argv)
    if not paths:
        found: list[Directive | Gap] = [
            Gap("configuration", "the command line names no configuration file")
        ]
    else:
        found = [one for path in paths for one in _global(files, path)]
    if {"-W", "-Ws"} & set(argv):
        yield Setting("master-worker", True, COMMAND_LINE)
    else:
        yield last("master-worker", _named(found, "master-worker"), lambda _: True, False)
    # Without a unit it means milliseconds.
    limit = _named(found, "hard-stop-after")
    yield last("hard-stop-after", limit, lambda text: seconds(text, "ms"), 0.0)


def _files(argv: Sequence[str]) -> list[str]:
    """-f takes all the words up to the next option."""
    found, taking = [], False
    for word in argv[1:]:
        if word.startswith("-"):
            taking = word in ("-f", "--")
        elif taking:
            found.append(word)
    return found


def _global(files: Files, path: str) -> Iterator[Directive | Gap]:
    section = ""
    for one in gather(files, path, words, lambda _: None):
        if isinstance(one, Gap):
            yield one
        elif one.name in _SECTIONS:
            section = one.name
        elif section == "global":
            yield one


def _named(found: list[Directive | Gap], name: str) -> Iterator[Directive | Gap]:
    return (one for one in found if isinstance(one, Gap) or one.name == name)
