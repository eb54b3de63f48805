#!/usr/bin/env python3
"""Write the table of places and commands into man/sigscope-doctor.1.

    sudo PYTHONPATH=. python3 scripts/gen_places.py

It takes each place of tests.containers.standings.py, and asks the doctor there. The tests compare
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
COLUMN, CELL, MOST = 24, 5, 10
"""Letters of a command and of a cell, and so many places side by side."""

Table = Mapping[str, Mapping[str, str]]
"""Place, command, verdict."""


def table(verdicts: Table) -> str:
    """The lines of the page: what each letter stands for, and a row for each command."""
    letters = dict(zip(verdicts, string.ascii_uppercase, strict=False))
    lines = [BEGIN.rstrip("\n"), ".Bl -tag -width Ds -compact"]
    for place, letter in letters.items():
        lines += [f".It {letter}", place]
    lines.append(".El")
    places = list(verdicts)
    for first in range(0, len(places), MOST):
        beside = places[first : first + MOST]
        lines += [".Bd -literal", _row("", [letters[place] for place in beside])]
        for command in verdicts[places[0]]:
            lines.append(_row(command, [WORDS[verdicts[place][command]] for place in beside]))
        lines.append(".Ed")
    return "\n".join([*lines, END])


def _row(command: str, cells: list[str]) -> str:
    text = command.ljust(COLUMN) + "".join(cell.ljust(CELL) for cell in cells)
    return text.rstrip().replace("-", "\\-")


def column(page: str, place: str) -> dict[str, str]:
    """What a page says of a place: the verdict on each command; empty if it is not there."""
    lines = [line.replace("\\-", "-") for line in told(page).splitlines()]
    letter = next((lines[at][4:] for at in range(len(lines) - 1) if lines[at + 1] == place), "")
    verdicts = {word: verdict for verdict, word in WORDS.items()}
    found: dict[str, str] = {}
    at = -1
    for line in lines:
        if line.startswith(" " * COLUMN):
            at = line.find(letter, COLUMN) if letter else -1
        elif at > 0 and not line.startswith("."):
            found[line[:COLUMN].strip()] = verdicts[line[at : at + CELL].strip()]
    return found


def told(page: str) -> str:
    """The table as it stands in a page."""
    begin, end = page.index(BEGIN), page.index(END)
    return page[begin : end + len(END)]


def main() -> None:
    """Ask everywhere; the page is replaced as a whole."""
    from tests.containers.cells import foretold, of_the_place
    from tests.containers.standings import PLACES

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
