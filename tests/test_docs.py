"""The manual is kept honest: commands, options, findings, exit statuses and JSON names."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import sigscope
from sigscope.analysis.checks import CHECKS, Check
from sigscope.cli.main import COMMANDS
from sigscope.cli.main import sigscope as group
from sigscope.errors import ExitStatus
from sigscope.model.finding import Severity
from tests.conftest import TARGET_FIXTURE
from tests.harness.captures import Talk, write

ROOT = Path(__file__).parent.parent
MAN = ROOT / "man"
README = ROOT / "README.md"
HOUSE = Path(sigscope.__file__).parent
PAGES = sorted(MAN.glob("*.[17]"))
CALL = re.compile(r"\bsigscope (?P<command>\w+)(?P<options>(?: -{1,2}[a-z][a-z-]*)*)")
PROSE = frozenset("as is reads uses writes needs".split())
"""Words that may follow the name in a sentence; everything else must be a command."""


def command(name: str) -> click.Command:
    found = group.get_command(click.Context(group), name)
    assert found is not None, f"no command {name}"
    return found


def options(name: str) -> set[str]:
    """-t, --threads, ... of a command, those for help included."""
    context = click.Context(group, info_name="sigscope", help_option_names=["-h", "--help"])
    inner = click.Context(command(name), parent=context, info_name=name)
    return {
        word
        for parameter in command(name).get_params(inner)
        if isinstance(parameter, click.Option)
        for word in (*parameter.opts, *parameter.secondary_opts)
    }


def page(name: str) -> str:
    path = MAN / name
    assert path.exists(), f"write man/{name}"
    return path.read_text("utf-8")


def section(text: str, title: str) -> str:
    match = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"no section {title}"
    return match[1]


def documented(text: str) -> set[str]:
    """-t, --threads, ... of the list of options, where long ones are written ``Fl -threads``."""
    lines = re.findall(r"^\.It (Fl .*)$", section(text, "OPTIONS"), re.MULTILINE)
    return {f"-{word}" for line in lines for word in re.findall(r"Fl (\S+)", line)}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_explained_wherever_one_looks(name: str) -> None:
    shown = command(name)
    assert shown.help
    assert shown.short_help
    assert "\\b" not in shown.help.replace("\b", ""), "click knows the one character"
    assert re.search(rf"^  {name}  +\S", group.get_help(click.Context(group)), re.MULTILINE)
    assert re.search(rf"^\.It Cm {name}\b", section(page("sigscope.1"), "COMMANDS"), re.MULTILINE)
    assert f".Xr sigscope-{name} 1" in page("sigscope.1")
    for title in ("DESCRIPTION", "OUTPUT", "OVERHEAD", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert section(page(f"sigscope-{name}.1"), title).strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_has_its_options_and_no_others(name: str) -> None:
    assert documented(page(f"sigscope-{name}.1")) == options(name)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc_has_nothing_to_say(path: Path) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed: apt-get install mandoc")
    run = subprocess.run(
        ["mandoc", "-Tlint", "-W", "warning", path], capture_output=True, text=True, timeout=60
    )
    assert run.stdout + run.stderr == ""


def severities(check: Check) -> list[str]:
    """Those that its module names, worst first."""
    module = HOUSE / "analysis" / "checks" / f"{check.ID.replace('-', '_')}.py"
    named = set(re.findall(r"Severity\.([A-Z]+)", module.read_text("utf-8")))
    return [severity.value for severity in Severity if severity.name in named]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.ID)
def test_a_finding_stands_in_the_glossary_with_its_severity(check: Check) -> None:
    line = f".It Cm {check.ID} Pq {', '.join(severities(check))}\n"
    assert line in section(page("sigscope.7"), "FINDINGS")


def test_the_glossary_has_no_finding_that_does_not_exist() -> None:
    told = re.findall(r"^\.It Cm (\S+)", section(page("sigscope.7"), "FINDINGS"), re.MULTILINE)
    assert told == [check.ID for check in CHECKS]


def test_the_exit_statuses_are_those_of_the_code() -> None:
    told = re.findall(r"^\.It (\d+)$", section(page("sigscope.1"), "EXIT STATUS"), re.MULTILINE)
    assert [int(number) for number in told] == [int(status) for status in ExitStatus]


def keys(content: object) -> Iterator[str]:
    """Every key of a document; what "remedy" and "params" map is not ours."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield name
            if name not in ("remedy", "params"):
                yield from keys(value)
    elif isinstance(content, list):
        for value in content:
            yield from keys(value)


