"""What the doctor foretells is what the commands then do, place by place and cell by cell."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from sigscope.analysis.doctor.rows import ROWS
from tests.containers.cells import COMMANDS, WORKS, Cell, foretold, of_the_place, seen
from tests.containers.standings import PLACES, Place

ROOT = Path(__file__).resolve().parent.parent.parent
WRITER = runpy.run_path(str(ROOT / "scripts" / "gen_places.py"))
HOW = "run, as root: PYTHONPATH=. python3 scripts/gen_places.py"


def test_every_row_is_tried() -> None:
    assert {row.command for row in ROWS} == set(COMMANDS)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_doctor_foretells_what_the_commands_do(place: Place) -> None:
    with place.enter() as standing:
        said = foretold(standing)
        told = WRITER["column"](WRITER["PAGE"].read_text("utf-8"), place.name)
        asked = {name: one for name, one in of_the_place(said).items() if name not in place.loose}
        assert {name: told.get(name) for name in asked} == asked, HOW
        assert list(told) == list(said), HOW
        assert set(said) == set(COMMANDS)
        done = seen(standing)
    wrong = [
        f"{name}: foretold {said[name].verdict} ({said[name].because}),"
        f" but it {done[name].verdict} ({done[name].because})"
        for name in COMMANDS
        if said[name].verdict != done[name].verdict
    ]
    assert not wrong, "\n".join(wrong)
    mute = [
        f"{name}: {cell.because}"
        for cells in (said, done)
        for name, cell in cells.items()
        if not _tells_what_helps(cell)
    ]
    assert not mute, "\n".join(mute)


def _tells_what_helps(cell: Cell) -> bool:
    return cell.verdict == WORKS or (bool(cell.hints) and all(cell.hints))
