"""The functions of one file by name: its tables, its debug files, and Go's own table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain

from sigscope.decode.gopclntab import go_function
from sigscope.errors import DecodeError
from sigscope.kernel.rooted import RootedFiles
from sigscope.kernel.symbols.clues import read_clues
from sigscope.kernel.symbols.debug_files import by_build_id, by_link, packed
from sigscope.kernel.symbols.demangling import demangled
from sigscope.kernel.symbols.elf import Elf, Symbol
from sigscope.model.location import STRIPPED, STRIPPED_GO, Location

_MOST_ALIASES = 4
_GO_TABLE = (".gopclntab", ".data.rel.ro.gopclntab")

Table = tuple[str, Callable[[set[int]], dict[int, Symbol]]]


def named(elf: Elf, path: str, offsets: Iterable[int], pid: int, proc: str) -> dict[int, Location]:
    """Each of these addresses of the file, as its best table tells it; ``address`` is 0.

    Debug files are looked for below the root of the process, and below ours: they are known
    by their contents. What is damaged is passed over, and told where nothing else names it.
    """
    left = set(offsets)
    found: dict[int, Location] = {}
    wrong = ""
    with ExitStack() as stack:
        tables = _tables(elf, path, pid, proc, stack)
        while left:
            try:
                table, functions = next(tables)
                symbols = functions(left)
            except StopIteration:
                break
            except DecodeError as error:
                wrong = f"; {error.what}: {error.detail}"
                continue
            except OSError as error:
                wrong = f"; {error.strerror}"
                continue
            for offset, symbol in symbols.items():
                found[offset] = _location(path, offset, symbol, table)
            left -= found.keys()
    for offset in left:
        why = STRIPPED_GO if elf.go else STRIPPED
        found[offset] = Location(0, path, offset, why=why + wrong, clues=read_clues(elf, offset))
    return found


def _location(path: str, offset: int, symbol: Symbol, table: str) -> Location:
    name, *others = symbol.names
    return Location(
        0,
        path,
        offset,
        symbol=name,
        function=demangled(name),
        into=offset - symbol.begin,
        table=table,
        also=tuple(others[:_MOST_ALIASES]),
    )


def _tables(elf: Elf, path: str, pid: int, proc: str, stack: ExitStack) -> Iterator[Table]:
    """The file's own first; those of other files are opened only if they are asked."""
    yield "symtab", lambda left: elf.functions(".symtab", left)
    yield "dynsym", lambda left: elf.functions(".dynsym", left)
    if elf.section(*_GO_TABLE) is not None:
        yield "gopclntab", lambda left: _go(elf, left)
    yield "gnu_debugdata", lambda left: _packed(elf, left)
    roots = tuple(_roots(pid, proc, stack))
    for where, source in chain(by_build_id(elf, roots), by_link(elf, path, roots)):
        stack.callback(source.close)
        yield where, lambda left, source=source: Elf(source).functions(".symtab", left)  # type: ignore[misc]


def _roots(pid: int, proc: str, stack: ExitStack) -> Iterator[RootedFiles]:
    for whose, where in ((pid, proc), (os.getpid(), "/proc")):
        try:
            yield stack.enter_context(RootedFiles(whose, where))
        except OSError:
            continue


def _packed(elf: Elf, left: set[int]) -> dict[int, Symbol]:
    inner = packed(elf)
    return inner.functions(".symtab", left) if inner is not None else {}


def _go(elf: Elf, left: set[int]) -> dict[int, Symbol]:
    section, text = elf.section(*_GO_TABLE), elf.section(".text")
    if section is None or text is None:
        return {}
    found = {}
    for offset in left:
        known = go_function(
            lambda place, size: elf.in_section(section, place, size), text.address, offset
        )
        if known is not None:
            found[offset] = Symbol(known[1], 0, (known[0],))
    return found
