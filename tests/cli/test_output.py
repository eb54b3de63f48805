"""How an answer looks where it is printed: colours on a terminal only, any width, any encoding."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.kernel.command import ESCAPE, command, environment, no_traceback, sigscope

PLAIN = {"NO_COLOR": "1"}
HOSTILE = b"\x1b]0;x\x07\n\xff\xe2\x80\xae\xc3\xa9"


def on_a_terminal(*words: object, columns: int = 80, env: dict[str, str] | None = None) -> bytes:
    """What the command writes to a terminal of this width (its standard error as well)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    settings = environment(**{"TERM": "xterm", **(env or {})})
    running = subprocess.Popen(
        command(*words), env=settings, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # EIO: the last writer has closed the terminal
    finally:
        os.close(ours)
    no_traceback(running.wait(60), shown)
    return shown.replace(b"\r\n", b"\n")


def test_a_terminal_gets_colours(target: TARGET_FIXTURE) -> None:
    stuck = target("blocked_pending")
    shown = on_a_terminal("pid", stuck.pid)
    assert b"\x1b[1;31mERROR" in shown
    assert shown.count(b"\x1b[0m") == len(ESCAPE.findall(shown)) / 2


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_that_wants_none_gets_none(
    setting: dict[str, str], target: TARGET_FIXTURE
) -> None:
    shown = on_a_terminal("pid", target("blocked_pending").pid, env=setting)
    assert b"ERROR" in shown
    assert not ESCAPE.search(shown)


@pytest.mark.parametrize("words", [("pid", 1), ("tree", "--all"), ("pid", 1 << 22), ("--help",)])
def test_what_is_no_terminal_gets_no_escape_codes(words: tuple[object, ...]) -> None:
    done = sigscope(*words)
    assert not ESCAPE.search(done.stdout + done.stderr)


def test_json_is_the_same_on_a_terminal_and_in_a_pipe(target: TARGET_FIXTURE) -> None:
    one = target("ignores", {1})
    shown = json.loads(on_a_terminal("pid", one.pid, "--json"))
    piped = json.loads(sigscope("pid", one.pid, "--json").stdout)
    assert shown["processes"][0]["ignored"] == piped["processes"][0]["ignored"]
    assert shown["processes"][0]["ignored"]["signals"] == ["SIGHUP"]


ENCODINGS = [
    "ascii",
    "utf-8",
    "koi8-r",
    "latin-1",
    "cp1252",
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_encoding_of_the_output_can_be_written_to(
    encoding: str, target: TARGET_FIXTURE
) -> None:
    one = target("hostile_comm", HOSTILE[:15].hex(), "caf\u00e9 \u20ac \u4e2d \u202e")
    for words in (("pid", one.pid), ("pid", one.pid, "--all", "--threads"), ("tree", one.pid)):
        done = sigscope(*words, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
        text = done.stdout.decode(encoding)
        assert str(one.pid) in text
        assert not ESCAPE.search(done.stdout)
        assert "\u202e" not in text
    assert "\u2026" not in text or encoding == "utf-8"


def test_the_c_locale_gets_plain_signs(target: TARGET_FIXTURE) -> None:
    one = target("hostile_comm", "636166c3a9")
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = sigscope("tree", one.pid, env=plain)
    assert done.stdout.isascii()
    assert b"caf\\xe9" in done.stdout
    assert b"`- " in done.stdout
    shown = sigscope("tree", one.pid, env={"PYTHONIOENCODING": "utf-8"}).stdout.decode()
    assert "café" in shown
    assert "└─ " in shown


def test_a_hostile_name_is_one_line_without_control_characters(target: TARGET_FIXTURE) -> None:
    one = target("hostile_comm", HOSTILE.hex(), HOSTILE, b"\x1b[2J\n\n")
    for words in (("pid", one.pid), ("pid", "--threads", one.pid), ("tree", one.pid)):
        text = sigscope(*words).stdout.decode()
        assert all(line.isprintable() for line in text.split("\n"))
        assert f"\\x1b]0;x\\x07\\n\\xff\\u202e\u00e9 {one.pid}" in text


def test_a_hostile_name_is_whole_in_json(target: TARGET_FIXTURE) -> None:
    one = target("hostile_comm", HOSTILE.hex(), HOSTILE)
    (process,) = json.loads(sigscope("pid", one.pid, "--json").stdout)["processes"]
    assert process["comm"] == "\x1b]0;x\x07\n\\xff\u202e\u00e9"
    assert process["cmdline"][-1] == process["comm"]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_prose_keeps_to_the_columns(columns: int, target: TARGET_FIXTURE) -> None:
    stuck = target("blocked_pending")
    done = sigscope("pid", stuck.pid, env={"COLUMNS": str(columns)})
    finding = done.stdout.decode().split("\n\n")[1].split("\n")
    prose = [line for line in finding if not line.strip().startswith(("now:", "for good:"))]
    assert len(prose) > 1
    assert max(map(len, prose)) <= columns
    if columns < 100:
        assert any(len(line) > columns - 25 for line in prose)


def test_the_width_of_a_terminal_is_asked_for(target: TARGET_FIXTURE) -> None:
    stuck = target("blocked_pending")
    narrow = on_a_terminal("pid", stuck.pid, columns=60, env=PLAIN).decode().split("\n")
    wide = on_a_terminal("pid", stuck.pid, columns=200, env=PLAIN).decode().split("\n")
    assert len(narrow) > len(wide)


def test_the_answer_is_on_stdout_and_remarks_on_stderr(tmp_path: Path) -> None:
    done = sigscope("snapshot", os.getpid(), "-o", tmp_path / "a.gz")
    assert done.stdout == b""
    assert b"processes in" in done.stderr
    done = sigscope("snapshot", os.getpid(), "-o", "-")
    assert done.stdout[:2] == b"\x1f\x8b"
    assert done.stderr == b""
