"""The settings of a running program, from its own command line and configuration files.

The files are read as the program sees them (``kernel.rooted``), so many and so much of them as
is sensible; what they say is decoded in ``decode.settings``. They are the files of now: the
program may have been started, or reloaded, before they were changed.
"""

from __future__ import annotations

import fnmatch
import importlib
import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar, cast

from sigscope.kernel.refusal import more_power
from sigscope.model.catalog import Setting, Settings
from sigscope.model.gap import Gap
from sigscope.model.process import Process

if TYPE_CHECKING:  # only programs that have settings need them
    from sigscope.decode.settings.directives import Files
    from sigscope.kernel.rooted import RootedFiles

    Reader = Callable[[tuple[str, ...], Files], Iterable[Setting | Gap]]

READERS = (
    (r"php-fpm[\d.]*", "php_fpm"),
    (r"nginx", "nginx"),
    (r"apache2|httpd", "apache"),
    (r"haproxy", "haproxy"),
    (r"uwsgi.*", "uwsgi"),
    (r"gunicorn3?|gunicorn: .*", "gunicorn"),
    (r"(redis|valkey)-(server|sentinel)", "redis"),
)
"""Which module of ``decode.settings`` reads the settings of which program, by its comm or the
name of its executable."""
_READERS_IN = "sigscope.decode.settings"
T = TypeVar("T")
MOST_BYTES = 4 << 20
LONGEST_CMDLINE = 1 << 16


def read_settings(process: Process, proc: str = "/proc") -> Settings:
    """What is known of the settings of this process; nothing if its program has none that matter.

    Meant for processes of this host: a recorded one has no files to look at.
    """
    reader = _reader(process)
    if reader is None:
        return Settings()
    said = read_with(reader, process.pid, proc)
    found = tuple(one for one in said if isinstance(one, Setting))
    return Settings(found, tuple(one for one in said if isinstance(one, Gap)))


def read_limit(name: str, process: Process, parent: Process) -> str:
    """A time limit that the parent keeps for this process, in words; "" where it is not known."""
    from sigscope.decode.settings import php_fpm_pools

    pool = php_fpm_pools.pool_of(process.cmdline or ())
    if name != php_fpm_pools.NAME or pool is None:
        return ""
    said = read_with(php_fpm_pools.pool_limits, parent.pid)
    for one in said:
        if not isinstance(one, Gap) and one.pool == pool:
            return f"{one.seconds:g} s ({one.where})"
    return "" if any(isinstance(one, Gap) for one in said) else f"not set for pool {pool}"


def read_with(
    reader: Callable[[tuple[str, ...], Files], Iterable[T | Gap]], pid: int, proc: str = "/proc"
) -> tuple[T | Gap, ...]:
    """What a reader makes of the command line and the files of a process, as it sees them."""
    from sigscope.kernel.rooted import RootedFiles

    try:
        argv = _argv(pid, proc)
        with RootedFiles(pid, proc, _start(pid, proc)) as files:
            return tuple(reader(argv, _Bounded(files)))
    except OSError as error:
        return (unread("settings", error),)


def _reader(process: Process) -> Reader | None:
    names = (process.comm, (process.exe or "").rpartition("/")[2])
    for pattern, module in READERS:
        if any(re.fullmatch(pattern, name) for name in names if name):
            return cast("Reader", importlib.import_module(f"{_READERS_IN}.{module}").settings)
    return None


def _argv(pid: int, proc: str) -> tuple[str, ...]:
    """Longer than ``Process.cmdline``, which is for showing."""
    with open(f"{proc}/{pid}/cmdline", "rb") as file:
        data = file.read(LONGEST_CMDLINE).rstrip(b"\0")
    return tuple(os.fsdecode(word) for word in data.split(b"\0"))


def _start(pid: int, proc: str) -> str:
    """The working directory, as the process itself names it: below its root."""
    root, here = (os.readlink(f"{proc}/{pid}/{name}") for name in ("root", "cwd"))
    if root != "/" and (here == root or here.startswith(f"{root}/")):
        here = here[len(root) :] or "/"
    return here if here.startswith("/") else "/"


def unread(what: str, error: OSError) -> Gap:
    """The gap for a file below the root of a process."""
    refused = isinstance(error, PermissionError)
    hint = more_power("root") if refused else ""
    return Gap(what, error.strerror or "unreadable", hint, refused=refused)


class _Bounded:
    """:class:`sigscope.decode.settings.directives.Files`, of which there is an end."""

    def __init__(self, files: RootedFiles) -> None:
        self._files = files
        self._bytes = 0

    def read(self, path: str) -> bytes | Gap:
        if self._bytes >= MOST_BYTES:
            return Gap(path, "more configuration than sigscope reads")
        try:
            data = self._files.read(path)
        except (OSError, ValueError) as error:
            return self._gap(path, error)
        self._bytes += len(data)
        return data

    def matching(self, pattern: str) -> tuple[str, ...] | Gap:
        """Wildcards in the last part, as nearly everybody writes them; elsewhere it is a gap."""
        base, _, last = pattern.rpartition("/")
        if any(sign in base for sign in "*?["):
            return Gap(pattern, "wildcards in directories are not followed")
        if not any(sign in last for sign in "*?["):
            return (pattern,)
        try:
            names = self._files.names(base or ("/" if pattern.startswith("/") else "."))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            return self._gap(base, error)
        fitting = fnmatch.filter((name for name in names if name[0] != "."), last)
        return tuple(f"{base}/{name}" if base or pattern[0] == "/" else name for name in fitting)

    @staticmethod
    def _gap(path: str, error: Exception) -> Gap:
        if isinstance(error, OSError):
            return unread(path, error)
        return Gap(path, "not a path")
