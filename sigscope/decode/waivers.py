r"""The file of accepted findings, for ``sigscope audit --config``.

One section for each: the id of a check, and after a colon a program, which may hold ``*``.
The reason is not optional: who reads the report next year wants to know.

    [frozen]
    reason = the backup pauses everything at night

    [blocked-handler:uwsgi*]
    reason = the master blocks them while it forks
"""

from __future__ import annotations

import configparser
import difflib
import re
from collections.abc import Collection, Iterator

from sigscope.errors import UsageError
from sigscope.model.audit import Waiver

ANY = "*"
_LIST = "sigscope audit --list-checks"
_HEADER = re.compile(r"\s*\[(?P<name>[^]]+)\]")
_PARSER_LINE = re.compile(r"\[line\s+(\d+)\]")


def parse_waiver(word: str, known: Collection[str], reason: str = "", where: str = "") -> Waiver:
    """``ID`` or ``ID:PROGRAM``; UsageError names the nearest id.

    >>> parse_waiver("frozen:php-fpm*", ["frozen"])
    Waiver(id='frozen', program='php-fpm*', reason='')
    """
    name, colon, program = (part.strip() for part in word.partition(":"))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        raise UsageError(
            f"{where}there is no check {name!r}",
            f"did you mean {near[0]}? all: {_LIST}" if near else _LIST,
        )
    if colon and not program:
        raise UsageError(f"{where}no program stands behind {name}:", f"{name} alone means all")
    return Waiver(name, program or ANY, reason)


def parse_waivers(text: str, file: str, known: Collection[str]) -> tuple[Waiver, ...]:
    """All sections of the file; UsageError with the line for what is wrong with one."""
    parser = configparser.RawConfigParser(default_section="", interpolation=None)
    try:
        parser.read_string(text, file)
    except configparser.Error as error:
        raise _broken(file, error) from None
    lines = dict(_headers(text))
    found: dict[tuple[str, str], str] = {}
    waivers = []
    for section in parser.sections():
        where = f"{file}, line {lines.get(section, 1)}: "
        options = dict(parser.items(section))
        reason = " ".join(options.pop("reason", "").split())
        waiver = parse_waiver(section, known, reason, where)
        if options:
            raise UsageError(
                f"{where}[{section}] has {', '.join(sorted(options))}: a section has a reason only",
                "reason = why it is accepted",
            )
        if not reason:
            raise UsageError(
                f"{where}[{section}] has no reason", "reason = why it is accepted, and by whom"
            )
        if (waiver.id, waiver.program) in found:
            other = found[waiver.id, waiver.program]
            raise UsageError(f"{where}[{section}] is the same as [{other}]", "keep one of them")
        found[waiver.id, waiver.program] = section
        waivers.append(waiver)
    _no_contradiction(waivers, found, lines, file)
    return tuple(waivers)


def _no_contradiction(
    waivers: list[Waiver], found: dict[tuple[str, str], str], lines: dict[str, int], file: str
) -> None:
    """Accepted for all programs and for one: which reason holds?"""
    for waiver in waivers:
        whole = found.get((waiver.id, ANY))
        if waiver.program != ANY and whole is not None:
            section = found[waiver.id, waiver.program]
            raise UsageError(
                f"{file}, line {lines.get(section, 1)}: [{section}] contradicts [{whole}] in line"
                f" {lines.get(whole, 1)}, which accepts it for every program",
                "keep one of them",
            )


def _headers(text: str) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            yield match["name"], number


def _broken(file: str, error: configparser.Error) -> UsageError:
    hint = "a section looks like this: [frozen:php-fpm*], and below it: reason = ..."
    line = getattr(error, "lineno", None)
    if isinstance(error, configparser.DuplicateSectionError):
        return UsageError(f"{file}, line {line}: [{error.section}] stands there twice", hint)
    if isinstance(error, configparser.DuplicateOptionError):
        said = f"[{error.section}] has two lines {error.option}"
        return UsageError(f"{file}, line {line}: {said}", hint)
    if isinstance(error, configparser.MissingSectionHeaderError):
        return UsageError(f"{file}, line {line}: it stands in no section", hint)
    match = _PARSER_LINE.search(str(error))
    at = f", line {match[1]}" if match else ""
    return UsageError(f"{file}{at}: this is neither a section nor NAME = VALUE", hint)
