#!/usr/bin/env python3
"""Write the table of places and commands into man/sigscope-doctor.1.

    sudo PYTHONPATH=. python3 scripts/gen_places.py

It takes each place of tests/containers/places.py, and asks the doctor there. The tests compare
the page with what the doctor says, and that with what the commands then do.
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parent.parent / "man" / "sigscope-doctor.1"
BEGIN, END = '.\\" The table: scripts/gen_places.py\n', '.\\" The end of the table.\n'
WORDS = {"works": "yes", "in part": "part", "does not work": "no"}
COLUMN = 20
CELL = 5

Table = Mapping[str, Mapping[str, str]]
"""Place, command, verdict."""


def table(verdicts: Table) -> str:
    """The lines of the page: what each letter stands for, and a row for each command."""
    letters = dict(zip(verdicts, string.ascii_uppercase, strict=False))
    commands = next(iter(verdicts.values()))
    lines = [BEGIN.rstrip("\n"), ".Bl -tag -width Ds -compact"]
    for place, letter in letters.items():
        lines += [f".It {letter}", place]
    lines += [".El", ".Bd -literal"]
    lines.append(" " * COLUMN + "".join(letter.ljust(CELL) for letter in letters.values()).rstrip())
    for command in commands:
        cells = "".join(WORDS[column[command]].ljust(CELL) for column in verdicts.values())
        name = command.ljust(COLUMN).replace("-", "\\-")
        lines.append(f"{name}{cells.rstrip()}")
    return "\n".join([*lines, ".Ed", END])


def told(page: str) -> str:
    """The table as it stands in a page."""
    begin, end = page.index(BEGIN), page.index(END)
    return page[begin : end + len(END)]


def main() -> None:
    """Ask everywhere; the page is replaced as a whole."""
    from tests.containers.cells import foretold, of_the_place
    from tests.containers.places import PLACES

    verdicts = {}
    for place in PLACES:
        with place.enter() as standing:
            verdicts[place.name] = of_the_place(foretold(standing))
    page = PAGE.read_text("utf-8")
    part = PAGE.with_suffix(".part")
    part.write_text(page.replace(told(page), table(verdicts)), "utf-8")
    os.replace(part, PAGE)


if __name__ == "__main__":
    main()
