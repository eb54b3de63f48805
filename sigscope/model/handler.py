"""One signal of one process: what is done with it, by which function, and what that means."""

from __future__ import annotations

from typing import NamedTuple

from sigscope.model.location import Location
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import Signal
from sigscope.model.value import dataclass


class Owner(NamedTuple):
    """Whose handler it is, what it ``does`` (a phrase), and where that stands."""

    name: str
    does: str
    source: str


class Derived(NamedTuple):
    """A function's name that no table told: by what it was known, and the source file of it."""

    function: str
    because: str
    source: str


@dataclass(frozen=True, slots=True)
class Handler:
    """``action`` is None where no engine could read it: then only ``disposition`` is known.

    ``location`` and what follows it are None for signals that are not caught. ``behind`` is
    the function to which the handler passes the signal on later; "default" or "ignored" where
    that is SIG_DFL or SIG_IGN.
    """

    signal: Signal
    disposition: str | None
    action: SigAction | None = None
    location: Location | None = None
    derived: Derived | None = None
    owner: Owner | None = None
    means: tuple[str, ...] = ()
    behind: Handler | str | None = None

    @property
    def function(self) -> str:
        """Its name, read from a table or derived; "" where it is not known."""
        if self.location is None:
            return ""
        if self.derived is not None:
            return self.derived.function
        return self.location.text if self.location.function else ""

    @property
    def place(self) -> str:
        """The name, or else the module and the offset, or else the address."""
        return self.function or (self.location.text if self.location is not None else "")
