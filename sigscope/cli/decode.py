"""``sigscope decode``: which signals are in this mask? And back."""

from __future__ import annotations

import sys

import click

from sigscope.cli.options import json_option
from sigscope.cli.output import put, put_json, width
from sigscope.decode.mask import LabelledMask, parse_mask, parse_pasted
from sigscope.errors import UsageError
from sigscope.render.decode import decoded_lines

LONGEST_INPUT = 1 << 20


@click.command(short_help="Which signals are in this mask? And back.")
@click.argument("masks", nargs=-1, metavar="[HEX|SIGNAL,...]...")
@json_option
def decode(masks: tuple[str, ...], as_json: bool) -> int:
    """Which signals are in this mask? And back: names give the mask.

    Without an argument, or with "-", it reads standard input: pasted SigBlk: lines or
    whole status files. Works alone; no process is looked at.

    \b
    sigscope decode fffffffe7ffbfeff
    sigscope decode SIGALRM,TERM
    sigscope decode < /proc/4285/status
    """
    found = [mask for word in masks or ("-",) for mask in _read(word)]
    if as_json:
        put_json(_document(found))
    else:
        put(decoded_lines([(mask.label, mask.signals) for mask in found], width()))
    return 0


def _read(word: str) -> tuple[LabelledMask, ...]:
    if word != "-":
        return (parse_mask(word),)
    if sys.stdin.isatty():
        raise UsageError(
            "nothing to decode", "give a mask: sigscope decode 4000, or paste a status file with <"
        )
    text = sys.stdin.buffer.read(LONGEST_INPUT).decode("utf-8", "backslashreplace")
    found = parse_pasted(text)
    if not found:
        raise UsageError("no mask on standard input", "try: sigscope decode < /proc/PID/status")
    return found


def _document(found: list[LabelledMask]) -> dict[str, object]:
    """No host is looked at: the envelope has the masks only."""
    from sigscope.render.document import SCHEMA, set_json

    masks = [{"label": mask.label, **(set_json(mask.signals) or {})} for mask in found]
    return {"schema": SCHEMA, "command": "decode", "masks": masks}
