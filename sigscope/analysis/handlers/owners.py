"""The handlers that a language's runtime or a library installs, and what becomes of the signal.

A program's own code runs later, elsewhere, or not at all: it is not what the kernel calls.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sigscope.model.handler import Handler, Owner
from sigscope.model.location import Location


class Owned(NamedTuple):
    """Functions whose plain names match, in files whose names (or paths) match, for these signals.

    An empty pattern fits everything; ``signals`` are names.
    """

    function: str
    module: str
    owner: Owner
    signals: tuple[str, ...] = ()


_PYTHON = r"(python|libpython)\d?.*"
_GO = r"runtime\.(sigtramp|cgoSigtramp|sigtrampgo)"
_GLIBC = r"libc\.so\.6.*|libc-2\..*|libpthread\.so\.0.*|libpthread-2\..*"
_MUSL = r"ld-musl-.*|libc\.musl-.*|/.*-linux-musl.*/libc\.so"


def _owned(name: str, function: str, module: str, does: str, source: str, *signals: str) -> Owned:
    return Owned(function, module, Owner(name, does, source), signals)


OWNED: tuple[Owned, ...] = (
    _owned("CPython", "signal_handler|trip_signal", _PYTHON,
           "it sets a flag; Python then raises KeyboardInterrupt, or calls what the program"
           " registered, in the main thread and between two bytecodes",
           "CPython, Modules/signalmodule.c", "SIGINT"),
    _owned("CPython", "signal_handler|trip_signal", _PYTHON,
           "it sets a flag; what the program registered with signal.signal() is called later, in"
           " the main thread and between two bytecodes",
           "CPython, Modules/signalmodule.c"),
    _owned("CPython's faulthandler", "faulthandler_.*", _PYTHON,
           "it writes the Python traceback to a file", "CPython, Modules/faulthandler.c"),
    _owned("the Go runtime", _GO, "",
           "the runtime takes every signal; it passes on what the program asked for with"
           " signal.Notify, and does what Go does by default with the rest",
           "Go, src/runtime/signal_unix.go, sighandler()"),
    _owned("HotSpot", "UserHandler", r"libjvm\.so",
           "it wakes the thread that dispatches signals: QUIT prints the stacks of all threads,"
           " others run what is registered, such as the shutdown hooks",
           "OpenJDK, src/hotspot/os/posix/signals_posix.cpp"),
    _owned("HotSpot", "SR_handler", r"libjvm\.so",
           "it holds a thread while the JVM looks at it, and lets it go",
           "OpenJDK, src/hotspot/os/posix/signals_posix.cpp"),
    _owned("HotSpot", "", r"libjvm\.so",
           "it is let pass: the call that raised it fails instead",
           "OpenJDK, src/hotspot/os/posix/signals_posix.cpp", "SIGPIPE", "SIGXFSZ"),
    _owned("HotSpot", "", r"libjvm\.so",
           "the JVM uses faults for its own checks; what is none of them ends it with a report",
           "OpenJDK, src/hotspot/os/posix/signals_posix.cpp"),
    _owned("libuv", "uv__signal_handler", "",
           "it writes to a pipe; the program's listener is called later, in the event loop",
           "libuv, src/unix/signal.c"),
    _owned("libevent", "evsig_handler", "",
           "it writes to a pair of sockets; the program's callback runs later, in the event loop",
           "libevent, signal.c"),
    _owned("Perl", r"Perl_(c?sighandler)\d?", "",
           "the program's %SIG handler is called later, between two operations",
           "perlipc(1), Deferred Signals (Safe Signals)"),
    _owned("Ruby", "", r"(lib)?ruby[-\d.].*|ruby",
           "it sets a flag; what the program gave to trap, or an exception, comes later, in the"
           " main thread", "Ruby, signal.c",
           "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGTERM"),
    _owned("Node.js", "node::SignalExit", "",
           "it puts the terminal back in order, and sends the signal once more: that ends it",
           "Node.js, src/node.cc"),
    _owned("Node.js", "node::inspector::.*StartIoThreadWakeup", "",
           "it starts the debugger", "Node.js, src/inspector_agent.cc"),
    _owned("Node.js", "node::TrapWebAssemblyOrContinue", "",
           "WebAssembly's own faults; any other ends it", "Node.js, src/node.cc"),
    _owned("PHP", "zend_signal_handler_defer", "",
           "it calls the handler behind it, at once or when the engine's data is consistent again",
           "php-src, Zend/zend_signal.c"),
    _owned("PHP", "zend_timeout_handler", "",
           "max_execution_time is over: the script ends",
           "php-src, Zend/zend_execute_API.c"),
    _owned("PHP-FPM", "sig_handler", "php-fpm.*",
           "it writes a letter to a pipe; the master's event loop does the rest",
           "php-src, sapi/fpm/fpm/fpm_signals.c"),
    _owned("PHP-FPM", "sig_soft_quit", "php-fpm.*",
           "it closes the listening socket: the worker ends after the request that it serves",
           "php-src, sapi/fpm/fpm/fpm_signals.c"),
    _owned("nginx", "ngx_signal_handler", "",
           "it sets a flag on which the event loop acts", "nginx, src/os/unix/ngx_process.c"),
    _owned("glibc", "sigcancel_handler", "",
           "pthread_cancel() ends a thread with it", "glibc, nptl/pthread_cancel.c"),
    _owned("glibc", "__nptl_setxid_sighandler|sighandler_setxid", "",
           "setuid() and its kin change the ids of every thread with it",
           "glibc, nptl/nptl_setxid.c"),
    _owned("glibc", "", _GLIBC,
           "glibc's own, for its threads and timers", "glibc, nptl", "SIGCANCEL", "SIGSETXID"),
    _owned("musl", "cancel_handler", "",
           "pthread_cancel() ends a thread with it", "musl, src/thread/pthread_cancel.c",
           "SIGSETXID"),
    _owned("musl", "", _MUSL,
           "musl's own, for its threads", "musl, src/thread", "SIGCANCEL", "SIGSETXID", "SIGRTMIN"),
)  # fmt: skip


def owner(handler: Handler) -> Owner | None:
    """Whose handler it is, if it is a runtime's or a library's; None for a program's own."""
    place = handler.location
    if place is None:
        return None
    function = handler.derived.function if handler.derived else place.function
    plain = _plain(function)
    for one in OWNED:
        if one.signals and handler.signal.name not in one.signals:
            continue
        if one.module and not _fits(one.module, place):
            continue
        if not one.function or re.fullmatch(one.function, plain):
            return one.owner
    return None


def _fits(pattern: str, place: Location) -> bool:
    """Does it match the name of the file, or its whole path?"""
    return any(re.fullmatch(pattern, text) for text in (place.module_name, place.module))


def _plain(function: str) -> str:
    """Without the parameters of C++: "node::SignalExit(int, siginfo_t*, void*)"."""
    return re.sub(r"(?<=\w)\(.*\)$", "", function)
