"""Handlers of programs whose distributions strip their names, known again by their code.

Each entry is data: the function, in which files it is looked for, what its code must refer to, and
the source file in which that can be read. An entry is right only if nothing else in such
a file can fit; what fits no entry keeps no name. What was found so is always
labelled as derived.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from sigscope.model.handler import Derived
from sigscope.model.location import Clues, Location
from sigscope.model.signals import Signal

Fits = Callable[[Clues, Signal], str]
"""Why it is that function, as a phrase; "" if it is not."""


class Known(NamedTuple):
    """A function, in files whose names match ``module`` as a whole."""

    function: str
    module: str
    fits: Fits
    source: str


def says(*texts: str) -> Fits:
    """Its code refers to one of these texts."""

    def fits(clues: Clues, _: Signal) -> str:
        found = next((text for text in texts if text in clues.text), "")
        return f'its code refers to the text "{found}"' if found else ""

    return fits


def calls(*names: str, uses: str = "", signal_name: str = "") -> Fits:
    """Its code calls all of these; ``uses`` a variable; it is the handler of this signal."""

    def fits(clues: Clues, signal: Signal) -> str:
        if not clues.calls.issuperset(names) or (uses and uses not in clues.uses):
            return ""
        if signal_name and signal.name != signal_name:
            return ""
        parts = [f"calls {' and '.join(names)}"] if names else []
        parts += [f"uses {uses}"] if uses else []
        return f"its code {' and '.join(parts)}" + (f", for {signal_name}" if signal_name else "")

    return fits


def only(signal_name: str = "") -> Fits:
    """Such a file has no other static function that handles (this) signal."""

    def fits(_: Clues, signal: Signal) -> str:
        if signal_name and signal.name != signal_name:
            return ""
        what = f" for {signal_name}" if signal_name else ""
        return f"that file has no other{what} whose name is not exported"

    return fits


def listed(clues: Clues, signal: Signal) -> str:
    """nginx's own table ``signals``: {number, name, command, handler}."""
    for row in clues.rows:
        if row[:2] == (int(signal), signal.name):
            return "nginx's own table of signals lists it"
    return ""


def lettered(clues: Clues, _: Signal) -> str:
    """fpm's table ``sig_chars``: the letter that stands for a signal, at its number."""
    letters = {2: b"I", 10: b"1", 12: b"2", 15: b"T", 17: b"C"}
    for data in map(bytes.fromhex, clues.data):
        if len(data) > 17 and all(
            data[number : number + 1] == one for number, one in letters.items()
        ):
            return "its code refers to fpm's table of letters for signals"
    return ""


_PHP = r"php.*|libphp.*\.so.*"
_POSTGRES = r"postgres(ql)?"
_PYTHON = r"python\d.*|libpython\d.*"
_GLIBC = r"libc\.so\.6.*|libc-2\..*|libpthread\.so\.0.*|libpthread-2\..*"
_POSTMASTER = "postgresql, src/backend/postmaster/postmaster.c"

KNOWN: tuple[Known, ...] = (
    Known("ngx_signal_handler", "nginx|angie|tengine|openresty", listed,
          "nginx, src/os/unix/ngx_process.c"),
    Known("sig_soft_quit", "php-fpm.*", says("sig_soft_quit", "failed to create a new socket"),
          "php-src, sapi/fpm/fpm/fpm_signals.c"),
    Known("sig_handler", "php-fpm.*", lettered, "php-src, sapi/fpm/fpm/fpm_signals.c"),
    Known("zend_timeout_handler", _PHP, calls(uses="zend_on_timeout"),
          "php-src, Zend/zend_execute_API.c"),
    Known("zend_signal_handler_defer", _PHP, calls("sigaction", "kill", uses="zend_signal_globals"),
          "php-src, Zend/zend_signal.c"),
    Known("sigShutdownHandler", "(redis|valkey|keydb).*",
          says("Received SIGTERM scheduling shutdown..."), "redis, src/server.c"),
    *(Known(name, _POSTGRES, says(name), _POSTMASTER)
      for name in ("SIGHUP_handler", "pmdie", "reaper", "sigusr1_handler")),
    Known("postmaster_death_handler", _POSTGRES, only("SIGPWR"),
          "postgresql, src/backend/storage/ipc/pmsignal.c"),
    Known("ReqCheckpointHandler", _POSTGRES, calls("SetLatch", signal_name="SIGINT"),
          "postgresql, src/backend/postmaster/checkpointer.c"),
    Known("handle_sig_alarm", _POSTGRES,
          calls("SetLatch", "GetCurrentTimestamp", signal_name="SIGALRM"),
          "postgresql, src/backend/utils/misc/timeout.c"),
    Known("signal_handler", _PYTHON, calls("_PyEval_SignalReceived"),
          "CPython, Modules/signalmodule.c"),
    Known("faulthandler_fatal_error", _PYTHON, calls("_Py_DumpTracebackThreads", "raise"),
          "CPython, Modules/faulthandler.c"),
    Known("uv__signal_handler", r"libuv\.so.*", only(), "libuv, src/unix/signal.c"),
    Known("evsig_handler", r"libevent(_core)?-.*\.so.*", only(), "libevent, signal.c"),
    Known("onsig", "dash", only(), "dash, src/trap.c"),
    Known("sigaction_handler", "lighttpd", only(), "lighttpd, src/server.c"),
    Known("sig_handler", "dnsmasq", only(), "dnsmasq, src/dnsmasq.c"),
    Known("sighup_handler", "memcached", only("SIGHUP"), "memcached, memcached.c"),
    Known("sig_handler", "memcached", only("SIGINT"), "memcached, memcached.c"),
    Known("sig_handler", "memcached", only("SIGTERM"), "memcached, memcached.c"),
    Known("sigcancel_handler", _GLIBC, only("SIGCANCEL"), "glibc, nptl/pthread_cancel.c"),
    Known("__nptl_setxid_sighandler", _GLIBC, only("SIGSETXID"), "glibc, nptl/nptl_setxid.c"),
)  # fmt: skip


def derive(location: Location, signal: Signal) -> Derived | None:
    """The function at a place that no table names, if it is known again."""
    if location.function or not location.module or location.into:
        return None
    clues = location.clues or Clues()
    name = location.module_name
    for known in KNOWN:
        if re.fullmatch(known.module, name) and (because := known.fits(clues, signal)):
            return Derived(known.function, because, known.source)
    return None
