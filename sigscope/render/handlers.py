"""The screen of ``sigscope handlers``: which function runs, whose it is, and what that means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.handler import Handler
from sigscope.model.host import Host
from sigscope.model.process import Process
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped
from sigscope.render.process import identity
from sigscope.render.table import table

_INDENT = "  "
_COLUMN = 9
_HEADERS = ("signal", "disposition", "function", "flags")
_UNREMARKABLE = "RESTORER"
"""Set by every C library, for itself."""
_NARROWEST = 16


def handlers_screen(
    host: Host, process: Process, handlers: Sequence[Handler], width: int, everything: bool
) -> Iterator[Line]:
    """Who it is, then a block for each handler; with ``everything`` a line for each signal."""
    yield from identity(host, process, width)
    yield BLANK
    if process.kernel_thread or process.zombie:
        what = "a zombie" if process.zombie else "a kernel thread"
        yield Line.of(f"{what}: it has no handlers")
    elif everything:
        yield from _all(handlers, width)
    else:
        yield from _blocks(handlers, width)


def _blocks(handlers: Sequence[Handler], width: int) -> Iterator[Line]:
    groups: dict[tuple[object, ...], list[Handler]] = {}
    for handler in handlers:
        if handler.disposition == "caught" or handler.means:
            groups.setdefault(_key(handler), []).append(handler)
    for number, alike in enumerate(groups.values()):
        if number:
            yield BLANK
        yield from _block(alike, width)
    told = {handler.signal for alike in groups.values() for handler in alike}
    if groups:
        yield BLANK
    ignored = [one for one in handlers if one.disposition == "ignored"]
    if ignored:
        yield from wrapped(f"ignored: {_names(ignored)}", width, "")
    default = [one for one in handlers if one.disposition == "default" and one.signal not in told]
    unknown = [one for one in handlers if one.disposition is None]
    if default:
        other = groups or ignored or unknown
        text = f"default: the other {len(default)}" if other else "all 64 signals: default"
        text += " (--all lists them)"
        yield from wrapped(text, width, "", Role.FAINT)
    if unknown:
        yield from wrapped(f"not known: {len(unknown)} signals", width, "")


def _key(handler: Handler) -> tuple[object, ...]:
    """What two signals must have in common to be shown as one."""
    behind = handler.behind.place if isinstance(handler.behind, Handler) else handler.behind
    action = handler.action
    return (
        handler.disposition,
        None if action is None else (action.handler, action.flags, action.mask),
        handler.derived,
        handler.owner,
        handler.means,
        behind,
    )


def _block(alike: Sequence[Handler], width: int) -> Iterator[Line]:
    first = alike[0]
    yield from wrapped(_names(alike), width, "", Role.STRONG)
    if first.disposition != "caught":
        yield from _titled("action", first.disposition or "not known", width)
    elif first.location is None:
        where = f" at {first.action.handler:#x}" if first.action is not None else ""
        yield from _titled("handler", f"not readable{where}", width)
    else:
        yield from _function(first, "handler", width)
    action = first.action
    if action is not None and (flags := _flags(first)):
        yield from _titled("flags", flags, width)
    for number, sentence in enumerate(first.means):
        yield from _titled("means" if not number else "", sentence, width)
    if isinstance(first.behind, Handler):
        yield from _function(first.behind, "behind", width)
    elif first.behind is not None:
        what = "the default action" if first.behind == "default" else "nothing: it is ignored"
        yield from _titled("behind", what, width)


def _function(handler: Handler, title: str, width: int) -> Iterator[Line]:
    place = handler.location
    if place is None:
        yield from _titled(title, "not readable", width)
        return
    head, *rest = wrapped(handler.place, width, _INDENT + " " * _COLUMN)
    yield Line.of(
        _INDENT, Span(title.ljust(_COLUMN), Role.FAINT), Span(str(head).strip(), Role.STRONG)
    )
    yield from rest
    if handler.function and place.module:
        where = f"in {place.module}"
        if place.also:
            where += f"; the same place is called {', '.join(place.also)}"
        yield from _titled("", where, width)
    if handler.derived is not None:
        known = handler.derived
        yield from _titled("", f"derived: {known.because} [{known.source}]", width)
    elif place.why:
        yield from _titled("", place.why, width)
    if handler.owner is not None:
        owner = handler.owner
        yield from _titled("owner", f"{owner.name}: {owner.does}", width)


def _all(handlers: Sequence[Handler], width: int) -> Iterator[Line]:
    """One line a signal; what does not fit of a function's name is cut off."""
    rows = [
        (
            handler.signal.name,
            handler.disposition or "not known",
            _cell(handler),
            _flags(handler) or "-",
        )
        for handler in handlers
    ]
    fixed = sum(max(len(row[number]) for row in (_HEADERS, *rows)) for number in (0, 1, 3))
    room = max(_NARROWEST, width - fixed - 3 * 2)
    cut = [(row[0], row[1], _cut(row[2], room), row[3]) for row in rows]
    yield from table(_HEADERS, cut)


def _cell(handler: Handler) -> str:
    if handler.disposition != "caught":
        return "-"
    if handler.location is None:
        return "not readable"
    text = escape(handler.function or _short(handler))
    return f"{text} (derived)" if handler.derived else text


def _short(handler: Handler) -> str:
    place = handler.location
    if place is None or place.offset is None:
        return place.text if place is not None else ""
    return f"{place.module_name}+{place.offset:#x}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _flags(handler: Handler) -> str:
    names = handler.action.flag_names if handler.action is not None else ()
    return " ".join(name for name in names if name != _UNREMARKABLE)


def _names(handlers: Sequence[Handler]) -> str:
    return " ".join(handler.signal.name for handler in handlers)


def _titled(title: str, text: str, width: int) -> Iterator[Line]:
    first, *rest = wrapped(text, width, _INDENT + " " * _COLUMN)
    yield Line.of(_INDENT, Span(title.ljust(_COLUMN), Role.FAINT), str(first).strip())
    yield from rest
