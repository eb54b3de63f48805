"""Gunicorn: TERM is the graceful one. Tried: tests/daemons/test_gunicorn_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import IN_FLIGHT, on
from sigscope.model.catalog import Program, Taken

_MANUAL = "Gunicorn, Signal Handling"
_LIMIT = "graceful_timeout"
_SLOW = f"requests that take longer than {_LIMIT}"
_ITS_OWN = "the requests that it serves"

_MASTER = (
    on(
        "TERM",
        f"shuts down gracefully: its workers finish within {_LIMIT}, and are killed then",
        _MANUAL,
        loses=_SLOW,
        also=_LIMIT,
    ),
    on("INT QUIT", "shuts down quickly: its workers end at once", _MANUAL, loses=IN_FLIGHT),
    on(
        "HUP",
        "reads its configuration, starts new workers, and lets the old ones finish",
        _MANUAL,
        loses=_SLOW,
        also=_LIMIT,
    ),
    on("USR1", "reopens its log files", _MANUAL),
    on(
        "USR2",
        "starts a second master beside itself, with the same listening sockets; the old one goes on"
        " until it gets SIGTERM",
        _MANUAL,
    ),
    on("TTIN", "starts one worker more", _MANUAL),
    on("TTOU", "ends one worker gracefully, but the last one stays", _MANUAL),
    on("WINCH", "lets its workers finish and end if it runs as a daemon; else nothing", _MANUAL),
    on(
        "KILL",
        "ends alone: its workers answer what they have, see that their parent is gone, and end",
        "gunicorn/workers/sync.py, is_parent_alive()",
        taken=Taken.ANY,
    ),
)

_WORKER = (
    on("TERM", "finishes its request, then ends; the master starts another", _MANUAL),
    on("INT QUIT", "ends at once; the master starts another", _MANUAL, loses=_ITS_OWN),
    on("USR1", "reopens its log files", _MANUAL),
    on(
        "HUP USR2 KILL",
        "is killed: a worker has no handler for it; the master starts another",
        "gunicorn/workers/base.py, init_signals()",
        loses=_ITS_OWN,
        taken=Taken.DEFAULT,
    ),
)

_NAME = r"gunicorn.*"

PROGRAMS = (
    Program("Gunicorn", "worker", _NAME, _WORKER, below=True),
    Program("Gunicorn", "master", _NAME, _MASTER, below=False),
)
