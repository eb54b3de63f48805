"""Redis and Valkey, memcached, MariaDB and MySQL. Tried: tests/daemons/test_stores_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import is_off, is_on, on
from sigscope.model.catalog import Program, Taken

_REDIS = "Redis, Redis signal handling"
_MEMCACHED = "memcached.c"
_MYSQL = (
    "MySQL 8.0 Reference Manual, 6.10 Unix Signal Handling in MySQL; MariaDB, signal_hand() of"
    " sql/mysqld.cc"
)
_SESSIONS = "all connections and their open transactions"

_REDIS_SERVER = (
    on(
        "TERM INT",
        "shuts down in order: it waits up to shutdown-timeout for its replicas, saves its data to"
        " disk, disconnects its clients, and ends; it goes on if the save fails",
        _REDIS,
        when=is_on("save", "it has save points"),
        also="shutdown-timeout",
    ),
    on(
        "TERM INT",
        "shuts down in order, but saves no snapshot: it has no save points. What the append-only"
        " file has, if it is on, is synchronized",
        _REDIS,
        when=is_off("save", "it has no save points"),
        loses="all data that is not in an append-only file",
        also="appendonly shutdown-timeout",
    ),
    on("HUP", "takes no notice", "src/server.c, initServer()", taken=Taken.IGNORED),
    on(
        "KILL",
        "ends at once, and saves nothing",
        "Redis, Persistence",
        loses="what was written since the last save or synchronization of the append-only file",
        taken=Taken.ANY,
    ),
)

_CACHE = (
    on("TERM INT", "ends at once; what it holds is in memory only", _MEMCACHED, loses="the cache"),
    on(
        "USR1",
        "ends in order: it finishes what runs, and keeps its memory for a restart if it was"
        " started with -e",
        _MEMCACHED,
        loses="the cache, without -e",
    ),
)

_SQL = (
    on(
        "TERM",
        "shuts down in order: it disconnects everybody and rolls open transactions back",
        _MYSQL,
        loses=_SESSIONS,
        taken=Taken.ANY,
    ),
    on(
        "HUP",
        "reloads the grant tables, flushes tables, logs and caches; MariaDB, and MySQL before"
        " 8.0.20, log their state as well",
        _MYSQL,
        taken=Taken.ANY,
    ),
    on(
        "KILL",
        "ends at once; the next start has to recover",
        "signal(7)",
        loses=_SESSIONS,
        taken=Taken.ANY,
    ),
)

PROGRAMS = (
    Program("Redis", "", r"(redis|valkey)-server", _REDIS_SERVER),
    Program("memcached", "", "memcached", _CACHE),
    Program("MariaDB or MySQL", "", r"mariadbd|mysqld", _SQL),
)
