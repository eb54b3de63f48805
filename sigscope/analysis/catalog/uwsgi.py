"""uWSGI: SIGTERM reloads, unless die-on-term. Tried: tests/daemons/test_uwsgi_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import IN_FLIGHT, is_off, is_on, on
from sigscope.model.catalog import Program, Taken
from sigscope.model.signals import SignalSet

_MANUAL = "uWSGI, Managing the uWSGI server, Signals for controlling uWSGI"
_SOURCE = "core/master.c, master_loop()"
_DIES = is_on("die-on-term", "die-on-term is set")
_RELOADS = is_off("die-on-term", "die-on-term is not set")
_RELOAD = "reloads brutally: it kills its workers, and executes itself anew under the same pid"
_END = "ends at once, with all its workers"
_ORPHANS = "its workers live on as orphans, serve on and hold the port (unless --no-orphans)"

_MASTER = (
    on("TERM", f"does not end: it {_RELOAD}", _MANUAL, when=_RELOADS, loses=IN_FLIGHT),
    on("TERM", _END, _MANUAL, when=_DIES, loses=IN_FLIGHT),
    on("QUIT", _END, _MANUAL, when=_RELOADS, loses=IN_FLIGHT),
    on(
        "QUIT",
        f"{_RELOAD}: die-on-term changes the two signals over",
        _SOURCE,
        when=_DIES,
        loses=IN_FLIGHT,
    ),
    on("INT", _END, _MANUAL, loses=IN_FLIGHT),
    on(
        "HUP",
        "reloads gracefully: its workers finish their requests, then it executes itself anew under"
        " the same pid",
        _MANUAL,
        loses="requests that take longer than --worker-reload-mercy (60 s unless set)",
    ),
    on("USR1", "writes its statistics to its log", _MANUAL),
    on(
        "USR2",
        f"has no handler in the master, which it ends: {_ORPHANS}",
        f"{_SOURCE} (no handler); seen with uWSGI 2.0.21",
        taken=Taken.DEFAULT,
    ),
    on(
        "TSTP",
        "pauses: requests in flight are answered, new ones wait until the next SIGTSTP",
        _MANUAL,
    ),
    on("KILL", f"ends alone: {_ORPHANS}", "signal(7); seen with uWSGI 2.0.21", taken=Taken.ANY),
)

_WORKER = (
    on(
        "TERM INT",
        "ends at once; a master starts another",
        "core/uwsgi.c, end_me()",
        loses="the requests that it serves",
    ),
    on(
        "QUIT KILL",
        "is killed: a worker has no handler for it; a master starts another",
        "signal(7); seen with uWSGI 2.0.21",
        loses="the requests that it serves",
        taken=Taken.DEFAULT,
    ),
    on(
        "HUP",
        "finishes its request, then ends; a master starts another",
        "core/uwsgi.c, gracefully_kill()",
    ),
    on("USR1", "writes its statistics to its log", _MANUAL),
    on("USR2", "writes to its log what it is doing", _MANUAL),
    on("TSTP", "pauses until the next SIGTSTP", _MANUAL),
)

PROGRAMS = (
    Program("uWSGI", "master", r"uwsgi.*", _MASTER, below=False, catches=SignalSet.of("SIGQUIT")),
    Program("uWSGI", "worker", r"uwsgi.*", _WORKER),
)
