"""How the catalogue's modules write an entry: ``on("TERM INT", "ends", "nginx(8)")``."""

from __future__ import annotations

from sigscope.model.catalog import Condition, Documented, Taken
from sigscope.model.signals import SignalSet

IN_FLIGHT = "requests in flight"


def on(
    names: str,
    does: str,
    source: str,
    *,
    loses: str = "",
    when: Condition | None = None,
    taken: Taken = Taken.CAUGHT,
    also: str = "",
) -> Documented:
    """One entry; ``names`` without SIG, ``also`` the names of settings, both with spaces."""
    signals = SignalSet.of(*(f"SIG{name}" for name in names.split()))
    return Documented(signals, does, source, when, loses, taken, tuple(also.split()))


def is_on(setting: str, says: str = "") -> Condition:
    """The entry holds where the setting is on, or not 0."""
    return Condition(setting, True, says or f"{setting} is not 0")


def is_off(setting: str, says: str = "") -> Condition:
    """The entry holds where the setting is off, or 0."""
    return Condition(setting, False, says or f"{setting} is 0")
