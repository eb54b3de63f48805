"""Names that are derived, owners, and what flags mean: pure judgements on values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.analysis.handlers import handlers
from sigscope.analysis.handlers.derived import KNOWN, derive
from sigscope.analysis.handlers.meaning import meaning
from sigscope.analysis.handlers.owners import OWNED
from sigscope.model.depth import ProcessDepth
from sigscope.model.handler import Handler
from sigscope.model.location import STRIPPED, Clues, Location
from sigscope.model.sigaction import SigAction
from sigscope.model.signals import Signal, SignalSet
from tests.analysis.makers import process

TERM, CHLD, SEGV, INT, PIPE = (
    Signal.named(f"SIG{name}") for name in ("TERM", "CHLD", "SEGV", "INT", "PIPE")
)
CODE = 0x401000


def place(module: str, clues: Clues | None = None, function: str = "") -> Location:
    table = "symtab" if function else ""
    why = "" if function else STRIPPED
    return Location(CODE, module, 0x1000, function, function, table=table, why=why, clues=clues)


def judged(
    signal: Signal, location: Location | None, deferred: tuple[tuple[int, int], ...] = ()
) -> Handler:
    actions = [SigAction(0, 0, SignalSet()) for _ in range(64)]
    actions[signal - 1] = SigAction(CODE, 0x14000000, SignalSet())
    code = (location,) if location is not None else ()
    depth = ProcessDepth("test", tuple(actions), code=code, deferred=deferred)
    return handlers(replace(process(7), depth=depth))[signal - 1]


LETTERS = bytearray(32)
for _number, _letter in {2: b"I", 10: b"1", 12: b"2", 15: b"T", 17: b"C"}.items():
    LETTERS[_number : _number + 1] = _letter


@pytest.mark.parametrize(
    ("module", "clues", "signal", "function"),
    [
        ("/usr/sbin/nginx", Clues(rows=((15, "SIGTERM", "stop"),)), TERM, "ngx_signal_handler"),
        ("/usr/sbin/php-fpm8.2", Clues(data=(LETTERS.hex(),)), TERM, "sig_handler"),
        ("/usr/sbin/php-fpm8.4", Clues(text=("sig_soft_quit",)), TERM, "sig_soft_quit"),
        ("/usr/bin/postgres", Clues(text=("a", "pmdie")), TERM, "pmdie"),
        (
            "/usr/bin/python3.11",
            Clues(frozenset(("_PyEval_SignalReceived",))),
            INT,
            "signal_handler",
        ),
        ("/usr/lib/libuv.so.1.0.0", None, TERM, "uv__signal_handler"),
        ("/usr/lib/libevent-2.1.so.7.0.1", None, TERM, "evsig_handler"),
        ("/usr/bin/memcached", None, TERM, "sig_handler"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", None, Signal(33), "__nptl_setxid_sighandler"),
        ("/usr/lib/x86_64-linux-gnu/libpthread-2.31.so", None, Signal(32), "sigcancel_handler"),
    ],
)
def test_a_stripped_function_is_known_again(
    module: str, clues: Clues | None, signal: Signal, function: str
) -> None:
    derived = derive(place(module, clues), signal)
    assert derived is not None
    assert derived.function == function
    assert derived.because
    assert derived.source


@pytest.mark.parametrize(
    ("module", "clues", "signal"),
    [
        ("/usr/sbin/nginx", Clues(rows=((1, "SIGHUP", "reload"),)), TERM),
        ("/usr/sbin/nginx", None, TERM),
        ("/opt/other", Clues(rows=((15, "SIGTERM", "stop"),)), TERM),
        ("/usr/sbin/php-fpm8.2", Clues(data=("00" * 32, "")), TERM),
        ("/usr/bin/postgres", Clues(text=("pmdied",)), TERM),
        ("/usr/bin/postgres", Clues(frozenset(("SetLatch",))), TERM),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", None, TERM),
        ("/usr/lib/x86_64-linux-musl/libc.so", None, Signal(33)),
        ("", None, Signal(33)),
    ],
)
def test_what_fits_no_entry_keeps_no_name(module: str, clues: Clues | None, signal: Signal) -> None:
    assert derive(place(module, clues), signal) is None


def test_a_name_from_a_table_is_never_replaced() -> None:
    assert derive(place("/usr/lib/libuv.so.1", function="uv_close"), TERM) is None


def test_every_entry_says_where_it_stands() -> None:
    assert all(known.source.count(", ") for known in KNOWN)
    assert all(owned.owner.does and owned.owner.source for owned in OWNED)


@pytest.mark.parametrize(
    ("module", "function", "signal", "name", "word"),
    [
        ("/usr/bin/python3", "signal_handler", INT, "CPython", "KeyboardInterrupt"),
        ("/usr/lib/libpython3.12.so.1.0", "signal_handler", TERM, "CPython", "signal.signal()"),
        ("/usr/bin/webhook", "runtime.sigtramp", TERM, "the Go runtime", "signal.Notify"),
        ("/usr/bin/docker", "runtime.cgoSigtramp", TERM, "the Go runtime", "signal.Notify"),
        ("/x/libjvm.so", "UserHandler(int, void*, void*)", TERM, "HotSpot", "QUIT prints"),
        ("/x/libjvm.so", "javaSignalHandler(int, siginfo_t*, void*)", SEGV, "HotSpot", "faults"),
        ("/x/libjvm.so", "javaSignalHandler(int, siginfo_t*, void*)", PIPE, "HotSpot", "let pass"),
        ("/usr/bin/perl", "Perl_csighandler3", TERM, "Perl", "%SIG"),
        ("/usr/lib/libruby-3.1.so.3.1.2", "", TERM, "Ruby", "trap"),
        ("/usr/bin/tmux", "evsig_handler", TERM, "libevent", "event loop"),
        ("/usr/bin/node", "uv__signal_handler", TERM, "libuv", "event loop"),
        ("/usr/bin/node", "node::SignalExit(int, siginfo_t*, void*)", TERM, "Node.js", "once more"),
        ("/lib/ld-musl-x86_64.so.1", "cancel_handler", Signal(33), "musl", "pthread_cancel"),
        ("/lib/ld-musl-x86_64.so.1", "", Signal(34), "musl", "threads"),
    ],
)
def test_the_runtimes_own_their_handlers(
    module: str, function: str, signal: Signal, name: str, word: str
) -> None:
    owner = judged(signal, place(module, function=function)).owner
    assert owner is not None
    assert owner.name == name
    assert word in owner.does


def test_a_programs_own_handler_has_no_other_owner() -> None:
    assert judged(TERM, place("/usr/bin/redis-server", function="sigShutdownHandler")).owner is None
    assert judged(TERM, place("/opt/app", function="signal_handler")).owner is None


def test_the_handler_behind_is_judged_as_one() -> None:
    real = place("/usr/sbin/php-fpm8.2", Clues(text=("sig_soft_quit",)))._replace(address=0x402000)
    defer = place("/usr/sbin/php-fpm8.2", function="zend_signal_handler_defer")
    actions = [SigAction(0, 0, SignalSet()) for _ in range(64)]
    actions[14] = actions[1] = actions[0] = SigAction(CODE, 4, SignalSet())
    deferred = ((1, 1), (2, 0), (15, 0x402000))
    depth = ProcessDepth("test", tuple(actions), code=(defer, real), deferred=deferred)
    found = handlers(replace(process(7), depth=depth))
    assert isinstance(found[14].behind, Handler)
    assert found[14].behind.function == "sig_soft_quit"
    assert found[14].function == "zend_signal_handler_defer"
    assert (found[0].behind, found[1].behind, found[2].behind) == ("ignored", "default", None)


@pytest.mark.parametrize(
    ("signal", "action", "words"),
    [
        (TERM, SigAction(CODE, 0x10000000, SignalSet()), ["go on after it do"]),
        (TERM, SigAction(CODE, 0, SignalSet()), ["fails with EINTR"]),
        (TERM, SigAction(CODE, 0x80000000, SignalSet()), ["EINTR", "the next one ends it (RESET"]),
        (SEGV, SigAction(CODE, 0x80000000, SignalSet()), ["EINTR", "with a core dump"]),
        (TERM, SigAction(CODE, 0x48000000, SignalSet()), ["EINTR", "NODEFER", "ONSTACK"]),
        (TERM, SigAction(CODE, 0, SignalSet.of("SIGHUP")), ["EINTR", "meanwhile blocked: SIGHUP"]),
        (CHLD, SigAction(CODE, 1, SignalSet()), ["EINTR", "NOCLDSTOP"]),
        (CHLD, SigAction(CODE, 2, SignalSet()), ["EINTR", "no exit status (NOCLDWAIT)"]),
        (CHLD, SigAction(0, 2, SignalSet()), ["no exit status (NOCLDWAIT)"]),
        (CHLD, SigAction(1, 0, SignalSet()), ["no exit status (ignored)"]),
        (CHLD, SigAction(0, 0, SignalSet()), []),
        (TERM, SigAction(1, 0x10000000, SignalSet()), []),
    ],
)
def test_flags_in_words(signal: Signal, action: SigAction, words: list[str]) -> None:
    said = meaning(signal, action)
    assert len(said) == len(words)
    assert all(word in sentence for word, sentence in zip(words, said, strict=True))


def test_without_an_engine_the_disposition_is_what_is_known() -> None:
    found = handlers(process(7, ignored=SignalSet.of("SIGHUP"), caught=SignalSet.of("SIGTERM")))
    assert found[0].disposition == "ignored"
    assert found[TERM - 1].disposition == "caught"
    assert found[TERM - 1].action is None
    assert found[TERM - 1].place == ""
