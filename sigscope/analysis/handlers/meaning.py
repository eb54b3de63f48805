"""What the flags and the mask of a handler mean for the program, in sentences (sigaction(2))."""

from __future__ import annotations

from collections.abc import Iterator

from sigscope.model.naming import summed_up
from sigscope.model.sigaction import SIG_DFL, SigAction
from sigscope.model.signals import Action, Signal

_NOCLDSTOP, _NOCLDWAIT, _ONSTACK = 0x1, 0x2, 0x08000000
_RESTART, _NODEFER, _RESETHAND = 0x10000000, 0x40000000, 0x80000000
_DEFAULTS = {
    Action.TERMINATE: "ends it",
    Action.CORE: "ends it with a core dump",
    Action.STOP: "stops it",
    Action.CONTINUE: "makes it go on",
    Action.IGNORE: "does nothing",
}


def meaning(signal: Signal, action: SigAction) -> tuple[str, ...]:
    """The most consequential first. Flags without a handler matter for SIGCHLD only."""
    return tuple(_meaning(signal, action))


def _meaning(signal: Signal, action: SigAction) -> Iterator[str]:
    caught = action.disposition == "caught"
    if caught:
        yield (
            "system calls that can go on after it do (RESTART)"
            if action.flags & _RESTART
            else "the system call that it interrupts fails with EINTR (no RESTART)"
        )
        if action.flags & _RESETHAND:
            default = _DEFAULTS[signal.default_action]
            yield f"it runs once: the next one {default} (RESETHAND)"
        if action.flags & _NODEFER:
            yield "another one of the same may interrupt it (NODEFER)"
        if action.flags & _ONSTACK:
            yield "it runs on the alternate stack, in threads that have one (ONSTACK)"
        if action.mask:
            yield f"meanwhile blocked: {summed_up(action.mask)}"
    if signal.name != "SIGCHLD":
        return
    if action.flags & _NOCLDWAIT or action.disposition == "ignored":
        why = "NOCLDWAIT" if action.flags & _NOCLDWAIT else "ignored"
        yield f"its children leave no zombie, and no exit status ({why})"
    if action.flags & _NOCLDSTOP and action.handler != SIG_DFL:
        yield "children that stop or continue send none (NOCLDSTOP)"
