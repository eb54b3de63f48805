"""With which mask and dispositions does a program start its children?

Some launder what they inherited before they start anything (dash clears the mask), most pass it
on. Both are facts about other people's programs: `birth` tries one of them for real.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import proc
from tests.harness.build import build, directory
from tests.harness.daemons import Daemon
from tests.harness.targets import PATIENCE

# What sigfillset and SIG_BLOCK give a program that uses glibc: 32 and 33 stay open.
BLOCKED = frozenset(range(1, 65)) - {9, 19, 32, 33}
IGNORED = frozenset({1, 10})
# glibc's own two: ignored in whatever its posix_spawn starts, which is nobody's decision.
INTERNAL = frozenset({32, 33})

# The child as two arguments, for programs that take a command; "{child}" is for shells.
CHILD = ("{recorder}", "{file}")


@dataclass(frozen=True)
class Birth:
    """What one child was born with, and the name of the parent that it had then."""

    parent: str
    blocked: frozenset[int]
    ignored: frozenset[int]


def birth(
    command: Collection[str],
    blocked: Collection[int] = BLOCKED,
    ignored: Collection[int] = IGNORED,
    files: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
) -> Birth:
    """Start `command` with this mask and these signals ignored; what its child says of itself.

    In the command `{recorder}` and `{file}` are the child and its argument, `{child}` is both as
    the words of a shell, `{dir}` is a scratch directory. `files` are laid in there first, by name;
    the same words may stand in their text. Skips where the program is missing.
    """
    program = next(iter(command))
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    # Readable for all: some launchers change the user before they run the recorder.
    scratch = Path(tempfile.mkdtemp(prefix="born-", dir=directory()))
    scratch.chmod(0o777)
    file = scratch / "record"
    recorder = str(build("record_masks"))
    words = {
        "{child}": f"{recorder} {file}",
        "{recorder}": recorder,
        "{file}": str(file),
        "{dir}": str(scratch),
    }
    for name, text in (files or {}).items():
        path = scratch / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(_filled(text, words))
        path.chmod(0o755)
    with Daemon([_filled(word, words) for word in command], blocked, ignored) as daemon:
        try:
            proc.eventually(file.exists, timeout, f"{program} starts its child")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{daemon.said()}") from None
        record = json.loads(file.read_text())
    return Birth(
        str(record["parent"]), proc.signals(record["blocked"]), proc.signals(record["ignored"])
    )


def _filled(word: str, words: dict[str, str]) -> str:
    for placeholder, value in words.items():
        word = word.replace(placeholder, value)
    return word


def verdict(before: Collection[int], after: Collection[int]) -> str:
    """ "passes", "clears", or "changes" with the mask that came out, apart from glibc's two."""
    was, became = (frozenset(map(int, numbers)) - INTERNAL for numbers in (before, after))
    if was == became:
        return "passes"
    return "clears" if not became else f"changes to {proc.mask_of(became):016x}"
