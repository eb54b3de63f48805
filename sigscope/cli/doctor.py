"""``sigscope doctor``: what works from here, and if not, who refuses, and what opens it?"""

from __future__ import annotations

from dataclasses import replace

import click

from sigscope.analysis.diagnose import suspects
from sigscope.analysis.doctor import hidden, outlook, overview, verdict
from sigscope.cli.options import TargetType, json_option
from sigscope.cli.output import put, put_json, width
from sigscope.cli.target import resolve
from sigscope.errors import ExitStatus, UsageError
from sigscope.kernel.access import place_doors
from sigscope.kernel.equipment import read_equipment
from sigscope.kernel.passive import PROC
from sigscope.kernel.place import here
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.refusal import beyond_hidepid
from sigscope.kernel.scan import read_host
from sigscope.kernel.survey import closely, sight, survey, with_records
from sigscope.model.access import Layer, Refusal
from sigscope.model.outlook import Outlook, Sight, Verdict
from sigscope.model.place import Place

_STATUS = {
    Verdict.WORKS: ExitStatus.FINE,
    Verdict.PART: ExitStatus.ANSWER_IS_NO,
    Verdict.FAILS: ExitStatus.NOT_PERMITTED,
}


@click.command(short_help="What works from here, and if not, what opens it?")
@click.argument("target", type=TargetType(), required=False, metavar="[TARGET]")
@json_option
def doctor(target: str | None, as_json: bool) -> int:
    """What works from here, and if not, who refuses, and what opens it?

    Each command and its deeper modes: works, works in part, or not. With TARGET for that
    process, else for all that are shown. Reads only, and tries nothing on anybody.

    Exit status 0 if all works, 1 if not all does, 4 if nothing does that looks at a process.

    \b
    sigscope doctor
    sigscope doctor 4285
    """
    procfs = ProcFS(engine=PROC)
    place = with_records(here())
    shut = place_doors(place)
    pid = None if target is None else _single(procfs, target)
    seen = None if pid is None else sight(place, pid)
    everybody = _everybody(procfs, place, pid)
    if pid is None:
        outlooks = overview(everybody, shut)
    elif seen is None:
        outlooks = hidden(_not_shown(procfs, place, pid))
    else:
        seen = next((one for one in everybody if one.other.pid == pid), seen)
        seen = closely(procfs, seen)
        outlooks = outlook(seen, everybody, shut)
    _show(procfs, place, seen, outlooks, len(everybody), as_json)
    return int(_STATUS[verdict(outlooks)])


def _everybody(procfs: ProcFS, place: Place, pid: int | None) -> tuple[Sight, ...]:
    """All that are shown, with what a look at the host would make of them."""
    host = read_host(procfs)
    suspected = suspects(host)
    close = suspected if pid is None else {pid, *suspected}
    looked_at = [host.processes[one] for one in close if one in host.processes]
    related = {one.pid for process in looked_at for one in (process, *host.ancestors(process))}
    return tuple(
        replace(one, suspect=one.other.pid in suspected, related=one.other.pid in related)
        for one in survey(place, host.processes)
    )


def _single(procfs: ProcFS, word: str) -> int:
    found = resolve(procfs, word)
    if len(found) > 1:
        pids = " ".join(str(target.pid) for target in found[:8])
        raise UsageError(f"{word!r} means {len(found)} processes", f"name one of them: {pids}")
    return found[0].pid


def _not_shown(procfs: ProcFS, place: Place, pid: int) -> Refusal:
    """Why, if /proc hides it; NoSuchTarget with what else may be if nothing hides anything."""
    if not procfs.hidden():
        read_status(procfs, pid)
    return Refusal(
        Layer.HIDEPID, f"/proc is mounted with hidepid={place.hidepid}", beyond_hidepid()
    )


def _show(
    procfs: ProcFS,
    place: Place,
    seen: Sight | None,
    outlooks: tuple[Outlook, ...],
    counted: int,
    as_json: bool,
) -> None:
    equipment = read_equipment()
    if as_json:
        from sigscope.render.doctor_document import doctor_document

        put_json(doctor_document(procfs.host(), place, equipment, seen, outlooks, counted))
        return
    from sigscope.render.doctor import doctor_lines

    put(doctor_lines(place, equipment, seen, outlooks, counted, width()))
