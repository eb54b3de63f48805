"""``sigscope snapshot``: one file with all that the commands read, to be read elsewhere."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import time

import click

from sigscope.cli.options import engine_option, json_option, procfs_option, target_arguments
from sigscope.cli.output import put_json, remark
from sigscope.cli.progress import Progress
from sigscope.cli.target import resolve_all
from sigscope.errors import UsageError
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.recording import Tape
from sigscope.kernel.snapshot import take_snapshot, write_snapshot
from sigscope.render.document import document

STDOUT = "-"


@click.command(short_help="One file with all of it, to read elsewhere with --from.")
@target_arguments(required=False)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True),
    default="",
    help="Where to write it ('-': standard output).",
)
@click.option("--redact", is_flag=True, help="Leave command lines out, too.")
@engine_option
@procfs_option
@json_option
def snapshot(
    targets: tuple[str, ...], output: str, redact: bool, engine: str, procfs: str, as_json: bool
) -> int:
    """Write one file with all that the commands read, of the host or of each TARGET.

    Reads only. Elsewhere, "sigscope pid --from FILE 4285" gives the same answer as here.
    The file holds command lines (not with --redact), never environments or the names of
    open files, and only its owner may read it.
    """
    source = ProcFS(procfs, engine=engine)
    if output == STDOUT and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a snapshot is no text for a terminal", "name a file: -o FILE")
    found, status = resolve_all(source, targets)
    if targets and not found:
        return status
    host = source.host()
    name = output or f"sigscope-{_safe(host.name)}-{time.strftime('%Y%m%dT%H%M%S')}.gz"
    with Progress("reading the host") as progress:
        pids = [target.pid for target in found] if targets else None
        tape = take_snapshot(source, pids, redact, progress)
    size = _write(name, tape, exclusive=not output)
    processes = tape.answers["."]
    count = len(processes) if isinstance(processes, list) else 0
    if as_json and name != STDOUT:
        put_json(document("snapshot", host, file=name, bytes=size, count=count))
    elif name != STDOUT:
        remark(f"{count} processes in {name} ({size / 1024:.0f} KiB)")
        remark(f"read it anywhere: sigscope tree --from {shlex.quote(name)}")
    return status


def _safe(hostname: str) -> str:
    """A host's name as a part of a file's: nothing that leads to another directory."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in hostname)


def _write(name: str, tape: Tape, exclusive: bool) -> int:
    """The bytes written. A file that was there is kept until the new one is whole."""
    if name == STDOUT:
        write_snapshot(tape, sys.stdout.buffer)
        sys.stdout.flush()
        return 0
    place = os.path.realpath(name)
    try:
        if exclusive and os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if os.path.exists(place) and not os.path.isfile(place):  # a device or a pipe
            with open(place, "wb") as out:
                write_snapshot(tape, out)
            return 0
        return _replace(place, tape)
    except OSError as error:
        hint = "choose another place: -o FILE"
        raise UsageError(f"cannot write {name}: {error.strerror}", hint) from None


def _replace(place: str, tape: Tape) -> int:
    part = f"{place}.{os.getpid()}.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as out:
            write_snapshot(tape, out)
            size = out.tell()
        os.rename(part, place)
    except BaseException:
        os.unlink(part)
        raise
    return size
