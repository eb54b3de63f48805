#!/usr/bin/env python3
"""Write scripts/completion/: what a shell needs to complete sigscope's command line.

    PYTHONPATH=. python3 scripts/gen_completion.py

The scripts are click's own; they ask sigscope itself at each completion, so they change
with click only, and not with sigscope's options. The last line says which click wrote them.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from sigscope.cli.main import sigscope

PROGRAM = "sigscope"
VARIABLE = "_SIGSCOPE_COMPLETE"
FOLDER = Path(__file__).parent / "completion"


class Bash(BashComplete):
    """Without the look for an installed bash: the file is written for another machine."""

    @staticmethod
    def _check_version() -> None:
        pass


SHELLS: dict[str, type[ShellComplete]] = {
    "sigscope": Bash,
    "_sigscope": ZshComplete,
    "sigscope.fish": FishComplete,
}
"""File, by the name under which each shell looks for it, and what writes it."""


def signature() -> str:
    """The last line of each file: click's templates differ between its versions."""
    return f"# Written by scripts/gen_completion.py with click {version('click')}; do not edit."


def script(name: str) -> str:
    """The text of the file of this name."""
    source = SHELLS[name](sigscope, {}, PROGRAM, VARIABLE).source()
    return f"{source.strip()}\n\n{signature()}\n"


def main() -> None:
    """Write the files; each is replaced as a whole."""
    FOLDER.mkdir(exist_ok=True)
    for name in SHELLS:
        part = FOLDER / f"{name}.part"
        part.write_text(script(name))
        os.replace(part, FOLDER / name)


if __name__ == "__main__":
    main()
