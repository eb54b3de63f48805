"""Gunicorn: graceful_timeout, where the command line has it. A Python file is not read."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.decode.settings.choosing import COMMAND_LINE, DEFAULT, option, seconds
from sigscope.decode.settings.directives import Files
from sigscope.model.catalog import Setting
from sigscope.model.gap import Gap

NAME = "graceful_timeout"
_USUAL = "gunicorn.conf.py"


def settings(argv: tuple[str, ...], files: Files) -> Iterator[Setting | Gap]:
    """The command line has the last word (Gunicorn, Configuration Overview)."""
    given = option(argv, "--graceful-timeout")
    if given is not None:
        value = seconds(given)
        yield Gap(NAME, "not understood") if value is None else Setting(NAME, value, COMMAND_LINE)
        return
    config = option(argv, "-c", "--config")
    if argv and argv[0].startswith("gunicorn:"):
        yield Gap(NAME, "the server has written over its command line")
    elif config is not None:
        yield Gap(NAME, "python config, not read", f"look for it: grep {NAME} {config[:80]}")
    elif isinstance(files.read(_USUAL), bytes):
        yield Gap(NAME, "python config, not read", f"look for it: grep {NAME} {_USUAL}")
    else:
        yield Setting(NAME, 30.0, DEFAULT)
