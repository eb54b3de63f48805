"""What a language does by itself, where the program asks for nothing else.

Whether the program asks shows in its dispositions only in part: a handler of the
runtime's looks like one of the program's. So the sentences say "unless". Tried:
tests/daemons/test_runtimes_signals.py.
"""

from __future__ import annotations

from sigscope.analysis.catalog.entry import on
from sigscope.model.catalog import Program, Taken
from sigscope.model.signals import SignalSet

_NODE = "Node.js, Process, Signal events"
_JAVA = "java(1), -Xrs"
_GO = "Go, package os/signal"
_PYTHON = "Python, signal, General rules"
_UNLESS = "unless the program asks for it (signal.Notify)"

_NODE_JS = (
    on("TERM INT", "ends, unless the application listens for it: then that decides", _NODE),
    on("TERM INT HUP", "ends at once: nobody listens for it", _NODE, taken=Taken.DEFAULT),
    on("HUP USR2", "calls the listener of the application", _NODE),
    on("USR1", "begins to listen for a debugger, on 127.0.0.1:9229 unless told otherwise", _NODE),
    on(
        "PIPE",
        "takes no notice: the write fails with EPIPE instead",
        _NODE,
        taken=Taken.IGNORED,
    ),
)

_JVM = (
    on(
        "QUIT",
        "writes the stacks of all threads to its standard output, and goes on",
        "HotSpot; Oracle, Troubleshooting Guide, Thread Dump",
    ),
    on(
        "TERM INT HUP",
        "runs its shutdown hooks, and ends with status 128 + number; a hook that hangs keeps it",
        _JAVA,
    ),
    on(
        "TERM INT HUP QUIT",
        "ends at once, without shutdown hooks: no handler, as with -Xrs",
        _JAVA,
        taken=Taken.DEFAULT,
    ),
)

_GOLANG = (
    on("TERM INT HUP", f"ends, {_UNLESS}", _GO),
    on("HUP INT", "takes no notice: it was started with it ignored", _GO, taken=Taken.IGNORED),
    on("QUIT ABRT", f"writes the stacks of all goroutines and ends with status 2, {_UNLESS}", _GO),
    on(
        "PIPE",
        "takes no notice of one that is sent; it ends if it writes to a broken standard output or"
        " error, and elsewhere the write fails with EPIPE",
        _GO,
    ),
    on("USR1 USR2 ALRM VTALRM WINCH CHLD IO PWR XCPU XFSZ", f"takes no notice, {_UNLESS}", _GO),
    on("URG", "uses it itself, to interrupt goroutines", "Go, runtime/preempt.go"),
)

_CPYTHON = (
    on(
        "INT",
        "raises KeyboardInterrupt in its main thread as soon as that runs Python code, unless the"
        " program has a handler of its own",
        _PYTHON,
    ),
    on(
        "TERM HUP USR1 USR2 QUIT ALRM",
        "calls the program's handler, in the main thread as soon as that runs Python code",
        _PYTHON,
    ),
    on(
        "TERM HUP QUIT",
        "ends at once: no finally, no atexit, no destructors",
        "Python, atexit",
        taken=Taken.DEFAULT,
    ),
    on(
        "PIPE",
        "takes no notice: the write raises BrokenPipeError instead",
        _PYTHON,
        taken=Taken.IGNORED,
    ),
)

_GO_CATCHES = SignalSet.of(
    *"SIGQUIT SIGABRT SIGUSR1 SIGUSR2 SIGALRM SIGURG SIGVTALRM SIGPROF SIGWINCH SIGIO".split(),
    *"SIGPWR SIGXCPU SIGXFSZ SIGRTMIN+1 SIGRTMIN+16 SIGRTMIN+29".split(),
)
"""The Go runtime has a handler for nearly everything; hardly anything else has."""

PROGRAMS = (
    Program("Node.js", "", r"node(js)?|MainThread", _NODE_JS, title=r"node"),
    Program("Java", "", "java", _JVM),
    Program("Python", "", r"python[\d.]*", _CPYTHON),
    Program("Go program", "", r"(?s).*", _GOLANG, catches=_GO_CATCHES),
)
