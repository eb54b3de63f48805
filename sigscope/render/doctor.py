"""The screen of ``sigscope doctor``: what works, what opens the rest, and where we are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sigscope.model.access import Refusal
from sigscope.model.capability import CAPABILITIES, capability_names
from sigscope.model.other import Other
from sigscope.model.outlook import Outlook, Sight, Verdict
from sigscope.model.place import Equipment, Place, Surroundings
from sigscope.render.line import BLANK, Line, Role, Span, escape, wrapped

_ROLES = {Verdict.WORKS: Role.PLAIN, Verdict.PART: Role.WARNING, Verdict.FAILS: Role.ERROR}
_WORDS = {Verdict.WORKS: "works", Verdict.PART: "in part", Verdict.FAILS: "no"}
_COLUMN = 24
_SECOND = 9
_FACT = 16
_ALL = (1 << len(CAPABILITIES)) - 1
_MOST_NAMES = 8
_OF_RUNTIME = {
    Surroundings.HOST: "on a host",
    Surroundings.DOCKER: "in a container of docker",
    Surroundings.PODMAN: "in a container of podman",
    Surroundings.KUBERNETES: "in a pod of Kubernetes",
    Surroundings.CONTAINER: "in a container, or namespaces of its kind",
}


def doctor_lines(
    place: Place,
    equipment: Equipment,
    target: Sight | None,
    outlooks: Sequence[Outlook],
    counted: int,
    width: int,
) -> Iterator[Line]:
    """``counted`` processes were tried, where no single one was named."""
    yield from _headline(place, target, outlooks, counted, width)
    yield BLANK
    reasons = _reasons(outlooks)
    for one in outlooks:
        yield from _row(one, reasons, width)
    if reasons:
        yield BLANK
        yield from _openings(reasons, width)
    if target is not None:
        yield BLANK
        yield from _facts("the target", _of_other(target), width)
    yield BLANK
    yield from _facts("this place", _of_place(place), width)
    yield BLANK
    yield from _facts("what is here", _of_equipment(place, equipment), width)


def _headline(
    place: Place, target: Sight | None, outlooks: Sequence[Outlook], counted: int, width: int
) -> Iterator[Line]:
    counts = {word: sum(one.verdict is word for one in outlooks) for word in Verdict}
    if counts[Verdict.WORKS] == len(outlooks):
        said = "all works"
    else:
        said = (
            f"{counts[Verdict.WORKS]} of {len(outlooks)} work,"
            f" {counts[Verdict.PART]} in part, {counts[Verdict.FAILS]} not"
        )
    if target is not None:
        who = f"{escape(target.other.comm)} {target.other.pid}"
    else:
        who = f"{counted} processes"
    where = f"as {_who(place)} {_OF_RUNTIME[place.surroundings]}"
    yield from wrapped(f"{said}: {who}, {where}", width, "", Role.STRONG)


def _who(place: Place) -> str:
    return "root" if place.uid == 0 else f"uid {place.uid}"


def _reasons(outlooks: Sequence[Outlook]) -> list[Refusal]:
    """Each different one once, in the order in which the rows name them."""
    return list(dict.fromkeys(lack.refusal for one in outlooks for lack in one.lacks))


def _row(one: Outlook, reasons: list[Refusal], width: int) -> Iterator[Line]:
    numbers = sorted({reasons.index(lack.refusal) + 1 for lack in one.lacks})
    marks = "".join(f" [{number}]" for number in numbers)
    head = Line.of(
        one.command.ljust(_COLUMN), Span(_WORDS[one.verdict].ljust(_SECOND), _ROLES[one.verdict])
    )
    if not one.lacks:
        yield Line.of(*head.spans[:1], Span(_WORDS[one.verdict], _ROLES[one.verdict]))
        return
    text = f"{_missing(one)}{marks}"
    indent = " " * (_COLUMN + _SECOND)
    first, *rest = wrapped(text, max(width, 60), indent)
    yield Line.of(*head.spans, str(first)[len(indent) :])
    yield from rest


def _missing(one: Outlook) -> str:
    """What is missing, the same things once; of how many processes, where not of all."""
    shares: dict[str, tuple[int, int]] = {}
    for lack in one.lacks:
        before = shares.get(lack.what, (0, 0))[0]
        shares[lack.what] = min(lack.of, before + lack.count), lack.of
    parts: dict[tuple[int, int], list[str]] = {}
    for what, share in shares.items():
        parts.setdefault(share, []).append(what)
    texts = []
    for (count, of), whats in parts.items():
        who = f"{count} of {of} " if count < of else ""
        texts.append(f"{who}without {', '.join(whats)}")
    return "; ".join(texts)


def _openings(reasons: list[Refusal], width: int) -> Iterator[Line]:
    for number, refusal in enumerate(reasons, 1):
        head = f"[{number}] {refusal.layer.value}: "
        first, *rest = wrapped(f"{head}{refusal.why}", width, "")
        yield first
        for line in rest:
            yield Line.of("    ", *line.spans)
        if refusal.hint:
            yield Line.of("    ", Span(escape(refusal.hint), Role.COMMAND))


def _facts(title: str, facts: Iterator[tuple[str, str]], width: int) -> Iterator[Line]:
    yield Line.of(Span(title, Role.STRONG))
    for name, value in facts:
        indent = " " * (_FACT + 2)
        first, *rest = [*wrapped(value, max(width, 50), indent)] or [Line()]
        yield Line.of("  ", Span(name.ljust(_FACT), Role.FAINT), str(first)[len(indent) :])
        yield from rest


def _of_place(place: Place) -> Iterator[tuple[str, str]]:
    yield "user", f"{_who(place)}" + ("" if len(set(place.uids)) < 2 else f" {place.uids}")
    yield "capabilities", _capabilities(place.effective)
    if place.permitted != place.effective:
        yield "  permitted", _capabilities(place.permitted)
    yield "  bounding", _capabilities(place.bounding)
    if place.no_new_privs:
        yield "no_new_privs", "yes: sudo gives nothing"
    yield "seccomp", _seccomp(place)
    first = {True: "the first one", False: "one below the first", None: "not known"}
    mapped = f", uid_map {place.uid_map}" if place.initial_user_namespace is False else ""
    yield "user namespace", first[place.initial_user_namespace] + mapped
    yield "pid namespace", first[place.initial_pid_namespace]
    yield "/proc", _proc(place)
    yield "Yama", "not in this kernel" if place.yama is None else f"ptrace_scope {place.yama}"
    yield "lockdown", place.lockdown or "not shown"
    yield "label", place.label or "none"
    yield "perf", f"perf_event_paranoid {_or(place.perf_event_paranoid)}"
    yield "bpf", f"unprivileged_bpf_disabled {_or(place.unprivileged_bpf_disabled)}"
    yield "tracefs", _tracefs(place)
    if place.read_only_root:
        yield "root", "read-only"


def _or(number: int | None) -> str:
    return "not shown" if number is None else str(number)


def _capabilities(mask: int | None) -> str:
    if mask is None:
        return "not shown"
    if not mask:
        return "none"
    lost = capability_names(_ALL & ~mask)
    if not lost:
        return "all"
    names = capability_names(mask)
    if len(lost) < _MOST_NAMES < len(names):
        return f"all but {' '.join(lost)}"
    return " ".join(names)


def _seccomp(place: Place) -> str:
    if not place.seccomp:
        return "no filter of our own"
    count = f"{place.filters} filter{'s' if place.filters != 1 else ''}" if place.filters else ""
    refused = " ".join(sorted(place.refused_calls))
    return f"{count or 'filtered'}; refuses {refused or 'none of what is needed here'}"


def _proc(place: Place) -> str:
    hides = f"hidepid={place.hidepid}" if place.hidepid else "hides nothing"
    return hides if place.own_proc else f"of another pid namespace or kernel; {hides}"


def _tracefs(place: Place) -> str:
    if not place.tracefs:
        return "not mounted"
    return f"{place.tracefs}{'' if place.tracefs_readable else ', not readable'}"


def _of_other(sight: Sight) -> Iterator[tuple[str, str]]:
    other = sight.other
    yield "process", f"{other.comm} {other.pid}, {other.state.word}"
    yield "user", " ".join(map(str, dict.fromkeys(other.uids))) or "not shown"
    yield "capabilities", _capabilities(other.permitted)
    yield "user namespace", _space(other)
    if len(other.inner) > 1:
        yield "pid namespace", f"below ours: {other.inner[-1]} in it"
    else:
        yield "pid namespace", "ours"
    if other.filters:
        yield "seccomp", f"{other.filters} filter{'s' if other.filters > 1 else ''}"
    if other.owner is not None and other.owner not in other.uids:
        yield "dumpable", "no: its files are root's"
    if other.bits == 32:
        yield "program", "32 bits: its calls are those of another table"


def _space(other: Other) -> str:
    return {True: "another one than ours", False: "ours", None: "not shown to us"}[other.foreign]


def _of_equipment(place: Place, equipment: Equipment) -> Iterator[tuple[str, str]]:
    yield "kernel", f"{equipment.release}, {equipment.machine}"
    yield "BTF", "there" if place.btf else "not there, or not readable"
    if equipment.kernel_from:
        options = " ".join(f"{name}={value}" for name, value in equipment.kernel)
        yield "configuration", f"{equipment.kernel_from}: {options}"
    else:
        yield "configuration", "not readable"
    yield "Python", equipment.python
    found = [f"{name} {version}" for name, version in equipment.packages if version]
    yield "packages", ", ".join(found)
    lost = [name for name, version in equipment.packages if version is None]
    if lost:
        yield "missing", ", ".join(lost)
