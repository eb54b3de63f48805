"""What a command will be able to do, before it is run."""

from __future__ import annotations

from enum import Enum

from sigscope.model.access import Door, Refusal, Refusals
from sigscope.model.other import Other
from sigscope.model.value import dataclass


class Verdict(Enum):
    """How much of a command's answer there will be."""

    WORKS = "works"
    PART = "in part"
    FAILS = "does not work"


@dataclass(frozen=True, slots=True)
class Sight:
    """One process, and the doors of it that are shut."""

    other: Other
    refusals: Refusals
    suspect: bool = False
    """May there be something wrong with its signals?"""
    related: bool = False
    """Is it the target, a suspect, or an ancestor of one of them?"""


@dataclass(frozen=True, slots=True)
class Lack:
    """What of an answer is missing, for want of which door, and who refuses that.

    ``count`` of ``of`` processes are concerned; both are 1 for a single one.
    """

    what: str
    door: Door
    refusal: Refusal
    count: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class Outlook:
    """A command, as it is typed, and what will come of it."""

    command: str
    verdict: Verdict
    lacks: tuple[Lack, ...] = ()
