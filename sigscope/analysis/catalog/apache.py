"""Apache httpd, its parent process. Tried: tests/daemons/test_apache_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import IN_FLIGHT, is_off, is_on, on
from sigscope.model.catalog import Program, Taken

_MANUAL = "Apache HTTP Server, Stopping and Restarting"
_LIMIT = "GracefulShutdownTimeout"

_PARENT = (
    on("TERM INT", "stops now: it kills its children, and ends", _MANUAL, loses=IN_FLIGHT),
    on(
        "HUP",
        "restarts now: it kills its children, reads its configuration and logs anew, and starts"
        " new children under the same parent",
        _MANUAL,
        loses=IN_FLIGHT,
    ),
    on(
        "USR1",
        "restarts gracefully: it reads its configuration anew, and each child finishes its request"
        " before it is replaced",
        _MANUAL,
    ),
    on(
        "WINCH",
        "stops gracefully: it listens no more, and ends when all requests are answered",
        _MANUAL,
        when=is_off(_LIMIT),
    ),
    on(
        "WINCH",
        f"stops gracefully: it listens no more, and some seconds after {_LIMIT} (9 were seen) it"
        " ends those that are left",
        _MANUAL,
        when=is_on(_LIMIT),
        loses=f"requests that take longer than {_LIMIT}",
    ),
    on(
        "QUIT KILL",
        "ends alone, without a handler: its children live on as orphans, and hold the port",
        "server/mpm_unix.c (no handler); seen with Apache 2.4",
        taken=Taken.DEFAULT,
    ),
)

PROGRAMS = (
    Program("Apache", "parent", r"apache2|httpd", _PARENT, below=False),
    Program("Apache", "child", r"apache2|httpd", (), below=True),
)
