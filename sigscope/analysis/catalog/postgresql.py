"""PostgreSQL: smart, fast, immediate. Tried: tests/daemons/test_postgresql_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import on
from sigscope.model.catalog import Program, Taken

_MANUAL = "PostgreSQL, Shutting Down the Server"
_PAGE = "postgres(1), NOTES"
_CRASH = (
    "the postmaster takes it for a crash: it ends all other sessions, too, and recovers from the"
    " write-ahead log"
)
_ALL = "all sessions and their open transactions"

_POSTMASTER = (
    on(
        "TERM",
        "shuts down smartly: it lets nobody in any more, and waits until the last session ends by"
        " itself, for as long as that takes",
        _MANUAL,
    ),
    on(
        "INT",
        "shuts down fast: it aborts all transactions, disconnects everybody, and ends cleanly",
        _MANUAL,
        loses=_ALL,
    ),
    on(
        "QUIT",
        "shuts down immediately, not cleanly: the next start recovers from the write-ahead log",
        _MANUAL,
        loses=_ALL,
    ),
    on("HUP", "reads its configuration files anew, and tells its processes to", _PAGE),
    on(
        "KILL",
        "ends alone, and frees neither shared memory nor semaphores; its processes end when they"
        " see that it is gone, and the next start has to recover",
        _PAGE,
        loses=_ALL,
        taken=Taken.ANY,
    ),
)

_SESSION = (
    on("INT", "cancels the query that runs; the session goes on", _PAGE, loses="the query"),
    on(
        "TERM",
        "ends this session cleanly, and rolls its transaction back",
        _PAGE,
        loses="the session and its open transaction",
    ),
    on("HUP", "reads the configuration files anew", _PAGE),
    on("QUIT", f"ends without cleaning up: {_CRASH}", _PAGE, loses=_ALL),
    on("KILL", f"ends at once: {_CRASH}", _PAGE, loses=_ALL, taken=Taken.ANY),
)

_AUXILIARY = (
    on("KILL", f"ends at once: {_CRASH}", _PAGE, loses=_ALL, taken=Taken.ANY),
    on("HUP", "reads the configuration files anew", _PAGE),
)

_OWN = (
    r"^postgres: (?:[^ ]*: )?(checkpointer|background writer|walwriter|autovacuum"
    r"|logical replication|archiver|startup|logger|stats collector|walreceiver|io worker|slotsync)"
)

PROGRAMS = (
    Program("PostgreSQL", "auxiliary process", "postgres", _AUXILIARY, title=_OWN),
    Program("PostgreSQL", "session", "postgres", _SESSION, title=r"^postgres: "),
    Program("PostgreSQL", "postmaster", r"postgres|postmaster", _POSTMASTER),
)
