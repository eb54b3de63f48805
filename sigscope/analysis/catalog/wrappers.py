"""Those that stand between a signal and the program that it is meant for.

Tried: tests/daemons/test_wrappers_signals.py.
"""

from __future__ import annotations

from sigscope.analysis.catalog.entry import on
from sigscope.model.catalog import Program, Taken

_BASH = "bash(1), SIGNALS"
_SH = "sh(1posix), trap; dash(1)"
_TINI = "tini, README"
_DUMB_INIT = "dumb-init(1)"
_ORPHAN = "ends alone, and passes nothing on: what it has started lives on"
_TRAP = "runs its trap, but only once the command that it waits for has ended; passes nothing on"

_SHELL = (
    on("TERM HUP USR1 USR2 ALRM", _TRAP, _BASH),
    on("TERM HUP USR1 USR2 KILL", _ORPHAN, _BASH, taken=Taken.DEFAULT),
    on(
        "TERM",
        "takes no notice: an interactive shell ignores it, or it was started so",
        _BASH,
        taken=Taken.IGNORED,
    ),
    on(
        "INT",
        "waits for the command that runs, and ends if that dies of SIGINT; passes nothing on (the"
        " terminal sends it to the whole group)",
        _BASH,
    ),
)

_POSIX_SHELL = (
    on("TERM HUP USR1 USR2 ALRM", _TRAP, _SH),
    on("TERM HUP USR1 USR2 KILL", _ORPHAN, _SH, taken=Taken.DEFAULT),
)

_TINY_INIT = (
    on(
        "TERM INT HUP QUIT USR1 USR2 WINCH ALRM PIPE CONT",
        "passes it on to its child (with -g to the child's process group), and ends when that ends",
        _TINI,
        taken=Taken.ANY,
    ),
)

_DUMB = (
    on(
        "TERM INT HUP QUIT USR1 USR2 WINCH ALRM PIPE CONT",
        "passes it on to all processes of its child's session (with --single-child to the child"
        " alone), or what --rewrite makes of it",
        _DUMB_INIT,
        taken=Taken.ANY,
    ),
    on(
        "TSTP TTIN TTOU",
        "passes SIGSTOP on instead, and stops itself too, if its child has a session of its own",
        _DUMB_INIT,
        taken=Taken.ANY,
    ),
)

PROGRAMS = (
    Program("bash", "", r"bash|rbash", _SHELL),
    Program("sh", "", r"sh|dash|busybox|ash", _POSIX_SHELL),
    Program("tini", "", r"tini|tini-static|docker-init", _TINY_INIT),
    Program("dumb-init", "", "dumb-init", _DUMB),
)
