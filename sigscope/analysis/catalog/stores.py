"""Redis and Valkey, memcached, MariaDB and MySQL.

Tried: tests/daemons/test_stores_signals.py, tests/daemons/test_mariadb_signals.py.
"""

from __future__ import annotations

from sigscope.analysis.catalog.entry import is_off, is_on, on
from sigscope.model.catalog import Program, Taken

_REDIS = "Redis, Redis signal handling"
_MEMCACHED = "memcached.c"
_MARIADB = "MariaDB, init_signals() and signal_hand() of sql/mysqld.cc"
_MYSQL = "MySQL 8.0 Reference Manual, 6.10 Unix Signal Handling in MySQL"
_MYSQL_SOURCE = "MySQL 8.0, signal_hand() of sql/mysqld.cc"
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

_SQL_KILL = on(
    "KILL",
    "ends at once; the next start has to recover",
    "signal(7)",
    loses=_SESSIONS,
    taken=Taken.ANY,
)
_SHUTS_DOWN = "shuts down in order: it disconnects everybody and rolls open transactions back"

_MARIADB_SERVER = (
    on("TERM QUIT", _SHUTS_DOWN, _MARIADB, loses=_SESSIONS, taken=Taken.ANY),
    on(
        "HUP",
        "writes its state to its output, reloads the grant tables, flushes tables and the caches"
        " of threads and hosts, and reopens its logs; connections go on",
        _MARIADB,
        taken=Taken.ANY,
    ),
    on(
        "INT",
        "takes no notice (unless it runs with --debug-gdb): all its threads block it, and it stays"
        " pending",
        _MARIADB,
        taken=Taken.ANY,
    ),
    on(
        "USR1",
        "takes no notice: it is for its own threads",
        "MariaDB, init_thr_alarm() of mysys/thr_alarm.c",
    ),
    _SQL_KILL,
)

_MYSQL_SERVER = (
    on("TERM QUIT", _SHUTS_DOWN, f"{_MYSQL}; {_MYSQL_SOURCE}", loses=_SESSIONS, taken=Taken.ANY),
    on(
        "USR2",
        "shuts down in order, with an exit status that asks its supervisor to start it again",
        _MYSQL_SOURCE,
        loses=_SESSIONS,
        taken=Taken.ANY,
    ),
    on(
        "HUP",
        "reloads the grant tables, flushes tables, logs and the caches of threads and hosts;"
        " before 8.0.20 it writes its state as well",
        _MYSQL,
        taken=Taken.ANY,
    ),
    on(
        "USR1",
        "reopens its error log, general query log and slow query log (from MySQL 8.0.19 on)",
        _MYSQL,
        taken=Taken.DEFAULT,  # by sigwait
    ),
    on(
        "USR1",
        "takes no notice: it is for its own threads (before MySQL 8.0.19, and in MariaDB)",
        "MySQL 5.7, my_init_signals() of sql/mysqld.cc",
    ),
    on("INT", "takes no notice, unless it runs with --gdb", _MYSQL, taken=Taken.ANY),
    _SQL_KILL,
)

PROGRAMS = (
    Program("Redis", "", r"(redis|valkey)-server", _REDIS_SERVER),
    Program("memcached", "", "memcached", _CACHE),
    # Started as mysqld, MariaDB is told by its executable.
    Program("MariaDB", "", "mariadbd", _MARIADB_SERVER),
    Program("MySQL", "", "mysqld", _MYSQL_SERVER),
)
