"""What programs document for a signal: the nouns of the catalogue.

The catalogue itself is data in ``analysis/catalog``; what it rests on besides (the settings
of the running program) is read by ``kernel.settings``.
"""

from __future__ import annotations

from enum import Enum

from sigscope.model.gap import Gap
from sigscope.model.signals import EMPTY, SignalSet
from sigscope.model.value import dataclass


class Taken(Enum):
    """How the signal must be received for the entry to hold: the disposition says so."""

    CAUGHT = "caught"
    IGNORED = "ignored"
    DEFAULT = "default"
    ANY = "any"
    """By sigwait or a signalfd, or it does not matter (SIGKILL)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The entry holds only where this setting is on (or not 0), or only where it is off.

    ``says`` is the condition in words: "process_control_timeout is not 0".
    """

    setting: str
    on: bool
    says: str


@dataclass(frozen=True, slots=True)
class Documented:
    """One sentence of a program's manual.

    ``does`` continues "the program ..."; ``source`` names the man page, the page of the
    official documentation, or the source file; ``loses`` says what is cut off by it ("" if
    nothing is). ``also`` are settings that add to it, named with their values where known.
    """

    signals: SignalSet
    does: str
    source: str
    condition: Condition | None = None
    loses: str = ""
    taken: Taken = Taken.CAUGHT
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A time limit that another process keeps: none of the process's own timers shows it.

    ``says`` continues "NAME is kept by ...".
    """

    name: str
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Program:
    """A program in one role, and how to tell it.

    ``comm`` matches the whole comm, or the whole name of the executable; ``title`` is
    searched in the command line, ``untitled`` must not be found in it. ``below`` asks for
    a parent that runs the same program (True) or another (False). ``catches`` are signals
    that it must have handlers for. ``elsewhere`` are limits that others keep for it.
    """

    name: str
    role: str
    comm: str
    entries: tuple[Documented, ...]
    title: str = ""
    untitled: str = ""
    below: bool | None = None
    catches: SignalSet = EMPTY
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a running program: what it is, and where that was found.

    ``value`` is True or False, seconds, or words. ``where`` is "FILE:LINE", "command line",
    or "default" where nothing sets it.

    >>> str(Setting("process_control_timeout", 10.0, "/etc/php/8.2/fpm/php-fpm.conf:42"))
    'process_control_timeout is 10 s (/etc/php/8.2/fpm/php-fpm.conf:42)'
    """

    name: str
    value: bool | float | str
    where: str

    @property
    def on(self) -> bool:
        """Is it anything but off, 0 or empty?"""
        return bool(self.value)

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            shown = "on" if self.value else "off"
        elif isinstance(self.value, float):
            shown = f"{self.value:g} s" if self.value else "0"
        else:
            shown = self.value
        return f"{self.name} is {shown} ({self.where})"


@dataclass(frozen=True, slots=True)
class Settings:
    """What could be read of them; ``gaps`` are named by the setting that they leave open."""

    found: tuple[Setting, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def get(self, name: str) -> Setting | None:
        return next((one for one in self.found if one.name == name), None)

    def gap(self, name: str) -> Gap | None:
        return next((one for one in self.gaps if one.what == name), None)


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the catalogue, held against one process.

    ``holds`` is True, False (the process does not receive the signal as the entry needs it),
    or None: it depends on ``condition``, which could not be read. ``because`` says why.
    """

    program: str
    role: str
    does: str
    source: str
    holds: bool | None
    condition: str = ""
    because: str = ""
    loses: str = ""
    settings: tuple[Setting, ...] = ()
