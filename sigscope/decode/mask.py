"""Masks as people paste them: hex digits, names, ``SigBlk:`` lines, whole status files."""

from __future__ import annotations

import re

from sigscope.decode.signal_name import parse_signal
from sigscope.errors import UsageError
from sigscope.model.signals import ALL_BITS, SignalSet
from sigscope.model.value import dataclass

_LINE = re.compile(
    r"^\s*(?P<label>Sig(?:Pnd|Blk|Ign|Cgt)|ShdPnd|sigmask)\s*:\s*(?P<hex>\S+)\s*$", re.ASCII
)
_OTHER_LINE = re.compile(r"^\s*\w+\s*:", re.ASCII)
_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class LabelledMask:
    """A mask, and the label that stood before it (``SigBlk``), if one did."""

    label: str | None
    signals: SignalSet


def parse_hex(text: str) -> SignalSet:
    """A mask of up to 64 bits in hex, with or without 0x.

    >>> parse_hex("0x86002").hex
    '0000000000086002'
    """
    digits = text.strip().lower().removeprefix("0x").lstrip("0") or "0"
    if not _HEX.fullmatch(text.strip()) or len(digits) > 16:
        raise UsageError(
            f"{text[:40]!r} is not a signal mask",
            "give up to 16 hex digits, as in the Sig lines of /proc/PID/status, or names: TERM,HUP",
        )
    return SignalSet(int(digits, 16) & ALL_BITS)


def parse_mask(text: str) -> LabelledMask:
    """One argument: hex, names with commas between, or a pasted ``SigBlk: ...`` line.

    >>> parse_mask("SIGALRM,TERM").signals.hex
    '0000000000006000'
    >>> parse_mask("SigBlk:  4000").label
    'SigBlk'
    """
    if match := _LINE.match(text):
        return LabelledMask(match["label"], parse_hex(match["hex"]))
    if _HEX.fullmatch(text.strip()):
        return LabelledMask(None, parse_hex(text))
    names = [word for word in re.split(r"[,\s]+", text.strip()) if word]
    if not names:
        raise UsageError("an empty mask", "give hex digits, or names: sigscope decode TERM,HUP")
    try:
        return LabelledMask(None, SignalSet.containing(parse_signal(name) for name in names))
    except UsageError as error:
        raise UsageError(
            f"{text[:40]!r} is neither a mask in hex nor a list of signals", error.hint
        ) from None


def parse_pasted(text: str) -> tuple[LabelledMask, ...]:
    """Standard input: every mask of a status file, or one mask a line.

    Lines of a status file that hold no mask (``Name:``, ``VmRSS:``) are passed over.
    """
    found = []
    for line in text.split("\n"):  # not splitlines(): a Name: may hold other line ends
        if _LINE.match(line) or (line.strip() and not _OTHER_LINE.match(line)):
            found.append(parse_mask(line))
    return tuple(found)
