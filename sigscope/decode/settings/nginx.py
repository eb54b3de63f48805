"""nginx: worker_shutdown_timeout and daemon, of the main context (ngx_core_module)."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.decode.settings.choosing import below, directory, last, option, seconds, switch
from sigscope.decode.settings.directives import Directive, Files, braced, gather
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

_TITLE = "nginx: master process "
_USUAL = ("/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf")


def configuration(argv: tuple[str, ...], files: Files) -> str:
    """The path of the main file: from -c, or the usual place."""
    words = " ".join(argv).removeprefix(_TITLE).split()
    path = option(words, "-c")
    if path is None:
        return next((one for one in _USUAL if isinstance(files.read(one), bytes)), _USUAL[0])
    return below(option(words, "-p") or "", path) if path[:1] != "/" else path


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """-g is part of the configuration, and has the last word."""
    words = " ".join(argv).removeprefix(_TITLE)
    path = configuration(argv, files)
    base = directory(path)

    def includes(one: Directive) -> str | None:
        return below(base, one.value) if one.name == "include" else None

    given = words.partition(" -g ")[2]
    found = [*gather(files, path, braced, includes), *_given(given)]
    for name, read, default in (("worker_shutdown_timeout", seconds, 0.0),):
        yield last(name, _named(found, name), read, default)
    yield last("daemon", _named(found, "daemon"), switch, True)


def _given(text: str) -> Iterator[Directive]:
    for one in braced(text if text.rstrip().endswith(";") else f"{text};"):
        yield Directive(one.words, one.line, file="command line -g")


def _named(found: list[Directive | Gap], name: str) -> Iterator[Directive | Gap]:
    return (one for one in found if isinstance(one, Gap) or one.name == name)
