"""PHP-FPM. What it calls graceful is so only with a process_control_timeout.

Tried: tests/daemons/test_php_fpm_signals.py.
"""

from __future__ import annotations

from sigscope.analysis.catalog.entry import IN_FLIGHT, is_off, is_on, on
from sigscope.model.catalog import Elsewhere, Program, Taken

_MANUAL = "php-fpm(8), SIGNAL"
_CONTROL = "sapi/fpm/fpm/fpm_process_ctl.c, fpm_pctl_action_next()"
_CHILD = "sapi/fpm/fpm/fpm_signals.c, fpm_signals_init_child()"
_TIMEOUT = "process_control_timeout"
_SLOW = f"requests that take longer than {_TIMEOUT}; a sleep() ends early"

_MASTER = (
    on(
        "TERM INT",
        "ends at once: its workers get SIGTERM, which kills them, and then SIGKILL",
        _MANUAL,
        loses=IN_FLIGHT,
    ),
    on(
        "QUIT",
        "ends gracefully: its workers get SIGQUIT and finish their requests; who has not ended"
        f" within {_TIMEOUT} gets SIGTERM, and SIGKILL a second later",
        _CONTROL,
        when=is_on(_TIMEOUT),
        loses=_SLOW,
    ),
    on(
        "QUIT",
        "is meant to end gracefully, but its workers get SIGTERM right after SIGQUIT",
        _CONTROL,
        when=is_off(_TIMEOUT),
        loses=IN_FLIGHT,
    ),
    on(
        "USR2 HUP",
        "reloads: its workers get SIGQUIT and finish their requests, then it executes itself anew"
        f" under the same pid; who has not ended within {_TIMEOUT} gets SIGTERM",
        _CONTROL,
        when=is_on(_TIMEOUT),
        loses=_SLOW,
    ),
    on(
        "USR2 HUP",
        "reloads: its workers get SIGTERM right after SIGQUIT, then it executes itself anew under"
        " the same pid",
        _CONTROL,
        when=is_off(_TIMEOUT),
        loses=IN_FLIGHT,
    ),
    on("USR1", "reopens its log files; the workers get nothing", _MANUAL),
    on(
        "KILL",
        "ends alone: its workers live on as orphans, serve on and hold the port, and nobody starts"
        " new ones; a new master cannot bind it",
        "signal(7); seen with PHP-FPM 8.2",
        taken=Taken.ANY,
    ),
)

_WORKER = (
    on("QUIT", "finishes its request, then ends; the master starts another", _CHILD),
    on(
        "TERM INT USR1 USR2 HUP KILL",
        "ends at once: only SIGQUIT is handled in a worker; the master starts another",
        _CHILD,
        loses="the request that it serves",
        taken=Taken.ANY,
    ),
    on(
        "PROF",
        "max_execution_time has run out, and the script ends with a fatal error; it is an"
        " ITIMER_PROF, which counts CPU time: what a script waits for (a socket, a database, a"
        " sleep) does not count, so while it waits the limit never fires",
        "Zend/zend_execute_API.c, zend_set_timeout_ex(); main/main.c, php_request_startup()",
        loses="the request that it serves",
    ),
)

_LIMITS = (
    Elsewhere(
        "request_terminate_timeout",
        "the master, by a clock of its own, which counts all the time that a request takes: then"
        " it sends SIGTERM, which ends the worker at once, somewhat late (it looks three times"
        " within the limit)",
        "sapi/fpm/fpm/fpm_request.c, fpm_request_check_timed_out()",
    ),
)

PROGRAMS = (
    Program("PHP-FPM", "master", r"php-fpm[\d.]*", _MASTER, title=r"^php-fpm: master process"),
    Program(
        "PHP-FPM",
        "worker",
        r"php-fpm[\d.]*",
        _WORKER,
        title=r"^php-fpm: pool ",
        elsewhere=_LIMITS,
    ),
)
