"""Apache: GracefulShutdownTimeout (mpm_common)."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.decode.settings.choosing import below, directory, last, option, seconds
from sigscope.decode.settings.directives import Directive, Files, gather, words
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

NAME = "GracefulShutdownTimeout"
_USUAL = ("/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf")


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """From -f, or the usual place; relative to ServerRoot, which is -d or beside it."""
    path = option(argv, "-f")
    if path is None:
        path = next((one for one in _USUAL if isinstance(files.read(one), bytes)), _USUAL[0])
    base = option(argv, "-d") or directory(path).removesuffix("/conf")
    path = below(base, path)

    def includes(one: Directive) -> str | None:
        if one.name.lower() not in ("include", "includeoptional") or "${" in one.value:
            return None
        return below(base, one.value)

    found = gather(files, path, words, includes)
    wanted = (one for one in found if isinstance(one, Gap) or one.name.lower() == NAME.lower())
    yield last(NAME, wanted, seconds, 0.0)
