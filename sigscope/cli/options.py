"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sigscope.cli.target import Words
from sigscope.kernel.passive import AUTO, ENGINES
from sigscope.model.finding import Severity

if TYPE_CHECKING:  # click loads it when a shell asks
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


class TargetType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """PID, PID/TID or the name of a program; completed from what runs here."""

    name = "target"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from sigscope.kernel.names import read_names
        from sigscope.kernel.procfs import ProcFS

        names = sorted({comm for _, comm in read_names(ProcFS()) if comm.isprintable()})
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class ContainerType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """The id or the name of a container; completed from those that run here."""

    name = "container"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from sigscope.analysis.containers import groups
        from sigscope.kernel.placement import read_placements
        from sigscope.kernel.procfs import ProcFS
        from sigscope.kernel.scan import read_host

        procfs = ProcFS()
        host = read_host(procfs)
        known = [group.container for group in groups(read_placements(procfs, host, host.processes))]
        names = sorted({name for one in known for name in (one.label, one.short)})
        return [
            CompletionItem(name)
            for name in names
            if name.startswith(incomplete) and name.isprintable()
        ]


class SignalOrTarget(TargetType):
    """Signals, and a target behind them: both are completed."""

    name = "signal"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from sigscope.model.signals import EVERYTHING, LIBC_OWN, UNBLOCKABLE

        names = [signal.short for signal in EVERYTHING - UNBLOCKABLE - LIBC_OWN]
        signals = [name for name in names if incomplete and name.startswith(incomplete.upper())]
        return [
            *(CompletionItem(name) for name in signals),
            *super().shell_complete(ctx, param, incomplete),
        ]


def target_arguments(required: bool) -> Callable[[F], F]:
    """Any number of targets, and --container; one of the two where they are required."""

    def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> Words:
        return in_container(ctx, param, value, required)

    def add(command: F) -> F:
        command = click.argument(
            "targets",
            type=TargetType(),
            nargs=-1,
            callback=words,
            metavar="TARGET..." if required else "[TARGET]...",
        )(command)
        return container_option(command)

    return add


def container_option(command: F) -> F:
    """In which container the targets are meant; a command gets it with its targets."""
    return click.option(
        "--container",
        type=ContainerType(),
        metavar="ID|NAME",
        is_eager=True,
        expose_value=False,
        callback=_keep_container,
        help="A PID is one inside this container (id, name or a prefix); without a TARGET, all"
        " of it.",
    )(command)


_CONTAINER = "sigscope.container"


def _keep_container(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    ctx.meta[_CONTAINER] = value


def in_container(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...], required: bool
) -> Words:
    """The words with the container that was named beside them."""
    found = Words(value)
    found.container = ctx.meta.get(_CONTAINER)
    if required and not found:
        raise click.MissingParameter(ctx=ctx, param=param)
    return found


def procfs_option(command: F) -> F:
    """Which /proc to read."""
    return click.option(
        "--procfs",
        metavar="PATH",
        type=click.Path(file_okay=False),
        default="/proc",
        show_default=True,
        help="Where the proc file system is mounted (a host's, say, in a container).",
    )(command)


def source_options(command: F) -> F:
    """Where the facts come from: this /proc, another one, or a snapshot."""
    command = click.option(
        "--from",
        "snapshot",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Read a file that 'sigscope snapshot' wrote, instead of this host.",
    )(command)
    return procfs_option(command)


def engine_option(command: F) -> F:
    """What is read beside /proc."""
    return click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default=AUTO,
        show_default=True,
        help="What to read beside /proc: nothing (proc), or the kernel's own structures (bpf);"
        " ptrace is --attach, where there is that.",
    )(command)


def attach_options(command: F) -> F:
    """For commands that stop their target only if they are told to."""
    command = click.option(
        "--force",
        is_flag=True,
        help="With --attach: also pause threads whose system call a pause may break.",
    )(command)
    return click.option(
        "--attach",
        is_flag=True,
        help="Pause each thread for some 0.1 ms and ask it (as --engine ptrace does).",
    )(command)


def json_option(command: F) -> F:
    """Every command has it."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Answer in JSON (schema sigscope/1)."
    )(command)


def history_option(command: F) -> F:
    """What was seen before, beside what is there now."""
    return click.option(
        "--history",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="A record of 'sigscope watch --record': who sent what, and when.",
    )(command)


def fail_on_option(command: F) -> F:
    """From which severity on a finding makes the exit status 1."""
    return click.option(
        "--fail-on",
        type=click.Choice([severity.value for severity in Severity]),
        default=Severity.ERROR.value,
        show_default=True,
        help="Exit with 1 if there is a finding at least this bad.",
    )(command)
