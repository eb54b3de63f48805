"""``sigscope watch``: who sends what to whom, and what became of it?"""

from __future__ import annotations

import click

from sigscope.cli.durations import DURATION
from sigscope.cli.options import json_option, target_arguments
from sigscope.cli.target import Words
from sigscope.errors import UsageError

ENGINES = ("auto", "bpf", "perf", "tracefs", "ptrace")
_BEHIND = "sigscope.command"


class WithCommand(click.Command):
    """What stands behind ``--`` is a command, and no target."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args, ctx.meta[_BEHIND] = args[:at], tuple(args[at + 1 :])
            if not ctx.meta[_BEHIND]:
                raise click.UsageError("there is no command behind --", ctx)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARG]...]"]


@click.command(cls=WithCommand, short_help="Who sends what to whom, and what became of it?")
@target_arguments(required=False)
@click.option(
    "--from",
    "senders",
    metavar="TARGET",
    multiple=True,
    help="Only what this process sends: a PID or a name (no file: that is --from-file).",
)
@click.option("--to", "receivers", metavar="TARGET", multiple=True, help="Only what this one gets.")
@click.option(
    "--tree", "trees", metavar="TARGET", multiple=True, help="It and all that descends from it."
)
@click.option("--exclude", metavar="TARGET", multiple=True, help="Nothing to or from this one.")
@click.option(
    "--signal", "signals", metavar="SIG,...", multiple=True, help="Only these: TERM, 15, RTMIN+2."
)
@click.option(
    "--outcome",
    "outcomes",
    metavar="WORD,...",
    multiple=True,
    help="Only what became of it: handled, queued, terminated, ... (sigscope-watch(1)).",
)
@click.option("--all", "everything", is_flag=True, help="SIGCHLD and SIGWINCH, too.")
@click.option("--every", is_flag=True, help="One line for each signal, also of a storm.")
@click.option("--count", metavar="N", type=click.IntRange(1), help="End after N signals.")
@click.option("--for", "seconds", metavar="TIME", type=DURATION, help="End after 30s, 5m, ...")
@click.option(
    "--patience",
    metavar="TIME",
    type=DURATION,
    default="1s",
    show_default=True,
    help="When a signal that nothing holds back counts as untaken.",
)
@click.option("--wait", "waits", is_flag=True, help="The target may not be there yet.")
@click.option("--summary", is_flag=True, help="At the end: chains, pairs, delays.")
@click.option(
    "--trace", metavar="FILE", type=click.Path(dir_okay=False), help="Write a trace for Perfetto."
)
@click.option(
    "--record", metavar="FILE", type=click.Path(dir_okay=False), help="Keep all that was seen."
)
@click.option(
    "--from-file",
    "recorded",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Read what --record wrote, instead of watching.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="Where events come from; ptrace (own processes only) disturbs them.",
)
@json_option
@click.pass_context
def watch(
    ctx: click.Context,
    targets: Words,
    senders: tuple[str, ...],
    receivers: tuple[str, ...],
    trees: tuple[str, ...],
    exclude: tuple[str, ...],
    signals: tuple[str, ...],
    outcomes: tuple[str, ...],
    everything: bool,
    every: bool,
    count: int | None,
    seconds: float | None,
    patience: float,
    waits: bool,
    summary: bool,
    trace: str | None,
    record: str | None,
    recorded: str | None,
    engine: str,
    as_json: bool,
) -> int:
    """Who sends which signal to whom, why, and what became of it? (reads; ptrace disturbs)

    Without TARGET: everything on this host. With it: what it sends and what it gets. Or the
    COMMAND behind -- and its descendants, from their first moment; its exit status is passed on.

    \b
    sigscope watch php-fpm
    sigscope watch --tree php-fpm --summary
    sigscope watch --to 4285 --signal TERM,KILL --for 5m
    sigscope watch -- make test
    """
    from sigscope.cli.watch_choice import Asked

    command: tuple[str, ...] = ctx.meta.get(_BEHIND, ())
    asked = Asked(
        targets=tuple(targets),
        senders=senders,
        receivers=receivers,
        trees=trees,
        excluded=exclude,
        container=targets.container,
        signals=signals,
        outcomes=outcomes,
        everything=everything,
        every=every,
        count=count,
        seconds=seconds,
        patience=int(patience * 1e9),
        waits=waits,
        summary=summary,
        trace=trace,
        record=record,
        engine=engine,
        as_json=as_json,
        command=command,
    )
    if recorded is None:
        from sigscope.cli.watch_follow import follow

        return follow(asked)
    if command or record is not None or waits or engine != "auto":
        raise UsageError(
            "--from-file is at odds with COMMAND, --record, --wait and --engine",
            f"sigscope watch --from-file {recorded}",
        )
    from sigscope.cli.watch_replay import replay

    return replay(asked, recorded)
