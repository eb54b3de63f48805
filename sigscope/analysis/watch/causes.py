"""The signal behind a signal: what made its sender send it.

A master that gets SIGTERM and then signals its workers did so because of that SIGTERM. The
kernel does not record this. So it is ``likely`` if the sender, or the process that forked it
afterwards, took such a signal not long ago; and ``exact`` only where the kernel itself acts on the
end of a process.
"""

from __future__ import annotations

from sigscope.analysis.watch.people import People, Person
from sigscope.analysis.watch.record import Record
from sigscope.model.lineage import Confidence
from sigscope.model.signals import SignalSet
from sigscope.model.story import Fate, Origin
from sigscope.model.watch import Sent

SECOND = 1_000_000_000
LONG = 30 * SECOND
"""A supervisor asks, waits, and kills in the end: ten seconds are usual."""
PROMPT = SECOND // 10
"""For a signal of another kind: whoever handles it acts at once."""
ENDING = SignalSet.of(*"SIGHUP SIGINT SIGQUIT SIGTERM SIGUSR2 SIGPWR SIGALRM".split())
ENDED_BY = SignalSet.of(*"SIGHUP SIGINT SIGQUIT SIGTERM SIGKILL SIGABRT SIGCONT".split())
NEVER = SignalSet.of(*"SIGCHLD SIGURG SIGIO SIGPIPE SIGPROF SIGVTALRM SIGCONT SIGSTOP".split())
_TOOK = (Fate.HANDLED, Fate.SIGWAIT, Fate.SIGNALFD, Fate.TAKEN)
_GENERATIONS = 3
_DEEPEST = 16


def cause_of(
    people: People, sender: Person | None, sent: Sent, origin: Origin
) -> tuple[Record, Confidence] | None:
    """The earlier signal, and how sure that is."""
    if sender is None:
        return _of_kernel(people, sent, origin)
    if origin in (Origin.PARENT, Origin.CHILD):
        return _killer(sender)
    if origin not in (Origin.PROCESS, Origin.ITSELF):
        return None
    person: Person = sender
    before: int = sent.time
    for _ in range(_GENERATIONS):
        for record in reversed(person.got):
            if _leads_to(record, sent, before):
                return record, Confidence.LIKELY
        parent = people.find(person.parent) if person.parent else None
        born = person.born
        if parent is None or born is None:
            return None
        person, before = parent, born
    return None


def _leads_to(record: Record, sent: Sent, before: int) -> bool:
    """Was it taken before, by a handler, and is the new one of its kind, or prompt?"""
    first, then = record.sent.info.signal, sent.info.signal
    if record.sent.time > before or first in NEVER or record.step >= _DEEPEST:
        return False
    if record.fate not in _TOOK and not (record.fate is None and record.open):
        return False
    elapsed = sent.time - record.sent.time
    own = sent.sender.tgid is not None and sent.sender.tgid == sent.target.tgid
    if own and record.origin is Origin.ITSELF:  # a habit, and nobody else is behind it
        return False
    if record.fate is None or own:  # who signals itself again does so out of its handler
        return elapsed <= PROMPT
    if first in ENDING and then in ENDED_BY:
        return elapsed <= LONG
    return elapsed <= (SECOND if first == then else PROMPT)


def _of_kernel(people: People, sent: Sent, origin: Origin) -> tuple[Record, Confidence] | None:
    """zap_pid_ns_processes(): whoever is running is the init of the namespace, and has ended."""
    if origin is not Origin.KERNEL or sent.info.signal.name != "SIGKILL":
        return None
    running = people.find(sent.sender.tgid or sent.sender.tid)
    if running is None or running.ended is None:
        return None
    return _killer(running)


def _killer(person: Person) -> tuple[Record, Confidence] | None:
    killer = person.killer
    if killer is None or killer.step >= _DEEPEST:
        return None
    return killer, Confidence.EXACT
