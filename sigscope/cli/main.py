"""The floor plan: which command answers which question, section by section."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from sigscope import __version__
from sigscope.cli.boundary import guarded
from sigscope.errors import CannotWrite, UsageError

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Look", ("pid", "tree", "handlers", "timers", "seccomp", "decode")),
    ("Judge", ("explain", "restart", "audit", "doctor")),
    ("Follow", ("watch", "fcgi")),
    ("Change", ("unblock", "run")),
    ("Publish", ("snapshot",)),
)
TAKE_SIGNALS = ("explain", "unblock")
COMMANDS = tuple(name for _, names in SECTIONS for name in names)


class Floors(click.Group):
    """Commands are loaded when they are called, and listed by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"sigscope.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A pid where a command belongs is the most likely slip of a tired hand."""
        word = args[0] if args else ""
        if word.isdigit():
            raise UsageError(f"{word} is no command", f"sigscope pid {word}")
        if word and not word.startswith("-") and word not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(word, COMMANDS, n=1)
            hint = f"did you mean: sigscope {near[0]}?" if near else "sigscope --help lists them"
            raise UsageError(f"{word!r} is no command", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS:
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(60))
                        for name, command in commands
                        if command
                    ]
                )


@click.group(cls=Floors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="sigscope %(version)s")
def sigscope() -> None:
    """Which signal is not arriving where, why, who is to blame and what to type next.

    \b
    A TARGET is a PID, PID/TID or the name of a program.
    Exit status: 0 fine, 1 the answer is "no", 2 usage, 3 no such target,
    4 not permitted, 5 not supported here, 70 our bug, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run with these arguments (those of the process by default); the exit status."""
    return guarded(lambda: _run(list(sys.argv[1:] if args is None else args)))


def _run(args: list[str]) -> int:
    try:
        status = sigscope.main(args, prog_name="sigscope", standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # click's way out where the reader of its help went away
        return 0
    except OSError as error:
        raise CannotWrite(f"cannot write the answer: {error.strerror}") from None
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx is not None else "sigscope"
        raise UsageError(error.format_message(), _next(error, where, args)) from None
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    return status if isinstance(status, int) else 0


def _next(error: click.UsageError, where: str, args: Sequence[str]) -> str:
    """Whoever comes from kill writes the signal as an option."""
    if isinstance(error, click.NoSuchOption) and args[0] in TAKE_SIGNALS:
        from sigscope.decode.signal_name import parse_signal

        for word in args:
            if word.startswith("-"):
                with suppress(UsageError):
                    signal = parse_signal(word[1:])
                    return f"a signal is written without a dash: {where} {signal.short} TARGET"
    return f"{where} --help"
