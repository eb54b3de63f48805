"""The functions that handle signals, in a line each: what ``sigscope pid`` shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.handler import Handler
from sigscope.model.naming import listed
from sigscope.model.signals import LIBC_OWN, Signal
from sigscope.render.line import Line, Role, Span, wrapped

_MOST = 3


def handler_names(pid: int, handlers: Sequence[Handler], width: int) -> Iterator[Line]:
    """Nothing where nothing is caught; glibc's own two signals are left out, as in the table."""
    groups: dict[tuple[str, str], list[Signal]] = {}
    for handler in handlers:
        if handler.location is not None and handler.signal not in LIBC_OWN:
            behind = handler.behind
            passed_on = behind.place if isinstance(behind, Handler) else behind or ""
            groups.setdefault((_named(handler), passed_on), []).append(handler.signal)
    for (function, passed_on), signals in groups.items():
        to = f", and passes it on to {passed_on}" if passed_on else ""
        to = to if passed_on not in ("default", "ignored") else f" ({passed_on} behind it)"
        yield from wrapped(f"{function} handles {listed(signals, _MOST)}{to}", width, "")
    if groups:
        command = Span(f"sigscope handlers {pid}", Role.COMMAND)
        yield Line.of(Span("with which flags: ", Role.FAINT), command)


def _named(handler: Handler) -> str:
    return f"{handler.place} (derived)" if handler.derived is not None else handler.place
