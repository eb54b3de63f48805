"""PHP-FPM: process_control_timeout, of the global section (php-fpm.conf)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sigscope.decode.settings.choosing import last, option, seconds
from sigscope.decode.settings.directives import Directive, Files, gather, ini
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

NAME = "process_control_timeout"
_TITLE = re.compile(r"php-fpm: master process \((/.*)\)")


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """From the file that the master's title names, or -y."""
    title = _TITLE.match(" ".join(argv))
    path = title[1] if title else option(argv, "-y", "--fpm-config")
    if path is None:
        yield Gap(NAME, "the command line names no configuration file: ask the master process")
        return
    found = gather(files, path, ini, _includes)
    wanted = (one for one in found if isinstance(one, Gap) or _means_it(one))
    yield last(NAME, wanted, seconds, 0.0)


def _includes(one: Directive) -> str | None:
    return one.words[1] if one.name == "include" else None


def _means_it(one: Directive) -> bool:
    """Outside any section is the global one, too (fpm_conf_load_ini_file)."""
    return one.name == NAME and one.section in ("", "global")
