"""Who refuses, by the rules over values: what this kernel does not have is tried with values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.kernel import access
from sigscope.kernel.access import place_doors, process_doors, traceable
from sigscope.model.access import Door, Layer
from sigscope.model.capability import CAPABILITIES, capability_names, has
from sigscope.model.other import Other
from sigscope.model.place import Place

ALL = (1 << len(CAPABILITIES)) - 1
ROOT = Place(
    (0,) * 4,
    (0,) * 4,
    effective=ALL,
    permitted=ALL,
    bounding=ALL,
    initial_user_namespace=True,
    initial_pid_namespace=True,
    user_namespace="user:[4026531837]",
    perf_event_paranoid=2,
    lockdown="none",
    tracefs="/sys/kernel/tracing",
    tracefs_readable=True,
    tracefs_writable=True,
    btf=True,
    words=("sigscope", "pid", "4285"),
    raising="sudo",
)
USER = replace(
    ROOT,
    uids=(1000,) * 4,
    gids=(1000,) * 4,
    effective=0,
    permitted=0,
    tracefs_readable=False,
    tracefs_writable=False,
)
MINE = Other(4285, "nginx", uids=(1000,) * 4, gids=(1000,) * 4, owner=1000, foreign=False)
OF_ROOT = Other(4285, "nginx", uids=(0,) * 4, gids=(0,) * 4, permitted=ALL, owner=0, foreign=False)


def mask(*names: str) -> int:
    return sum(1 << CAPABILITIES.index(name) for name in names)


def with_(place: Place, *names: str) -> Place:
    return replace(place, effective=mask(*names), permitted=mask(*names))


def test_root_is_refused_nothing() -> None:
    assert not process_doors(ROOT, OF_ROOT)
    assert not process_doors(ROOT, MINE)
    assert not place_doors(ROOT)


def test_a_user_may_look_at_own_processes() -> None:
    assert set(process_doors(USER, MINE)) == {Door.FILTERS}
    assert set(place_doors(USER)) == {Door.BPF, Door.EVENTS, Door.PERF, Door.TRACEFS}


@pytest.mark.parametrize(
    ("place", "other", "layer", "says"),
    [
        (USER, OF_ROOT, Layer.UID, "belongs to uid 0, and you are 1000"),
        (USER, replace(MINE, gids=(5,) * 4), Layer.UID, "other groups than you"),
        (USER, replace(MINE, permitted=1), Layer.CAPABILITIES, "capabilities that you have not"),
        (USER, replace(MINE, owner=0), Layer.TARGET, "not dumpable"),
        (USER, replace(MINE, foreign=True), Layer.USER_NAMESPACE, "another user namespace"),
        (with_(ROOT), OF_ROOT, Layer.CAPABILITIES, "capabilities that you have not"),
        (
            replace(ROOT, refused_calls=frozenset(("ptrace",))),
            MINE,
            Layer.SECCOMP,
            "a seccomp filter of our own refuses ptrace",
        ),
        (
            replace(ROOT, initial_user_namespace=False),
            replace(OF_ROOT, user_namespace=None, foreign=None),
            Layer.USER_NAMESPACE,
            "root of a user namespace only",
        ),
        (
            ROOT,
            replace(OF_ROOT, granted=frozenset(("fd",))),
            Layer.SECURITY_MODULE,
            "a security module or a sandbox",
        ),
        (ROOT, replace(MINE, itself=True), Layer.TARGET, "this very process"),
        (ROOT, replace(MINE, dead=True, ppid=7), Layer.TARGET, "waits for process 7"),
        (ROOT, replace(MINE, kernel_thread=True), Layer.TARGET, "a thread of the kernel"),
        (
            ROOT,
            replace(MINE, tracer=812, tracer_name="gdb"),
            Layer.TARGET,
            "process 812 (gdb) traces it already",
        ),
    ],
)
def test_a_stop_is_refused_by(place: Place, other: Other, layer: Layer, says: str) -> None:
    refusal = traceable(place, other)
    assert refusal is not None
    assert refusal.layer is layer
    assert says in refusal.why
    assert refusal.hint


@pytest.mark.parametrize(
    ("scope", "place", "descends", "refused"),
    [
        (0, USER, False, False),
        (1, USER, False, True),
        (1, USER, True, False),
        (1, ROOT, False, False),
        (2, USER, True, True),
        (2, ROOT, False, False),
        (3, ROOT, True, True),
        (None, USER, False, False),
    ],
)
def test_yama_has_a_word(scope: int | None, place: Place, descends: bool, refused: bool) -> None:
    """Documentation/admin-guide/LSM/Yama.rst; the files that need no stop are not its business."""
    yama = replace(place, yama=scope)
    doors = process_doors(yama, replace(MINE, descendant=descends))
    assert (Door.TRACE in doors, Door.CALL in doors) == (refused, refused)
    assert Door.READ not in doors
    assert Door.DESCRIPTORS not in doors
    if refused:
        assert doors[Door.TRACE].layer is Layer.YAMA
        assert f"{access.YAMA} is {scope}" in doors[Door.TRACE].why
        assert doors[Door.TRACE].hint == (
            "reboot with another setting" if scope == 3 else "sudo sigscope pid 4285"
        )


def test_ptrace_alone_does_not_open_files_of_their_owner() -> None:
    doors = process_doors(with_(USER, "SYS_PTRACE"), OF_ROOT)
    assert set(doors) == {Door.CALL, Door.DESCRIPTORS, Door.FILTERS}
    assert "CAP_DAC_READ_SEARCH is missing" in doors[Door.CALL].why
    assert set(process_doors(with_(USER, "SYS_PTRACE", "DAC_READ_SEARCH"), OF_ROOT)) == {
        Door.FILTERS
    }


def test_what_was_tried_is_true_whatever_the_rules_say() -> None:
    shown = replace(OF_ROOT, granted=frozenset(("exe", "fd", "syscall")))
    assert not {Door.READ, Door.CALL, Door.DESCRIPTORS} & set(process_doors(USER, shown))
    hidden = replace(MINE, granted=frozenset())
    assert process_doors(ROOT, hidden)[Door.READ].layer is Layer.SECURITY_MODULE
    confined = process_doors(replace(ROOT, label="snap.sigscope"), hidden)[Door.READ]
    assert "we run as snap.sigscope" in confined.why


@pytest.mark.parametrize(
    ("place", "layer", "says"),
    [
        (USER, Layer.CAPABILITIES, "CAP_BPF and CAP_PERFMON missing"),
        (with_(USER, "BPF"), Layer.CAPABILITIES, "CAP_PERFMON missing"),
        (replace(ROOT, initial_user_namespace=False), Layer.USER_NAMESPACE, "do not count"),
        (replace(ROOT, refused_calls=frozenset(("bpf",))), Layer.SECCOMP, "seccomp filter"),
        (replace(ROOT, lockdown="confidentiality"), Layer.LOCKDOWN, "locked down"),
        (replace(ROOT, btf=False), Layer.KERNEL, "no BTF"),
    ],
)
def test_the_structures_of_the_kernel_are_refused_by(place: Place, layer: Layer, says: str) -> None:
    refusal = access.bpf(place)
    assert refusal is not None
    assert refusal.layer is layer
    assert says in refusal.why
    assert refusal.hint


def test_bpf_and_perfmon_are_enough_for_bpf_and_integrity_does_no_harm() -> None:
    assert access.bpf(with_(USER, "BPF", "PERFMON")) is None
    assert access.bpf(replace(ROOT, lockdown="integrity")) is None


@pytest.mark.parametrize(
    ("place", "perf", "instance"),
    [
        (ROOT, None, None),
        (replace(USER, perf_event_paranoid=-1, tracefs_readable=True), None, Layer.UID),
        (with_(USER, "PERFMON"), Layer.UID, Layer.UID),
        (replace(with_(ROOT, "PERFMON"), tracefs=""), *(Layer.CAPABILITIES,) * 2),
        (replace(ROOT, tracefs=""), None, None),
        (replace(ROOT, lockdown="integrity"), None, Layer.LOCKDOWN),
        (replace(ROOT, lockdown="confidentiality"), Layer.LOCKDOWN, Layer.LOCKDOWN),
        (replace(ROOT, refused_calls=frozenset(("perf_event_open",))), Layer.SECCOMP, None),
        (
            replace(ROOT, tracefs="", refused_calls=frozenset(("fsopen",))),
            Layer.SECCOMP,
            Layer.SECCOMP,
        ),
        (
            replace(ROOT, tracefs="", initial_user_namespace=False),
            Layer.USER_NAMESPACE,
            Layer.USER_NAMESPACE,
        ),
        (
            replace(with_(USER, "SYS_ADMIN"), tracefs=""),
            Layer.UID,
            Layer.UID,
        ),
    ],
)
def test_the_events_are_refused_by(
    place: Place, perf: Layer | None, instance: Layer | None
) -> None:
    said = [access.perf(place), access.instance(place)]
    assert [one.layer if one else None for one in said] == [perf, instance]
    assert all(one.hint for one in said if one)


def test_a_place_for_records_that_cannot_be_written() -> None:
    full = replace(ROOT, records="/root/.local/state/sigscope", records_writable=False)
    refusal = place_doors(full)[Door.RECORDS]
    assert refusal.layer is Layer.FILES
    assert "XDG_STATE_HOME" in refusal.hint


def test_filters_are_not_for_the_filtered() -> None:
    refusal = access.filters(replace(ROOT, seccomp=2), OF_ROOT)
    assert refusal is not None
    assert refusal.layer is Layer.SECCOMP
    assert refusal.hint


def test_capabilities_by_name() -> None:
    assert capability_names(mask("BPF", "SYS_PTRACE")) == ("SYS_PTRACE", "BPF")
    assert has(mask("BPF"), "BPF")
    assert len(CAPABILITIES) == 41
    assert CAPABILITIES.index("SYS_PTRACE") == 19
    assert CAPABILITIES.index("BPF") == 39
