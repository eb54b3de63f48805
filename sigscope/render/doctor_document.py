"""The document of ``sigscope doctor``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sigscope.model.capability import capability_names
from sigscope.model.host import Host
from sigscope.model.outlook import Lack, Outlook, Sight
from sigscope.model.place import Equipment, Place
from sigscope.render.document import document, gap_json
from sigscope.render.signal_set import Json


def doctor_document(
    host: Host,
    place: Place,
    equipment: Equipment,
    target: Sight | None,
    outlooks: Sequence[Outlook],
    counted: int,
) -> Json:
    """What each command will do, then the facts on which that rests."""
    return document(
        "doctor",
        host,
        commands=[outlook_json(one) for one in outlooks],
        tried=counted,
        target=None if target is None else _other(target),
        place=_place(place),
        equipment=_equipment(equipment),
        gaps=[gap_json(gap) for gap in (*place.gaps, *equipment.gaps)],
    )


def outlook_json(one: Outlook) -> Json:
    """A command, its verdict, and what is missing."""
    return {
        "command": one.command,
        "verdict": one.verdict.value,
        "missing": [_lack(lack) for lack in one.lacks],
    }


def _lack(lack: Lack) -> Json:
    return {
        "what": lack.what,
        "door": lack.door.value,
        "layer": lack.refusal.layer.value,
        "why": lack.refusal.why,
        "opens": lack.refusal.hint,
        "count": lack.count,
        "of": lack.of,
    }


def _names(mask: int | None) -> list[str] | None:
    return None if mask is None else list(capability_names(mask))


def _other(sight: Sight) -> Json:
    other = sight.other
    return {
        "pid": other.pid,
        "comm": other.comm,
        "uids": list(other.uids),
        "permitted": _names(other.permitted),
        "other_user_namespace": other.foreign,
        "nspid": list(other.inner),
        "tracer": other.tracer or None,
        "filters": other.filters,
        "bits": other.bits,
    }


def _place(place: Place) -> Json:
    plain: Iterable[str] = (
        "uids gids no_new_privs seccomp filters initial_user_namespace uid_map"
        " initial_pid_namespace yama hidepid own_proc lockdown label perf_event_paranoid"
        " unprivileged_bpf_disabled tracefs tracefs_readable btf read_only_root records"
        " records_writable"
    ).split()
    return {
        "surroundings": place.surroundings.value,
        "effective": _names(place.effective),
        "permitted": _names(place.permitted),
        "bounding": _names(place.bounding),
        "refused_calls": sorted(place.refused_calls),
        **{name: _plain(getattr(place, name)) for name in plain},
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _equipment(equipment: Equipment) -> Json:
    return {
        "machine": equipment.machine,
        "release": equipment.release,
        "python": equipment.python,
        "packages": [{"name": name, "version": version} for name, version in equipment.packages],
        "kernel": [{"name": name, "value": value} for name, value in equipment.kernel],
        "kernel_from": equipment.kernel_from,
    }
