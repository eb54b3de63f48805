"""The house rules of the package, read from the source itself: who may import whom, and more."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sigscope

HOUSE = Path(sigscope.__file__).parent
IO = frozenset(
    "os io pathlib subprocess socket shutil tempfile ctypes mmap fcntl select time sys glob"
    " fileinput resource threading multiprocessing pty termios importlib".split()
)
"""Modules of the standard library with which a pure room could reach the world or the clock."""


@dataclass(frozen=True)
class Room:
    """Which rooms and foreign packages it may import, and which built-ins it never calls."""

    rooms: frozenset[str]
    packages: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset(("print", "input"))


def room(rooms: str, packages: str = "", pure: bool = True) -> Room:
    calls = ("print", "input", *(("open",) if pure else ()))
    never = IO if pure else frozenset()
    return Room(frozenset(rooms.split()), frozenset(packages.split()), never, frozenset(calls))


EVERYBODY = "errors model decode kernel analysis actions render api"
ROOMS = {
    "model": room("model"),
    "errors": room(""),
    "decode": room("decode model errors"),
    "kernel": room(
        "kernel decode model errors", "dpkt psutil ptrace elftools itanium_demangler", pure=False
    ),
    "analysis": room("analysis model errors"),
    "actions": room("actions kernel analysis model errors", pure=False),
    "render": room("render model", "tabulate"),
    "cli": room(f"cli sigscope {EVERYBODY}", "click tabulate", pure=False),
    "api": room("kernel analysis model errors", pure=False),
    "__init__": room("api", pure=False),
    "__main__": room("cli", pure=False),
}
EXITS = frozenset(("cli", "__main__"))
"""The only rooms that may end the process."""
LONGEST = 400
FORBIDDEN_NAMES = frozenset(
    "util utils helper helpers common misc miscellaneous shared lib".split()
)

MODULES = sorted(HOUSE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that is imported, in functions as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute in this package"
            module = node.module or ""
            if module == "sigscope":
                yield from ((node.lineno, f"sigscope.{_part(alias)}") for alias in node.names)
            else:
                yield node.lineno, module


def _part(alias: ast.alias) -> str:
    """``from sigscope import __version__`` asks the package, not a room."""
    is_room = (HOUSE / alias.name).is_dir() or (HOUSE / f"{alias.name}.py").exists()
    return alias.name if is_room else "sigscope"


def broken_imports(name: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    rules = ROOMS[name]
    for line, module in imports(tree):
        top, _, rest = module.partition(".")
        if top == "sigscope":
            guest = rest.partition(".")[0] or "sigscope"
            if guest not in rules.rooms:
                yield line, f"{name} may not import {guest}"
        elif top in rules.never:
            yield line, f"{name} is pure and never imports {top}"
        elif top not in sys.stdlib_module_names and top not in rules.packages:
            yield line, f"{name} may not import the package {top}"


def forbidden_calls(name: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    calls = [
        (node.lineno, ast.unparse(node.func))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]
    exits = {"sys.exit", "exit", "quit", "os._exit", "SystemExit"}
    if any(called == "os.fork" for _, called in calls):
        exits.remove("os._exit")  # a child that it has forked ends there, and nobody else
    for line, called in calls:
        if called in ROOMS[name].calls:
            yield line, f"{name} never calls {called}()"
        if called in exits and name not in EXITS:
            yield line, f"{name} never exits: only {' and '.join(sorted(EXITS))} may"


def missing_docstrings(name: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The ``check`` of a check module is told by its MEANS."""
    assert isinstance(tree, ast.Module)
    if not ast.get_docstring(tree):
        yield 1, "a module says what it is in its docstring"
    means = any(ast.unparse(node).startswith("MEANS =") for node in tree.body)
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node) and not (means and node.name == "check"):
            yield node.lineno, f"{node.name} is public, and needs a docstring"


def length(name: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    assert isinstance(tree, ast.Module)
    generated = "Generated by" in (ast.get_docstring(tree) or "")
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    if last > LONGEST and not generated:
        yield last, f"a module has at most {LONGEST} lines: split it"


RULES: tuple[Callable[[str, ast.AST], Iterator[tuple[int, str]]], ...] = (
    broken_imports,
    forbidden_calls,
    missing_docstrings,
    length,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(
    rule: Callable[[str, ast.AST], Iterator[tuple[int, str]]],
) -> None:
    broken = [
        f"{path.relative_to(HOUSE.parent)}:{line}: {what}"
        for path in MODULES
        for line, what in rule(room_of(path), ast.parse(path.read_text("utf-8")))
    ]
    assert not broken, "\n" + "\n".join(broken)


def test_every_room_is_in_the_table() -> None:
    unknown = {room_of(path) for path in MODULES} - ROOMS.keys()
    assert not unknown, f"say in ROOMS who may import whom: {', '.join(sorted(unknown))}"


def test_every_room_has_its_contract_on_the_door() -> None:
    for door in HOUSE.glob("*/__init__.py"):
        text = ast.get_docstring(ast.parse(door.read_text("utf-8"))) or ""
        assert "Contract" in text, (
            f"{door.relative_to(HOUSE.parent)}:1: the docstring has no Contract"
        )


def test_modules_are_named_after_what_they_know() -> None:
    names = {part.removesuffix(".py") for path in MODULES for part in path.relative_to(HOUSE).parts}
    assert not names & FORBIDDEN_NAMES


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("model", "import click", "model may not import the package click"),
        ("analysis", "def f():\n    import time", "analysis is pure and never imports time"),
        ("analysis", "from sigscope.kernel.scan import x", "analysis may not import kernel"),
        ("render", "from sigscope import kernel", "render may not import kernel"),
        ("api", "from sigscope.cli.main import main", "api may not import cli"),
    ],
)
def test_a_broken_import_is_found(name: str, source: str, said: str) -> None:
    assert said in [what for _, what in broken_imports(name, ast.parse(source))]


@pytest.mark.parametrize("source", ["print(1)", "open('x')", "import sys\nsys.exit(1)"])
def test_a_forbidden_call_is_found(source: str) -> None:
    assert list(forbidden_calls("decode", ast.parse(source)))
