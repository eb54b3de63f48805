"""HAProxy, alone or as master and workers. Tried: tests/daemons/test_haproxy_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import is_off, is_on, on
from sigscope.model.catalog import Documented, Program, Taken

_GUIDE = "HAProxy Management Guide, Stopping and restarting HAProxy"
_MANUAL = "haproxy(1), SIGNALS"
_SIGNALS = "src/haproxy.c, main() of HAProxy 2.6, step_init_3() of 3"
_PASSES_ON = "src/mworker.c, mworker_catch_sigterm() and mworker_catch_sigchld()"
_RELOAD = (
    "src/mworker.c, mworker_catch_sighup(); reexec_on_failure() of src/haproxy.c in HAProxy 2.6,"
    " mworker_on_new_child_failure() in 3"
)
_UNBLOCK = "mworker_loop() of src/haproxy.c in HAProxy 2.6, mworker_unblock_signals() in 3"
_CUT = "all established connections"
_MASTER = is_on("master-worker", "it runs in master-worker mode")
_ALONE = is_off("master-worker", "it does not run in master-worker mode")
_LIMIT = "hard-stop-after"


def _stop(who: str, source: str) -> tuple[Documented, ...]:
    """Hard and soft stop; ``who`` ends besides, or before."""
    return (
        on("TERM INT", f"stops at once{who}", source, loses=_CUT, taken=Taken.ANY),
        on(
            "USR1",
            "stops softly: it listens no more, and ends when the last connection is closed" + who,
            source,
            when=is_off(_LIMIT, f"{_LIMIT} is not set"),
        ),
        on(
            "USR1",
            f"stops softly: it listens no more, and after {_LIMIT} closes what is left{who}",
            source,
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
        _SIGNALS,
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
        " workers, and tells the old ones to stop softly; with a wrong configuration the old ones"
        " go on",
        f"{_GUIDE}; {_RELOAD}",
        when=_MASTER,
    ),
    on("QUIT", "takes no notice", _UNBLOCK, when=_MASTER, taken=Taken.IGNORED),
    on(
        "KILL",
        "ends, and its workers end with it: they see that it is gone",
        "src/mworker.c, mworker_accept_wrapper()",
        when=_MASTER,
        loses=_CUT,
        taken=Taken.ANY,
    ),
)

_WORKER = (
    *_stop("; its master ends after its last worker", f"{_GUIDE}; {_PASSES_ON}"),
    *_PAUSE,
    on("HUP", "writes the state of all proxies and servers to its log", _MANUAL),
    on("QUIT", "writes what it knows of its memory pools to standard error", _MANUAL),
    on("USR2", "takes no notice: it is for the master", _SIGNALS, taken=Taken.IGNORED),
    on(
        "KILL",
        "ends; its master does not start another, but stops all other workers at once and ends"
        " (not with master-worker no-exit-on-failure)",
        _PASSES_ON,
        loses=_CUT,
        taken=Taken.ANY,
    ),
)

_FIRST = "; a master passes it on to all its workers, those before a reload as well, and ends last"
_MAIN = _stop(_FIRST, f"{_GUIDE}; {_PASSES_ON}") + _SINGLE + _PAUSE + _AS_MASTER

PROGRAMS = (
    Program("HAProxy", "worker", "haproxy", _WORKER, below=True),
    Program("HAProxy", "", "haproxy", _MAIN, below=False),
)
