"""PHP-FPM: request_terminate_timeout of each pool (php-fpm.conf, the sections of pools)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sigscope.decode.settings.choosing import option, seconds
from sigscope.decode.settings.directives import Directive, Files, gather, ini
from sigscope.model.fcgi import PoolLimit
from sigscope.model.gap import Gap

NAME = "request_terminate_timeout"
_TITLE = re.compile(r"php-fpm: master process \((/.*)\)")
_WORKER = re.compile(r"php-fpm: pool (\S+)")


def pool_of(cmdline: tuple[str, ...]) -> str | None:
    """The pool of a worker, which is its title.

    >>> pool_of(("php-fpm: pool www",))
    'www'
    """
    found = _WORKER.match(" ".join(cmdline))
    return found[1] if found else None


def pool_limits(argv: tuple[str, ...], files: Files) -> Iterator[PoolLimit | Gap]:
    """Those that are set; from the file that the master's title names, or -y."""
    title = _TITLE.match(" ".join(argv))
    path = title[1] if title else option(argv, "-y", "--fpm-config")
    if path is None:
        yield Gap(NAME, "the command line names no configuration file")
        return
    for one in gather(files, path, ini, _includes):
        if isinstance(one, Gap):
            yield one
        elif one.name == NAME:
            limit = seconds(one.value)
            if limit is None:
                yield Gap(one.where, f"not understood: {one.value[:40]!r}")
            elif limit:
                yield PoolLimit(one.section, limit, one.where)


def _includes(one: Directive) -> str | None:
    return one.words[1] if one.name == "include" else None
