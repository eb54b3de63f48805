"""Lines of configuration, in the few shapes that programs have chosen for them.

All of these are total: any text is a list of directives, in time that grows with its length.
A program refuses more than we do; but then it would not be running.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from sigscope.model.gap import Gap
from sigscope.model.value import dataclass

DEEPEST = 8
"""Files that include files that include files."""
MOST_FILES = 200
"""In all: a file that includes itself twice would be read for ever."""


@dataclass(frozen=True, slots=True)
class Directive:
    """``words`` of one statement; ``inner`` if it stands in a block that may not apply."""

    words: tuple[str, ...]
    line: int
    section: str = ""
    inner: bool = False
    file: str = ""

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def value(self) -> str:
        """The words after the first."""
        return " ".join(self.words[1:])

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


Parse = Callable[[str], Iterator[Directive]]


class Files(Protocol):
    """The files of the target, as it sees them; what cannot be read is a Gap."""

    def read(self, path: str) -> bytes | Gap:
        """A whole file."""

    def matching(self, pattern: str) -> tuple[str, ...] | Gap:
        """The files that a shell pattern names, sorted."""


def gather(
    files: Files, path: str, parse: Parse, includes: Callable[[Directive], str | None]
) -> Iterator[Directive | Gap]:
    """The directives of a file, with those of the files that it includes in their place."""
    yield from _Gathering(files, parse, includes).directives(path, 0)


class _Gathering:
    """One walk through the files of one configuration, of which there is an end."""

    def __init__(
        self, files: Files, parse: Parse, includes: Callable[[Directive], str | None]
    ) -> None:
        self._files = files
        self._parse = parse
        self._includes = includes
        self._left = MOST_FILES

    def directives(self, path: str, depth: int) -> Iterator[Directive | Gap]:
        self._left -= 1
        data = self._files.read(path) if depth <= DEEPEST else Gap(path, "included too deeply")
        if isinstance(data, Gap):
            yield data
            return
        for directive in self._parse(data.decode("utf-8", "backslashreplace")):
            pattern = self._includes(directive)
            if pattern is None:
                yield replace(directive, file=path)
                continue
            if self._left <= 0:
                yield Gap(path, "more configuration than sigscope reads")
                return
            yield from self._included(pattern, depth)

    def _included(self, pattern: str, depth: int) -> Iterator[Directive | Gap]:
        found = self._files.matching(pattern)
        if isinstance(found, Gap):
            yield found
            return
        for name in found:
            yield from self.directives(name, depth + 1)
            if self._left <= 0:
                yield Gap(name, "more configuration than sigscope reads")
                return


def ini(text: str) -> Iterator[Directive]:
    """``[section]`` and ``name = value``; comments begin with ; or #.

    >>> [one.words for one in ini("[global]\\n; no\\ntime = 10s ; yes\\n")]
    [('time', '10s')]
    """
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if line.startswith("["):
            section = line[1:].partition("]")[0].strip()
        elif line and line[0] not in ";#":
            name, _, value = line.partition("=")
            value = value.partition(" ;")[0].strip().strip("\"'")
            yield Directive((name.strip(), value), number, section)


_WORD = re.compile(r'"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|\'[^\']*(?:\'|\Z)|#.*|[^\s"\'#]+|.', re.DOTALL)


def words(text: str) -> Iterator[Directive]:
    """A statement a line, of words that may be quoted; ``<Block>`` lines make it inner.

    >>> [one.words for one in words('save "" # none\\n<IfModule a>\\nTimeout 5\\n')]
    [('save', ''), ('Timeout', '5')]
    """
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("<"):
            closes = line.lstrip().startswith("</")
            depth = max(0, depth - 1) if closes else depth + 1
            continue
        found = tuple(_bare(word) for word in _WORD.findall(line) if _counts(word))
        if found:
            yield Directive(found, number, inner=depth > 0)


_PART = re.compile(
    r'"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|\'(?:[^\'\\]|\\(?:.|\Z))*(?:\'|\Z)|#[^\n]*|[;{}\n]|[^\s;{}"\'#]+|.',
    re.DOTALL,
)


def braced(text: str) -> Iterator[Directive]:
    """``name words;`` outside all ``{ }``; what stands in a block is left out.

    >>> [one.words for one in braced("user a;\\nhttp { server { b c; } }\\ndaemon off;")]
    [('user', 'a'), ('daemon', 'off')]
    """
    depth, line, found = 0, 1, list[str]()
    for part in _PART.findall(text):
        if part == "{":
            depth, found = depth + 1, []
        elif part == "}":
            depth, found = max(0, depth - 1), []
        elif part == ";":
            if found and not depth:
                yield Directive(tuple(found), line)
            found = []
        elif _counts(part) and not depth:
            found.append(_bare(part))
        line += part.count("\n")


def nested(text: str) -> Iterator[Directive]:
    """All statements; a block begins with one that ends in ``{``, and ends with ``}``.

    >>> [one.words for one in nested("http { server { b c; } }")]
    [('http', '{'), ('server', '{'), ('b', 'c'), ('}',), ('}',)]
    """
    line, found = 1, list[str]()
    for part in _PART.findall(text):
        if part == "{":
            yield Directive((*found, part), line, inner=True)
            found = []
        elif part == "}":
            yield Directive((part,), line, inner=True)
            found = []
        elif part == ";":
            if found:
                yield Directive(tuple(found), line, inner=True)
            found = []
        elif _counts(part):
            found.append(_bare(part))
        line += part.count("\n")


def _counts(part: str) -> bool:
    return not part.isspace() and not part.startswith("#")


def _bare(part: str) -> str:
    return part[1:].removesuffix(part[0]) if part[0] in "\"'" else part
