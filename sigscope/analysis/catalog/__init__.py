"""What a program documents for a signal, as data; and held against one process.

PROGRAMS is a tuple to be read: the first program that fits and has something to say
about the signal speaks. A language's own behaviour stands at the end, so that it speaks where
the program itself is not known. Each entry names its source, and those about
requests in flight were tried on the real program (tests/daemons).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sigscope.analysis.catalog import (
    apache,
    gunicorn,
    haproxy,
    nginx,
    php_fpm,
    postgresql,
    runtimes,
    services,
    stores,
    systemd,
    uwsgi,
    wrappers,
)
from sigscope.model.catalog import Documented, Elsewhere, Program, Said, Setting, Settings, Taken
from sigscope.model.process import Process
from sigscope.model.signals import UNBLOCKABLE, Signal

PROGRAMS: tuple[Program, ...] = (
    *php_fpm.PROGRAMS,
    *nginx.PROGRAMS,
    *apache.PROGRAMS,
    *haproxy.PROGRAMS,
    *uwsgi.PROGRAMS,
    *gunicorn.PROGRAMS,
    *postgresql.PROGRAMS,
    *stores.PROGRAMS,
    *services.PROGRAMS,
    *systemd.PROGRAMS,
    *wrappers.PROGRAMS,
    *runtimes.PROGRAMS,
)
_NOTHING = Settings()


def documented(
    process: Process,
    signal: Signal,
    settings: Settings = _NOTHING,
    parent: Process | None = None,
) -> tuple[Said, ...]:
    """What its program says of this signal; empty if the catalogue has nothing.

    ``parent`` tells a worker from its master where no title does; without it, programs that
    need it are not recognized. Entries whose condition is known not to hold are left out. If
    the process receives the signal as none of them needs it, the nearest one stays, with
    ``holds`` False and why.
    """
    for program in recognized(process, parent):
        found = [
            (entry, said)
            for entry in program.entries
            if signal in entry.signals
            and (said := _said(program, entry, process, signal, settings)) is not None
        ]
        if good := tuple(said for _, said in found if said.holds is not False):
            return good
        # Its disposition may fit and something else be in the way: it is an init.
        found.sort(key=lambda one: one[0].taken.value != process.disposition(signal))
        if found:
            return (found[0][1],)
    return ()


def recognized(process: Process, parent: Process | None = None) -> Iterator[Program]:
    """The programs of the catalogue that this process may be, the most particular first."""
    return (one for one in PROGRAMS if _fits(one, process, parent))


def elsewhere(process: Process, parent: Process | None = None) -> tuple[Elsewhere, ...]:
    """Time limits that other processes keep for this one."""
    return next((one.elsewhere for one in recognized(process, parent) if one.elsewhere), ())


def _fits(program: Program, process: Process, parent: Process | None) -> bool:
    if process.kernel_thread or not _named(program, process):
        return False
    title = " ".join(process.cmdline or ())
    if not re.search(program.title, title):
        return False
    if process.caught is not None and program.catches - process.caught:
        return False
    if program.catches and not program.below and process.caught is None:
        return False
    if program.below is None:
        return True
    return parent is not None and _named(program, parent) == program.below


def _named(program: Program, process: Process) -> bool:
    names = (process.comm, (process.exe or "").removesuffix(" (deleted)").rpartition("/")[2])
    return any(re.fullmatch(program.comm, name) for name in names if name)


def _said(
    program: Program, entry: Documented, process: Process, signal: Signal, settings: Settings
) -> Said | None:
    holds, because = True, list[str]()
    used: list[Setting] = []
    unknown = False
    condition = entry.condition
    if condition is not None:
        setting = settings.get(condition.setting)
        if setting is None:
            unknown = True
            because.append(_unknown(condition.setting, settings))
        elif setting.on is not condition.on:
            return None
        else:
            used.append(setting)
    used += [one for name in entry.also if (one := settings.get(name)) is not None]
    mismatch = _mismatch(entry, process, signal)
    if mismatch:
        holds, because = False, [mismatch]
    return Said(
        program=program.name,
        role=program.role,
        does=entry.does,
        source=entry.source,
        holds=None if holds and unknown else holds,
        condition=condition.says if condition else "",
        because="; ".join(because),
        loses=entry.loses,
        settings=tuple(used),
    )


def _unknown(name: str, settings: Settings) -> str:
    gap = settings.gap(name) or settings.gap("settings")
    why = f": {gap.why}" if gap else ""
    return f"depends on {name}, which could not be read{why}"


def _mismatch(entry: Documented, process: Process, signal: Signal) -> str:
    """Why this process does not receive the signal as the entry needs it; "" if it does."""
    if entry.taken is Taken.ANY or signal in UNBLOCKABLE:
        return ""
    is_ = process.disposition(signal)
    if is_ == "default" and process.namespace_init:
        return f"it has no handler for {signal.name}, and is the init of its pid namespace"
    if is_ is None or is_ == entry.taken.value:
        return ""
    what = {"caught": "has a handler for", "ignored": "ignores", "default": "has no handler for"}
    return f"this process {what[is_]} {signal.name}"
