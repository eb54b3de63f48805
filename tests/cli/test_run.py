"""``run`` in real chains of launchers: what the command says of itself is in /proc/self/status."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import proc
from tests.harness.build import required
from tests.harness.targets import clean

RUN = (sys.executable, "-m", "sigscope", "run")
STATUS = ("cat", "/proc/self/status")
BLOCKED = frozenset(range(1, 65)) - {9, 19, 32, 33}
"""As the threads of uWSGI have it."""
IGNORED = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGCHLD, 32, 33, 40})
PATIENCE = 60.0


@dataclass(frozen=True)
class Ended:
    """How the command ended, and what it said of its signals if it was asked."""

    status: int
    out: str
    err: str

    @property
    def blocked(self) -> frozenset[int]:
        return self._signals("SigBlk")

    @property
    def ignored(self) -> frozenset[int]:
        return self._signals("SigIgn")

    def _signals(self, label: str) -> frozenset[int]:
        lines = (line.split(":\t") for line in self.out.splitlines() if ":\t" in line)
        return proc.signals(next(value for name, value in lines if name == label))


def run(
    *words: str,
    blocked: Collection[int] = frozenset(),
    ignored: Collection[int] = frozenset(),
    through: Collection[str] = (),
) -> Ended:
    """``sigscope run WORDS``, started with this mask, by way of these launchers."""
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        clean([*through, *RUN, *words], blocked, ignored),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), "COLUMNS": "80", "LANG": "C.UTF-8"},
    )
    return Ended(ran.returncode, ran.stdout, ran.stderr)


def test_a_command_is_born_with_nothing_blocked_and_nothing_ignored() -> None:
    born = run("--", *STATUS, blocked=BLOCKED, ignored=IGNORED)
    assert (born.blocked, born.ignored) == (frozenset(), frozenset())
    assert born.err == ""


LAUNCHERS = (
    ("nohup", "coreutils"),
    ("env --ignore-signal=TERM,USR1 --block-signal=ALRM", "coreutils"),
    ("setsid --wait", "util-linux"),
    ("timeout 60", "coreutils"),
    ("xargs -a /dev/null", "findutils"),
)


@pytest.mark.parametrize(("launcher", "package"), LAUNCHERS, ids=lambda text: text.split()[0])
def test_it_is_so_behind_any_launcher(launcher: str, package: str) -> None:
    words = shlex.split(launcher)
    required(words[0], package)
    born = run("--", *STATUS, blocked=BLOCKED, ignored=IGNORED, through=words)
    assert (born.blocked, born.ignored) == (frozenset(), frozenset())


def test_the_two_of_glibc_that_posix_spawn_leaves_ignored_are_cleaned(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f"{shlex.join(RUN)} -- cat /proc/self/status >{said}"
    # Python's os.system forks and executes by posix_spawn(3) of glibc.
    code = f"import os; os.system('grep SigIgn /proc/self/status'); os.system({script!r})"
    before = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=Path(__file__).parents[2],
    )
    assert Ended(0, said.read_text(), "").ignored == frozenset(), before


def test_no_process_is_added() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*RUN, "--", "sh", "-c", "echo $$ $PPID"], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read().split() == [str(process.pid), str(os.getpid())]


@pytest.mark.parametrize(
    ("options", "blocked", "ignored"),
    [
        ("--keep", BLOCKED, {1, 2, 17, 32, 33, 40}),
        ("--keep=ALRM,HUP", {1, 14}, {1}),
        ("--keep ALRM --keep 2", {2, 14}, {2}),
        ("--keep --default=HUP,ALRM", BLOCKED - {1, 14}, {2, 17, 32, 33, 40}),
        ("--keep --default-signal", set(), set()),
        ("--ignore=PIPE,RTMIN+2", set(), {13, 36}),
        ("--ignore-signal", set(), BLOCKED),
        ("--block=TERM --block-signal=USR1", {10, 15}, set()),
        ("--block --ignore=INT", BLOCKED, {2}),
        ("--keep=HUP --default=HUP --ignore=HUP", set(), {1}),
    ],
)
def test_options_have_the_meaning_of_env(
    options: str, blocked: Collection[int], ignored: Collection[int]
) -> None:
    born = run(*options.split(), "--", *STATUS, blocked=BLOCKED, ignored=IGNORED)
    assert (born.blocked, born.ignored) == (frozenset(blocked), frozenset(ignored))


def test_env_lists_the_same() -> None:
    required("env", "coreutils")
    options = ("--ignore-signal=PIPE", "--block-signal=TERM,PIPE", "--list-signal-handling")
    ours = run(*options, "--", "true")
    theirs = subprocess.run(
        clean(["env", *options, "true"]), capture_output=True, text=True, timeout=PATIENCE
    )
    if theirs.returncode == 125:
        pytest.skip("this env has no --list-signal-handling")
    assert ours.err == theirs.stderr != ""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("-- sh -c 'exit 7'", 7, ""),
        ("-- sh -c 'kill -KILL $$'", -9, ""),
        ("-- no-such-command", 127, "there is no 'no-such-command' in PATH"),
        ("-- /no/such/command", 127, "there is no '/no/such/command'"),
        ("-- /etc/passwd/x", 127, "there is no"),
        ("-- /etc/passwd", 126, "cannot execute '/etc/passwd': Permission denied"),
        ("-- /etc", 126, "cannot execute '/etc'"),
        ("--", 125, "Missing argument"),
        ("--no-such-option -- true", 125, "No such option"),
        ("--ignore sleep 5", 125, "'sleep' is not a signal"),
        ("--block=KILL -- true", 125, "SIGKILL cannot be set"),
        ("--ignore=33 -- true", 125, "SIGSETXID cannot be set: it is glibc's own"),
        ("--keep= -- true", 125, "'' is not a signal"),
        ("--keep=65 -- true", 125, "'65' is not a signal"),
    ],
)
def test_the_exit_status_is_that_of_the_command_or_of_env(
    words: str, status: int, said: str
) -> None:
    ended = run(*shlex.split(words))
    assert ended.status == status
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_words_behind_the_command_are_its_own() -> None:
    assert run("echo", "--keep", "-h", "--", "x").out == "--keep -h -- x\n"


def test_a_script_without_a_first_line_is_for_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$0 $1 $(grep SigBlk /proc/$$/status)"\n')
    script.chmod(0o755)
    ended = run("--", str(script), "one", blocked=BLOCKED)
    assert ended.out == f"{script} one SigBlk:\t{'0' * 16}\n"


def test_names_that_are_no_text_reach_the_command(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\n"
    Path(os.fsdecode(name)).write_bytes(b"here")
    root = Path(__file__).parents[2]
    ran = subprocess.run([*RUN, "--", "cat", name], capture_output=True, timeout=PATIENCE, cwd=root)
    assert ran.stdout == b"here"


def test_a_pending_signal_acts_once_it_is_open() -> None:
    script = f"kill -TERM $$; exec {shlex.join(RUN)} --report -- echo born"
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        clean(["bash", "-c", script], {signal.SIGTERM}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=root,
    )
    assert (ran.returncode, ran.stdout) == (-signal.SIGTERM, "")
    assert "SIGTERM is pending" in ran.stderr


def test_the_report_says_what_was_found_and_what_became_of_it() -> None:
    ended = run("--report", "--ignore=HUP", "--", "true", blocked={14}, ignored={1, 2})
    lines = ended.err.splitlines()
    assert lines[0].startswith("inherited    blocked SIGALRM; ignored SIGHUP SIGINT; started by ")
    assert lines[1].startswith("not known    whether SIGPIPE and SIGXFSZ were ignored: Python")
    assert "cleaned      blocked SIGALRM; ignored SIGINT" in lines
    assert lines[-1] == "starts with  ignored SIGHUP"


def test_what_python_has_hidden_is_not_claimed_to_be_kept() -> None:
    ended = run("--keep=PIPE,HUP", "--", *STATUS, ignored={1, 13})
    assert ended.ignored == {1}
    assert "how SIGPIPE was inherited is not known" in ended.err


def test_the_report_in_json_leaves_standard_output_to_the_command() -> None:
    ended = run("--json", "--block=TERM", "--", "echo", "out", blocked={14}, ignored={1})
    document = json.loads(ended.err)
    assert ended.out == "out\n"
    assert document["command"] == "run"
    assert document["inherited"]["blocked"]["signals"] == ["SIGALRM"]
    assert document["inherited"]["ignored"]["signals"] == ["SIGHUP"]
    assert document["inherited"]["unknown"]["signals"] == ["SIGPIPE", "SIGXFSZ"]
    assert document["started"]["blocked"]["signals"] == ["SIGTERM"]


def test_a_closed_standard_error_does_not_keep_the_command_from_running() -> None:
    ended = subprocess.run(
        ["sh", "-c", f"{shlex.join(RUN)} --report -- echo born 2>&-"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=Path(__file__).parents[2],
    )
    assert ended.stdout == "born\n"


@pytest.mark.parametrize("own", [frozenset(), frozenset({32, 33})])
def test_without_options_all_is_cleaned(
    own: frozenset[int],
) -> None:
    """32 and 33 are glibc's own, and take another way."""
    ended = run("--", *STATUS, blocked=BLOCKED | {32, 33}, ignored=(IGNORED - {32, 33}) | own)
    assert (ended.status, ended.blocked, ended.ignored) == (0, frozenset(), frozenset())
