"""How long, as people type it: ``30``, ``30s``, ``500ms``, ``5m``, ``1h``."""

from __future__ import annotations

import re

import click

_FORM = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


class DurationType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Seconds, more than none.

    >>> DurationType().convert("500ms", None, None), DurationType().convert("5m", None, None)
    (0.5, 300.0)
    """

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        match = _FORM.fullmatch(str(value).strip())
        seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
        if not seconds:
            self.fail(f"{value!r} is no time: write 30s, 500ms, 5m or 1h", param, ctx)
        return seconds


DURATION = DurationType()
