"""``sigscope run``: start a command with a clean mask and dispositions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from sigscope.actions.run import start
from sigscope.analysis.run import not_kept, planned
from sigscope.cli.options import json_option
from sigscope.cli.output import put_remarks, remark, width
from sigscope.decode.signal_name import parse_signal
from sigscope.errors import CannotRun, SigscopeError, UsageError
from sigscope.kernel.dispositions import read_inherited
from sigscope.kernel.procfs import ProcFS
from sigscope.model.signals import EVERYTHING, LIBC_OWN, UNBLOCKABLE, Signal, SignalSet
from sigscope.model.start import PYTHONS_OWN, Inherited, Start, Wishes
from sigscope.render.run import handling_lines, report_lines

F = TypeVar("F", bound=Callable[..., Any])
ALL = "all"
SETTABLE = EVERYTHING - UNBLOCKABLE - LIBC_OWN


class LikeEnv(click.Command):
    """Its own failures are 125, as those of env(1): 1 to 124 belong to the command."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise CannotRun(error.format_message(), "sigscope run --help") from None


def signal_option(word: str, longer: str, text: str) -> Callable[[F], F]:
    """``--word[=SIG]``: without SIG it means all signals."""
    names = [word, longer] if longer else [word]
    return click.option(
        *names,
        word.strip("-"),
        metavar="[SIG,...]",
        is_flag=False,
        flag_value=ALL,
        multiple=True,
        help=text,
    )


@click.command(
    cls=LikeEnv,
    short_help="Start COMMAND with a clean mask and default dispositions.",
    context_settings={"allow_interspersed_args": False},
)
@signal_option("--keep", "", "Leave these signals as they were inherited.")
@signal_option("--default", "--default-signal", "Clean these after all, where --keep has others.")
@signal_option("--ignore", "--ignore-signal", "Start COMMAND with these ignored.")
@signal_option("--block", "--block-signal", "Start COMMAND with these blocked.")
@click.option("--report", is_flag=True, help="Say on stderr what was inherited and cleaned.")
@click.option(
    "--list-signal-handling", is_flag=True, help="List what is not at its default, as env does."
)
@json_option
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND [ARG]...")
def run(
    keep: tuple[str, ...],
    default: tuple[str, ...],
    ignore: tuple[str, ...],
    block: tuple[str, ...],
    report: bool,
    list_signal_handling: bool,
    as_json: bool,
    command: tuple[str, ...],
) -> int:
    """Start COMMAND, in place of sigscope, with no signal blocked and none ignored.

    What a program blocks or ignores passes on to all that it starts. This cuts it off. SIG is
    a name or a number, several with commas; without it all signals are meant.

    \b
    sigscope run -- hping3 -c 1 10.0.0.7
    sigscope run --keep INT,QUIT --report -- make
    sigscope run --ignore=HUP -- ./worker
    """
    try:
        wishes = _wishes(keep, default, ignore, block)
        inherited = read_inherited(ProcFS())
        plan = planned(inherited, wishes)
        if as_json:
            remark(json.dumps(_document(inherited, plan)))
        elif report:
            put_remarks(report_lines(inherited, plan, width()))
        if (lost := not_kept(inherited, wishes)) and ALL not in keep:
            names = " and ".join(signal.name for signal in lost)
            remark(f"sigscope run: how {names} was inherited is not known: it is at its default")
        if list_signal_handling:
            put_remarks(handling_lines(plan))
    except CannotRun:
        raise
    except SigscopeError as error:
        raise CannotRun(error.message, error.hint) from None
    start(plan, command)


def _wishes(
    keep: Sequence[str], default: Sequence[str], ignore: Sequence[str], block: Sequence[str]
) -> Wishes:
    return Wishes(
        keep=_signals(keep, EVERYTHING),
        default=_signals(default, EVERYTHING),
        ignore=_signals(ignore, SETTABLE),
        block=_signals(block, SETTABLE),
    )


def _signals(lists: Sequence[str], whole: SignalSet) -> SignalSet:
    """The signals of all these lists; of "all", those that can be meant."""
    words = [word for text in lists for word in text.split(",")]
    found = whole if ALL in words else SignalSet()
    return found | SignalSet.containing(_signal(word, whole) for word in words if word != ALL)


def _signal(word: str, whole: SignalSet) -> Signal:
    try:
        signal = parse_signal(word)
    except UsageError as error:
        hint = f"{error.hint}; if it is the command: sigscope run [OPTIONS] -- COMMAND"
        raise CannotRun(error.message, hint) from None
    if signal not in whole:
        whose = "glibc's own" if signal in LIBC_OWN else "never blocked nor ignored"
        raise CannotRun(f"{signal.name} cannot be set: it is {whose}", "sigaction(2) says why")
    return signal


def _document(inherited: Inherited, plan: Start) -> dict[str, object]:
    from sigscope.render.document import document, start_json

    host = ProcFS().host()
    return document(
        "run",
        host,
        inherited=start_json(inherited.start, unknown=inherited.unknown & PYTHONS_OWN),
        started=start_json(plan),
    )
