"""``sigscope decode``: which signals are in this mask? And back."""

from __future__ import annotations

import os
import sys
import time

import click

from sigscope.cli.options import json_option
from sigscope.cli.output import put, put_json, remark, width
from sigscope.decode.mask import LabelledMask, parse_mask, parse_pasted
from sigscope.errors import UsageError
from sigscope.model.host import Host
from sigscope.model.signals import FIRST, LAST, Signal
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
        mask = parse_mask(word)
        if word.isdigit() and FIRST <= int(word) <= LAST:
            remark(f"{word} was read as a mask in hex; signal {word} is {Signal(int(word)).name}")
        return (mask,)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "nothing to decode", "give a mask: sigscope decode 4000, or paste a status file with <"
        )
    data = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    if len(data) > LONGEST_INPUT:
        raise UsageError("standard input is longer than 1 MiB", "give it a status file at a time")
    text = data.decode("utf-8", "backslashreplace")
    found = parse_pasted(text)
    if not found:
        raise UsageError("no mask on standard input", "try: sigscope decode < /proc/PID/status")
    return found


def _document(found: list[LabelledMask]) -> dict[str, object]:
    """No process is looked at, by no engine: host and time say where it was asked."""
    from sigscope.render.document import document
    from sigscope.render.signal_set import set_json

    masks = [{"label": mask.label, **(set_json(mask.signals) or {})} for mask in found]
    here = Host(os.uname().nodename, time.time(), 0.0, 0, engines=())
    return document("decode", here, masks=masks)