def told_keys() -> set[str]:
    """What is marked as a name (.Va) in the section on JSON."""
    lines = re.findall(r"^\.(?:It )?Va (.*)$", section(page("sigscope.1"), "JSON"), re.MULTILINE)
    return {word for line in lines for word in line.split() if word not in (",", ":", ".")}


def asked(*words: str, status: int = 2) -> Iterator[str]:
    """The keys of an answer; its status must be below this one."""
    run = subprocess.run(
        [sys.executable, "-m", "sigscope", *words], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode < status, run.stderr
    return keys(json.loads(run.stdout or run.stderr))


def test_every_json_name_that_is_printed_is_told_and_no_other(
    target: TARGET_FIXTURE, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # where unblock keeps its records
    pid = str(target("blocked_pending").pid)
    signalfd = str(target("signalfd_polled").pid)
    filtered = str(target("filtered_sleep", "nanosleep", "unclear").pid)
    capture = write(tmp_path / "one.pcap", Talk().whole().segments)
    printed = {
        *asked("pid", pid, signalfd, "--json"),
        *asked("tree", pid, "--json", "--by", "container"),
        *asked("handlers", pid, "--json", "--all", status=6),
        *asked("timers", str(target("posix_timer").pid), "--json", status=6),
        *asked("seccomp", filtered, "--json", "--disasm", status=6),
        *asked("explain", "TERM", pid, "--json"),
        *asked("audit", pid, "--json"),
        *asked("audit", "--list-checks", "--json"),
        *asked("doctor", pid, "--json"),
        *asked("decode", "4000", "--json"),
        *asked("restart", pid, signalfd, "--json"),
        *asked("unblock", "ALRM", pid, "--dry-run", "--json"),
        *asked("unblock", "ALRM", pid, "--yes", "--json"),
        *asked("restart", pid, "--live", "--yes", "--method", "interrupt", "--json"),
        *asked("run", "--json", "--", "true"),
        *asked("fcgi", "--simulate", "--stderr", "936", "--json"),
        *asked("fcgi", "--simulate", "--sweep", "0:9", "--json"),
        *asked("fcgi", "--from-pcap", str(capture), "--json"),
        *asked("snapshot", pid, "--json", "-o", str(tmp_path / "one.gz")),
    }
    assert printed <= told_keys()
    files = (
        "document.py",
        "audit.py",
        "handlers_document.py",
        "depths.py",
        "seccomp_document.py",
        "timers_document.py",
        "exchange.py",
        "watch_document.py",
    )
    rooms = [HOUSE / "render" / name for name in files]
    nodes = [node for path in rooms for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    literals = {node.value for node in nodes if isinstance(node, ast.Constant)}
    names = {node.arg for node in nodes if isinstance(node, ast.keyword)}
    unknown = told_keys() - printed - literals - names
    assert not unknown, f"sigscope.1 tells of names that nothing prints: {unknown}"


def calls_in(text: str) -> Iterator[tuple[str, list[str]]]:
    for match in CALL.finditer(text):
        if match["command"] not in PROSE:
            yield match["command"], match["options"].split()


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def wrong_calls(text: str) -> Iterator[str]:
    for name, words in calls_in(text):
        if name not in COMMANDS:
            yield f"there is no command {name}"
        elif unknown := set(words) - options(name):
            yield f"{name} has no option {' '.join(sorted(unknown))}"


def test_every_command_that_a_hint_or_remedy_names_exists() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sorted(HOUSE.rglob("*.py"))
        for line, text in strings(ast.parse(path.read_text("utf-8")))
        for what in wrong_calls(text)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_in_a_page_exists(path: Path) -> None:
    examples = re.findall(r"^(?:\.Dl )?\$ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    assert not list(wrong_calls("\n".join(examples)))


def test_the_readme_names_only_what_exists() -> None:
    if not README.exists():
        pytest.skip("there is no README.md yet")
    code = re.findall(r"```.*?```|`[^`\n]+`", README.read_text("utf-8"), re.DOTALL)
    assert not list(wrong_calls("\n".join(code)))
