"""HAProxy, alone or as master and workers. Tried: tests/daemons/test_haproxy_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import is_off, is_on, on
from sigscope.model.catalog import Program, Taken

_GUIDE = "HAProxy Management Guide, Stopping and restarting HAProxy"
_MANUAL = "haproxy(1), SIGNALS"
_MASTER_SOURCE = "src/mworker.c"
_CUT = "all established connections"
_MASTER = is_on("master-worker", "it runs in master-worker mode")
_ALONE = is_off("master-worker", "it does not run in master-worker mode")
_LIMIT = "hard-stop-after"

_STOP = (
    on("TERM INT", "stops at once", _GUIDE, loses=_CUT, taken=Taken.ANY),
    on(
        "USR1",
        "stops softly: it listens no more, and ends when the last connection is closed",
        _GUIDE,
        when=is_off(_LIMIT, f"{_LIMIT} is not set"),
    ),
    on(
        "USR1",
        f"stops softly: it listens no more, and after {_LIMIT} closes what is left",
        _GUIDE,
        when=is_on(_LIMIT, f"{_LIMIT} is set"),
        loses=f"connections that last longer than {_LIMIT}",
    ),
)

_SINGLE = (
    on("HUP", "writes the state of all proxies and servers to its log", _MANUAL, when=_ALONE),
    on("QUIT", "writes what it knows of its memory pools to standard error", _MANUAL, when=_ALONE),
    on(
        "USR2",
        "takes no notice: only a master reloads",
        "src/haproxy.c",
        when=_ALONE,
        taken=Taken.IGNORED,
    ),
)

_PAUSE = (
    on("TTOU", "listens no more until SIGTTIN; connections go on", _MANUAL),
    on("TTIN", "listens again after SIGTTOU", _MANUAL),
)

_AS_MASTER = (
    on(
        "USR2 HUP",
        "reloads: it executes itself anew under the same pid, reads its configuration, starts new"
        " workers, and tells the old ones to stop softly",
        f"{_GUIDE}; {_MASTER_SOURCE}",
        when=_MASTER,
    ),
    on("QUIT", "takes no notice", _MASTER_SOURCE, when=_MASTER, taken=Taken.IGNORED),
    on(
        "KILL",
        "ends, and its workers end with it: they see that it is gone",
        "seen with HAProxy 2.6",
        when=_MASTER,
        loses=_CUT,
        taken=Taken.ANY,
    ),
)

_WORKER = (
    *_STOP,
    on("HUP", "writes the state of all proxies and servers to its log", _MANUAL),
    on("QUIT", "writes what it knows of its memory pools to standard error", _MANUAL),
    on("USR2", "takes no notice: it is for the master", "src/haproxy.c", taken=Taken.IGNORED),
)

PROGRAMS = (
    Program("HAProxy", "worker", "haproxy", _WORKER, below=True),
    Program("HAProxy", "", "haproxy", _STOP + _SINGLE + _PAUSE + _AS_MASTER, below=False),
)
