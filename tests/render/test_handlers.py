"""The screens of handlers: what strangers named, what does not fit, what is not known."""

from __future__ import annotations

import pytest

from sigscope.model.handler import Derived, Handler, Owner
from sigscope.model.location import STRIPPED, Location
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import Signal, SignalSet
from sigscope.render.handler_names import handler_names
from sigscope.render.handlers import handlers_screen
from tests.analysis.makers import host, process

TERM, HUP, SETXID = Signal(15), Signal(1), Signal(33)
ACTION = SigAction(0x401000, 0x14000000, SignalSet())
PLACE = Location(0x401000, "/usr/bin/a", 0x1000, "stop", "stop", table="symtab")


def caught(signal: Signal, place: Location = PLACE, **more: object) -> Handler:
    return Handler(signal, "caught", ACTION, place, **more)  # type: ignore[arg-type]


def screen(*handlers: Handler, width: int = 80, everything: bool = False) -> list[str]:
    answer = host(one := process(7))
    return [str(line) for line in handlers_screen(answer, one, handlers, width, everything)]


def names(*handlers: Handler) -> list[str]:
    return [str(line) for line in handler_names(7, handlers, 80)]


HOSTILE = "a\x1b[31m\n\u202eb"


@pytest.mark.parametrize("everything", [False, True])
def test_names_that_strangers_chose_are_escaped(everything: bool) -> None:
    place = PLACE._replace(module=HOSTILE, function=HOSTILE, symbol=HOSTILE, also=(HOSTILE,))
    shown = screen(
        caught(TERM, place),
        caught(HUP, place._replace(function="", why=HOSTILE)),
        caught(Signal(2), derived=Derived(HOSTILE, HOSTILE, HOSTILE)),
        caught(Signal(3), owner=Owner(HOSTILE, HOSTILE, HOSTILE)),
        everything=everything,
    )
    assert all(line.isprintable() for line in shown)
    assert all(line.isprintable() for line in names(caught(TERM, place)))


def test_a_long_name_is_cut_in_the_list_and_not_in_its_block() -> None:
    long = "space::" * 20 + "stop(int)"
    place = PLACE._replace(function=long)
    assert "".join(line.strip() for line in screen(caught(TERM, place))).count("space::") == 20
    rows = screen(caught(TERM, place), everything=True)
    assert all(len(row) <= 80 for row in rows)
    assert any("…" in row for row in rows)


def test_what_has_no_name_has_a_place_and_a_reason() -> None:
    place = PLACE._replace(symbol="", function="", table="", why=STRIPPED)
    shown = screen(caught(TERM, place))
    assert "  handler  /usr/bin/a+0x1000" in shown
    assert f"           {STRIPPED}" in shown
    assert names(caught(TERM, place))[0] == "/usr/bin/a+0x1000 handles SIGTERM"


def test_a_derived_name_says_that_it_is_one() -> None:
    place = PLACE._replace(symbol="", function="", why=STRIPPED)
    known = caught(TERM, place, derived=Derived("sig_handler", "its table", "php-src, x.c"))
    shown = screen(known)
    assert "  handler  sig_handler" in shown
    assert "           derived: its table [php-src, x.c]" in shown
    assert names(known)[0] == "sig_handler (derived) handles SIGTERM"


def test_the_handler_behind_is_shown_below() -> None:
    real = caught(TERM, PLACE._replace(address=0x402000, function="real"))
    shown = screen(caught(TERM, behind=real), caught(HUP, behind="default"))
    assert "  behind   real" in shown
    assert "  behind   the default action" in shown
    assert names(caught(TERM, behind=real))[0] == ("stop handles SIGTERM, and passes it on to real")
    assert names(caught(HUP, behind="default"))[0] == "stop handles SIGHUP (default behind it)"


def test_flags_of_the_c_library_are_not_repeated() -> None:
    assert "  flags    RESTART" in screen(caught(TERM))


def test_glibcs_own_and_nothing_are_no_lines() -> None:
    assert names(caught(SETXID)) == []
    assert names(Handler(TERM, "ignored"), Handler(HUP, "default")) == []


def test_an_unknown_disposition_is_counted() -> None:
    assert "not known: 2 signals" in screen(Handler(TERM, None), Handler(HUP, None))
    rows = screen(Handler(TERM, None), everything=True)
    assert rows[-1].split() == ["SIGTERM", "not", "known", "-", "-"]
