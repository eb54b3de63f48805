"""What runs first in sigscope.pyz: find a place where the archive is unpacked, or do without.

Modules that come out of an archive are compiled at each start. So it is unpacked once, below the
user's cache directory, and runs from there as fast as if it were installed. Code is taken only
from where nobody else could have put it: every directory on the way belongs to root or to
this user, and no one else may write to it. /tmp is no such place. Where there is none, as in a
container with a read-only root, the modules are taken from the archive: slower, and the same.

``SIGSCOPE_CACHE`` names another place; empty, it means: unpack nothing.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator

DIGEST = "not built"
"""Of all that is in the archive; scripts/build-zipapp writes it here."""
KEPT = 3
"""Unpacked archives, the newest ones: a user may compare versions, but nobody cleans up."""
_YOUNG = 3600.0
NOT_SUPPORTED, INTERRUPTED = 5, 130
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def begin(archive: str) -> None:
    """Runs the command; ``archive`` is the first entry of the path, and may be replaced there."""
    try:
        place = unpacked(archive)
        if place is not None:
            sys.path[0] = place
            if sys.dont_write_bytecode:
                _compile_once(place)
        from sigscope.__main__ import run
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()


def unpacked(archive: str) -> str | None:
    """The directory with what this archive holds, made if need be; None where none is safe."""
    for base in _bases():
        place = os.path.join(base, "sigscope", DIGEST)
        try:
            there = os.path.lexists(place)
            if _is_ours(place) if there else _unpack(archive, base, place):
                return place
        except OSError:  # no such place, read-only, full: the next one
            continue
    return None


def _bases() -> Iterator[str]:
    """Without links, in the order of the XDG base directory specification."""
    named = os.environ.get("SIGSCOPE_CACHE")
    if named is not None:
        if os.path.isabs(named):
            yield os.path.realpath(named)
        return
    for path in _usual():
        if os.path.isabs(path):
            yield os.path.realpath(path)


def _usual() -> Iterator[str]:
    yield os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    yield home and os.path.join(home, ".cache")
    try:
        import pwd

        own = pwd.getpwuid(os.geteuid()).pw_dir  # that of HOME may be another's, as under sudo
    except (ImportError, KeyError):  # a user by number alone, as containers have
        own = ""
    yield os.path.join(own, ".cache") if own != home else ""
    yield os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() == 0:
        yield "/run"


def _is_ours(path: str) -> bool:
    """Nobody but root and this user can have put anything there, or can put it there now.

    What is found stays true: only who may write to a directory could exchange what is in it.
    OSError if there is no such path.
    """
    while True:
        found = os.lstat(path)
        ours = found.st_uid in (0, os.geteuid())
        if not (ours and stat.S_ISDIR(found.st_mode)) or found.st_mode & _OTHERS_WRITE:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def _unpack(archive: str, base: str, place: str) -> bool:
    """True if it is there now. Two that start at a time do not disturb each other."""
    _make(base)
    above = os.path.dirname(place)
    _make(above)
    if not _is_ours(above):
        return False
    import shutil
    import tempfile
    import zipfile
    import zlib

    fresh = tempfile.mkdtemp(prefix="unpacking-", dir=above)
    try:
        with zipfile.ZipFile(archive) as content:
            content.extractall(fresh)
        try:
            os.rename(fresh, place)
        except OSError:  # the other one was faster
            return _is_ours(place)
        _forget_old(above, place)
        return True
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError) as error:
        sys.stderr.write(f"sigscope: {archive} is damaged ({error})\n  copy it once more\n")
        sys.exit(NOT_SUPPORTED)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _make(path: str) -> None:
    """This one directory, for this user alone; the one above has to be there."""
    if not os.path.lexists(path) and _is_ours(os.path.dirname(path)):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            return


def _forget_old(above: str, place: str) -> None:
    """Young ones stay: others may be unpacking at this moment."""
    import shutil
    import time

    with os.scandir(above) as entries:
        others = [entry for entry in entries if entry.path != place]
    there = [(entry.stat(follow_symlinks=False).st_mtime, entry.path) for entry in others]
    for age, path in sorted(there, reverse=True)[KEPT - 1 :]:
        if age < time.time() - _YOUNG:
            shutil.rmtree(path, ignore_errors=True)


def _compile_once(place: str) -> None:
    """Images for containers set PYTHONDONTWRITEBYTECODE; it is not meant for a cache of our own.

    Modules of others keep to it.
    """
    from importlib import machinery

    class Compiling(machinery.SourceFileLoader):
        def get_code(self, fullname: str) -> object:  # type: ignore[override]
            sys.dont_write_bytecode = False
            try:
                return super().get_code(fullname)
            finally:
                sys.dont_write_bytecode = True

    finder = machinery.FileFinder.path_hook((Compiling, machinery.SOURCE_SUFFIXES))

    def hook(path: str) -> object:
        if path != place and not path.startswith(f"{place}/"):
            raise ImportError(path)
        return finder(path)

    sys.path_hooks.insert(0, hook)  # type: ignore[arg-type]
