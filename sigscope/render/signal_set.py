"""A signal set in JSON."""

from __future__ import annotations

from sigscope.model.signals import SignalSet

Json = dict[str, object]


def set_json(signals: SignalSet | None) -> Json | None:
    """A signal set; null for one that could not be read."""
    if signals is None:
        return None
    return {"hex": signals.hex, "signals": [signal.name for signal in signals]}
