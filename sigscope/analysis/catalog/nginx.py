"""nginx: fast with TERM, graceful with QUIT. Tried: tests/daemons/test_nginx_signals.py."""

from __future__ import annotations

from sigscope.analysis.catalog.entry import IN_FLIGHT, is_off, is_on, on
from sigscope.model.catalog import Program, Taken

_MANUAL = "nginx(8), SIGNALS"
_CONTROL = "nginx.org, Controlling nginx"
_HANDLER = "src/os/unix/ngx_process.c, ngx_signal_handler()"
_LIMIT = "worker_shutdown_timeout"
_LIMITED = is_on(_LIMIT)
_UNLIMITED = is_off(_LIMIT, f"{_LIMIT} is not set")
_DAEMON = is_on("daemon", "it runs as a daemon")
_NO_DAEMON = is_off("daemon", "it runs with daemon off")

_MASTER = (
    on(
        "TERM INT",
        "shuts down at once: the workers close all connections",
        _MANUAL,
        loses=IN_FLIGHT,
    ),
    on(
        "QUIT",
        "shuts down gracefully: it listens no more, and ends when all requests are answered",
        _CONTROL,
        when=_UNLIMITED,
    ),
    on(
        "QUIT",
        f"shuts down gracefully: it listens no more, and after {_LIMIT} closes what is still open",
        _CONTROL,
        when=_LIMITED,
        loses=f"requests that take longer than {_LIMIT}",
    ),
    on(
        "HUP",
        "reads its configuration, starts new workers, and lets the old ones finish; if the"
        " configuration is not valid, all stays as it is",
        _CONTROL,
        when=_UNLIMITED,
    ),
    on(
        "HUP",
        "reads its configuration, starts new workers, and lets the old ones finish within"
        f" {_LIMIT}; if the configuration is not valid, all stays as it is",
        _CONTROL,
        when=_LIMITED,
        loses=f"requests that take longer than {_LIMIT}",
    ),
    on("USR1", "reopens its log files", _MANUAL),
    on(
        "USR2",
        "starts its executable anew beside itself, with the same listening sockets; the old master"
        " goes on until it gets SIGQUIT",
        _CONTROL,
        when=_DAEMON,
    ),
    on("USR2 WINCH", "takes no notice", _HANDLER, when=_NO_DAEMON),
    on("WINCH", "lets its workers finish and end, and stays itself", _CONTROL, when=_DAEMON),
    on(
        "KILL",
        "ends alone: its workers live on as orphans, serve on and hold the port",
        "signal(7); seen with nginx 1.22",
        taken=Taken.ANY,
    ),
)

_WORKER = (
    on(
        "TERM INT",
        "shuts down at once; the master starts another",
        _MANUAL,
        loses="the requests that it serves",
    ),
    on("QUIT", "answers its requests, then ends; the master starts another", _MANUAL),
    on("USR1", "reopens the log files", _MANUAL),
    on("HUP USR2", "takes no notice: they are for the master", _HANDLER),
    on(
        "KILL",
        "ends at once; the master starts another",
        "signal(7); seen with nginx 1.22",
        loses="the requests that it serves",
        taken=Taken.ANY,
    ),
)

PROGRAMS = (
    Program("nginx", "master", "nginx", _MASTER, title=r"^nginx: master process"),
    Program("nginx", "worker", "nginx", _WORKER, title=r"^nginx: worker process"),
)
