"""Who launders what it inherited before it starts a child? Tried, program by program.

A program that clears the mask breaks the chain of an inheritance: whoever is blamed must not
be above it. Most programs pass everything on, some pass all but a few signals.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from signal import (
    SIGCHLD,
    SIGHUP,
    SIGINT,
    SIGPIPE,
    SIGQUIT,
    SIGTERM,
    SIGTTIN,
    SIGTTOU,
    SIGUSR1,
    SIGWINCH,
    SIGXFSZ,
)

import pytest

from sigscope.analysis.launder import habit
from tests.harness.laundry import BLOCKED, CHILD, IGNORED, INTERNAL, birth

# Debian packages beyond the base system, for scripts/test to install. Without one its cases are
# skipped.
PACKAGES = (
    "busybox",
    "dumb-init",
    "gdb",
    "make",
    "mksh",
    "nodejs",
    "runit",
    "ruby",
    "s6",
    "strace",
    "sudo",
    "supervisor",
    "tini",
    "tmux",
    "zsh",
)

PASSES, CLEARS = BLOCKED, frozenset[int]()
NOT_CHLD = PASSES - {SIGCHLD}
NOTHING = frozenset[int]()
BACKGROUND = IGNORED | {SIGINT, SIGQUIT}
PYTHON = frozenset({SIGPIPE, SIGXFSZ})
HUP, USR1 = frozenset({SIGHUP}), frozenset({SIGUSR1})


@dataclass(frozen=True)
class Launcher:
    """A program, a way to have it start a child, and what the child is born with."""

    name: str
    command: tuple[str, ...]
    blocked: frozenset[int]
    ignored: frozenset[int] = IGNORED
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """Does it clear the mask or pass it, if need be but for a few signals?"""
        return "passes" if self.blocked else "clears"


def shell(name: str, script: str) -> tuple[str, ...]:
    return (*name.split(), "-c", script)


def python(statement: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import os, subprocess, sys\n{statement}", *CHILD)


FORK = "if os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])\nos.wait()"
NODE = "require('child_process').spawn(process.argv[1], process.argv.slice(2))"
GDB = ("gdb", "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex", "run", "--args")
TMUX = ("tmux", "-S", "{dir}/socket", "-f", "/dev/null", "new-session", "-d")
SERVICE = {"service/run": "#!/usr/bin/env -S {child}\n"}
MAKEFILE = {"makefile": "all:\n\t@{child}\n"}
SUPERVISORD = """\
[supervisord]
nodaemon=true
logfile=/dev/null
pidfile={dir}/pid
[program:child]
command={child}
"""

LAUNCHERS = (
    # dash clears its own mask with the first command that it waits for: from then on there is
    # nothing to pass. What it forks before that keeps the mask, and of all these only a background
    # job can be told by what it ignores.
    Launcher("dash", shell("dash", "{child}; :"), CLEARS),
    Launcher("dash-subshell", shell("dash", "({child}; :); :"), CLEARS),
    Launcher("dash-exec", shell("dash", "exec {child}"), PASSES),
    Launcher("dash-background", shell("dash", "{child} & wait"), PASSES, BACKGROUND),
    Launcher("dash-pipeline", shell("dash", ": | {child}; :"), PASSES),
    Launcher("dash-substitution", shell("dash", "x=$({child}); :"), PASSES),
    Launcher("dash-later-exec", shell("dash", "/bin/true; exec {child}"), CLEARS),
    Launcher("dash-later-background", shell("dash", "/bin/true; {child} &"), CLEARS, BACKGROUND),
    Launcher("dash-later-pipeline", shell("dash", "/bin/true; : | {child}; :"), CLEARS),
    # bash and zsh open what they need themselves, and leave the rest as it was.
    Launcher("bash", shell("bash", "{child}; :"), NOT_CHLD),
    Launcher("bash-background", shell("bash", "{child} & wait"), NOT_CHLD, BACKGROUND),
    Launcher("zsh", shell("zsh -f", "{child}; :"), NOT_CHLD - {SIGWINCH}),
    Launcher("busybox-sh", shell("busybox sh", "{child}; :"), PASSES),
    Launcher("busybox-sh-background", shell("busybox sh", "{child} & wait"), PASSES, BACKGROUND),
    Launcher("mksh", shell("mksh", "{child}; :"), CLEARS),
    Launcher("make", ("make", "-f", "{dir}/makefile"), CLEARS, HUP, MAKEFILE),
    Launcher("ruby-system", ("ruby", "-e", "system(*ARGV)", *CHILD), CLEARS),
    Launcher("ruby-exec", ("ruby", "-e", "exec(*ARGV)", *CHILD), CLEARS),
    Launcher("node-spawn", ("node", "-e", NODE, *CHILD), CLEARS, NOTHING),
    Launcher("python-subprocess", python("subprocess.run(sys.argv[1:])"), PASSES),
    Launcher("python-fork", python(FORK), PASSES, IGNORED | PYTHON),
    Launcher("perl-system", ("perl", "-e", "system(@ARGV)", *CHILD), PASSES),
    Launcher("env", ("env", *CHILD), PASSES),
    Launcher("env-default", ("env", "--default-signal", *CHILD), CLEARS, NOTHING),
    Launcher("find", ("find", "{dir}", "-maxdepth", "0", "-exec", *CHILD, ";"), PASSES),
    Launcher("flock", ("flock", "{dir}/lock", *CHILD), PASSES),
    Launcher("nice", ("nice", *CHILD), PASSES),
    Launcher("nohup", ("nohup", *CHILD), PASSES),
    Launcher("runuser", ("runuser", "-u", "root", "--", *CHILD), PASSES),
    Launcher("setpriv", ("setpriv", "--no-new-privs", *CHILD), PASSES),
    Launcher("setsid", ("setsid", "--fork", "--wait", *CHILD), PASSES),
    # timeout has to hear of its child's end and of HUP, so it opens the one and catches the other.
    Launcher("timeout", ("timeout", "60", *CHILD), NOT_CHLD, USR1),
    Launcher("unshare", ("unshare", "--fork", "--pid", *CHILD), PASSES),
    # xargs takes USR1 and USR2 for itself (more or fewer jobs at a time).
    Launcher("xargs", ("xargs", "-a", "{dir}/word", *CHILD), PASSES, HUP, {"word": "x"}),
    Launcher("gdb", (*GDB, *CHILD), PASSES),
    Launcher("strace", ("strace", "-f", "-o", "/dev/null", *CHILD), PASSES),
    Launcher("sudo", ("sudo", "-n", *CHILD), CLEARS),
    Launcher("tmux", (*TMUX, *CHILD), PASSES, frozenset({SIGTTIN, SIGTTOU})),
    Launcher("dumb-init", ("dumb-init", *CHILD), CLEARS, NOTHING),
    # tini itself is open for all signals, and gives its child the mask that it was given.
    Launcher("tini", ("tini", "-s", "--", *CHILD), PASSES),
    Launcher("runsv", ("runsv", "{dir}/service"), NOT_CHLD - {SIGTERM}, files=SERVICE),
    Launcher("s6-supervise", ("s6-supervise", "{dir}/service"), CLEARS, files=SERVICE),
    Launcher(
        "supervisord",
        ("supervisord", "-n", "-c", "{dir}/configuration"),
        PASSES,
        USR1 | PYTHON,
        {"configuration": SUPERVISORD},
    ),
)
# dash opens its own mask; who calls exec is replaced, and its parent is the harness.
SAY_IT_BY_THEIR_OWN_MASK = {"dash", "keeper"}
NEEDS_ROOT = {"runuser", "sudo", "unshare"}


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=lambda launcher: launcher.name)
def test_what_a_child_is_born_with(launcher: Launcher) -> None:
    if launcher.name in NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip(f"{launcher.name} needs root: sudo scripts/test")
    child = birth(launcher.command, files=launcher.files)
    assert child.blocked - INTERNAL == launcher.blocked
    assert child.ignored - INTERNAL == launcher.ignored
    opened = {int(signal) for signal in habit(child.parent).opens}
    assert not child.blocked & opened, "the catalogue says that this parent opens them"
    if child.parent not in SAY_IT_BY_THEIR_OWN_MASK:
        assert child.blocked - INTERNAL == BLOCKED - opened, "the catalogue lacks this parent"


def test_nothing_is_laundered_where_there_is_nothing() -> None:
    """The opposite of the experiment: the harness itself adds no signal to either set."""
    child = birth(("env", *CHILD), blocked=(), ignored=())
    assert child.blocked == child.ignored == set()
