"""Who is let in, and which layer refuses: the kernel's rules over values, with nothing read.

For processes those of ptrace_may_access() and ptrace_attach() (kernel/ptrace.c), in the kernel's
own order, as far as one can see them from outside (ptrace(2)); for BPF and the events those of
kernel/bpf/syscall.c and kernel/events/core.c. Errors and ``sigscope doctor`` tell by these alone.
"""

from __future__ import annotations

from sigscope.kernel.opening import (
    FILTERING,
    PASSIVE,
    READING,
    TRACING,
    hosting,
    mounting,
    opening,
    outside,
)
from sigscope.model.access import Door, Layer, Refusal, Refusals
from sigscope.model.other import Other
from sigscope.model.place import Place, Surroundings

YAMA = "/proc/sys/kernel/yama/ptrace_scope"
_YAMA_SAYS = {
    1: "only a parent may trace its children",
    2: "only CAP_SYS_PTRACE may trace",
    3: "nobody may trace until the next boot",
}


def process_doors(place: Place, other: Other) -> Refusals:
    """The doors of one process that are shut."""
    ways = {
        Door.READ: readable(place, other),
        Door.DESCRIPTORS: descriptors(place, other),
        Door.CALL: call(place, other),
        Door.TRACE: traceable(place, other),
        Door.FILTERS: filters(place, other),
    }
    return {door: refusal for door, refusal in ways.items() if refusal is not None}


def place_doors(place: Place) -> Refusals:
    """The doors that have nothing to do with the process that is looked at."""
    ways = {
        Door.BPF: bpf(place),
        Door.EVENTS: events(place),
        Door.TRACEFS: instance(place),
        Door.PERF: perf(place),
        Door.RECORDS: records(place),
    }
    return {door: refusal for door, refusal in ways.items() if refusal is not None}


def condition(other: Other) -> Refusal | None:
    """What it is, or who has it: nobody could trace it now."""
    if other.itself:
        return _target("that is this very process", "name another process")
    if other.dead:
        return _target(
            f"it is a zombie, and waits for process {other.ppid}", f"sigscope pid {other.ppid}"
        )
    if other.kernel_thread:
        return _target("it is a thread of the kernel", "sigscope pid tells what /proc knows of it")
    if other.tracer:
        called = f" ({other.tracer_name})" if other.tracer_name else ""
        return _target(
            f"process {other.tracer}{called} traces it already",
            f"end that first: ps -p {other.tracer}",
        )
    return None


def _target(why: str, hint: str) -> Refusal:
    return Refusal(Layer.TARGET, why, hint)


def traceable(place: Place, other: Other) -> Refusal | None:
    """PTRACE_SEIZE."""
    if refusal := condition(other):
        return refusal
    if "ptrace" in place.refused_calls:
        hint = opening(place, TRACING, ("ptrace",)) or "run it outside of this sandbox"
        return Refusal(Layer.SECCOMP, "a seccomp filter of our own refuses ptrace", hint)
    refusal = _attach(place, other, TRACING)
    if refusal is None and other.granted is not None and "exe" not in other.granted:
        return _unseen(place)
    return refusal


def readable(place: Place, other: Other) -> Refusal | None:
    """exe, maps, environ."""
    return _tried("exe", place, other, _looked(place, other, TRACING))


def descriptors(place: Place, other: Other) -> Refusal | None:
    """The folder fd, and the links in it."""
    refusal = _mode(place, other) or _looked(place, other, READING)
    return _tried("fd", place, other, refusal)


def call(place: Place, other: Other) -> Refusal | None:
    """syscall, mem, timers."""
    refusal = _mode(place, other) or _attach(place, other, READING)
    return _tried("syscall", place, other, refusal)


def filters(place: Place, other: Other) -> Refusal | None:
    """PTRACE_SECCOMP_GET_FILTER asks for more than a stop."""
    if refusal := traceable(place, other):
        return refusal
    if not place.holds("SYS_ADMIN"):
        return _lacking(place, "reading a filter", FILTERING)
    if place.seccomp:
        why = "whoever runs under a seccomp filter may read none"
        return Refusal(Layer.SECCOMP, why, opening(place, (), ("ptrace",)) or outside_of_it(place))
    return None


def outside_of_it(place: Place) -> str:
    """Without our own filter, whatever that lets through."""
    from dataclasses import replace

    return opening(replace(place, refused_calls=frozenset(("all",))), (), ("all",))


def _tried(what: str, place: Place, other: Other, refusal: Refusal | None) -> Refusal | None:
    """What was tried is true: the rules say why it was refused."""
    if other.granted is None:
        return refusal
    if what in other.granted:
        return None
    return refusal or _unseen(place)


def _mode(place: Place, other: Other) -> Refusal | None:
    """A file that only its owner may open: root's, where the process is not dumpable."""
    owner = other.owner if other.owner is not None else _effective(other)
    ours = place.uids[3] if len(place.uids) > 3 else place.uid
    if other.itself or owner == ours:
        return None
    if place.holds("DAC_READ_SEARCH") or place.holds("DAC_OVERRIDE"):
        return None
    if not place.holds(*TRACING) and (refusal := _looked(place, other, READING)):
        return refusal
    why = f"its files belong to uid {owner}, and CAP_DAC_READ_SEARCH is missing"
    return Refusal(Layer.CAPABILITIES, why, opening(place, READING))


def _effective(other: Other) -> int:
    return other.uids[1] if len(other.uids) > 1 else -1


def _attach(place: Place, other: Other, wanted: tuple[str, ...]) -> Refusal | None:
    """PTRACE_MODE_ATTACH: Yama has a word in that."""
    capable = place.holds(*TRACING)
    if place.yama == 3 or (place.yama == 2 and not capable):
        return _yama(place, place.yama)
    if refusal := _looked(place, other, wanted):
        return refusal
    if place.yama == 1 and not capable and not other.descendant:
        return _yama(place, 1)
    return None


def _looked(place: Place, other: Other, wanted: tuple[str, ...]) -> Refusal | None:
    """PTRACE_MODE_READ."""
    if other.itself:
        return None
    capable = place.holds(*TRACING)
    if other.foreign and not capable:
        why = "it lives in another user namespace"
        return Refusal(Layer.USER_NAMESPACE, why, opening(place, wanted) or outside(place))
    if not capable:
        return _as_anybody(place, other, wanted)
    # The link of a namespace below ours is shown to us, and of no other.
    if place.initial_user_namespace is False and other.user_namespace is None:
        why = "you are root of a user namespace only, and it lives outside of that"
        return Refusal(Layer.USER_NAMESPACE, why, outside(place))
    return None


def _as_anybody(place: Place, other: Other, wanted: tuple[str, ...]) -> Refusal | None:
    uid = place.uids[3] if len(place.uids) > 3 else place.uid
    gid = place.gids[3] if len(place.gids) > 3 else -1
    if set(other.uids[:3]) != {uid} or set(other.gids[:3]) != {gid}:
        theirs = other.uids[0] if other.uids else "?"
        if set(other.uids[:3]) == {uid}:
            why = f"it has other groups than you (gid {gid}), and CAP_SYS_PTRACE is missing"
        else:
            why = f"it belongs to uid {theirs}, and you are {uid} without CAP_SYS_PTRACE"
        return Refusal(Layer.UID, why, opening(place, wanted))
    if other.permitted & ~(place.permitted or 0):
        return Refusal(
            Layer.CAPABILITIES, "it has capabilities that you have not", opening(place, wanted)
        )
    if other.owner is not None and other.owner != _effective(other):
        why = "it is not dumpable (PR_SET_DUMPABLE, or a program with set uid or capabilities)"
        return Refusal(Layer.TARGET, why, opening(place, wanted))
    return None


def _yama(place: Place, scope: int) -> Refusal:
    meaning = _YAMA_SAYS.get(scope, "see its documentation")
    hint = "reboot with another setting" if scope == 3 else opening(place, TRACING)
    return Refusal(Layer.YAMA, f"Yama: {YAMA} is {scope}: {meaning}", hint)


def _unseen(place: Place) -> Refusal:
    """No rule that can be seen from outside says no, and the kernel did."""
    confined = f" (we run as {place.label})" if place.label not in ("", None, "unconfined") else ""
    return Refusal(
        Layer.SECURITY_MODULE,
        f"a security module or a sandbox refuses it{confined}",
        "look for the denial: dmesg | tail; ausearch -m avc",
    )


def bpf(place: Place) -> Refusal | None:
    """The programs of the passive engine."""
    if not place.holds("SYS_ADMIN") and not place.holds(*PASSIVE):
        return _lacking(place, "", PASSIVE)
    if place.initial_user_namespace is False:
        why = "capabilities of a user namespace do not count for bpf(2)"
        return Refusal(Layer.USER_NAMESPACE, why, outside(place))
    if "bpf" in place.refused_calls:
        why = "bpf(2) is refused by the seccomp filter of this container"
        return Refusal(Layer.SECCOMP, why, opening(place, PASSIVE, ("bpf",)))
    if place.lockdown == "confidentiality":
        why = "the kernel is locked down (confidentiality)"
        return Refusal(Layer.LOCKDOWN, why, "see kernel_lockdown(7)")
    if place.btf is False:
        why = "this kernel shows no BTF: /sys/kernel/btf/vmlinux"
        return Refusal(Layer.KERNEL, why, "it needs CONFIG_DEBUG_INFO_BTF, and /sys mounted")
    return None


def events(place: Place) -> Refusal | None:
    """What happens to all is told by the pids of the host."""
    if refusal := bpf(place):
        return refusal
    if place.initial_pid_namespace is not False:
        return None
    why = "the kernel's events bear the pids of the host, and this is a pid namespace below"
    return Refusal(Layer.PID_NAMESPACE, why, hosting(place))


def _lacking(place: Place, what: str, wanted: tuple[str, ...]) -> Refusal:
    """Capabilities that are not in effect, by name."""
    missing = [f"CAP_{name}" for name in wanted if not place.holds(name)]
    why = f"{' and '.join(missing)} missing"
    hint = opening(place, wanted, ("bpf",))
    return Refusal(Layer.CAPABILITIES, f"{what}: {why}" if what else why, hint)


def tracefs(place: Place) -> Refusal | None:
    """The kernel's own list of events; where it is not mounted, it is reached without that."""
    return _tracefs(place, place.tracefs_readable, ("DAC_READ_SEARCH", "DAC_OVERRIDE"))


def instance(place: Place) -> Refusal | None:
    """A ring of tracefs for us alone."""
    if place.lockdown not in (None, "none"):
        why = f"the kernel is locked down ({place.lockdown})"
        return Refusal(Layer.LOCKDOWN, why, "see kernel_lockdown(7)")
    return _tracefs(place, place.tracefs_writable, ("DAC_OVERRIDE",))


def _tracefs(place: Place, granted: bool | None, instead: tuple[str, ...]) -> Refusal | None:
    if place.tracefs:
        if granted:
            return None
        return Refusal(Layer.UID, f"{place.tracefs} is root's alone", opening(place, instead[-1:]))
    if not place.holds("SYS_ADMIN"):
        why = "tracefs is not mounted, and to reach it without that CAP_SYS_ADMIN is missing"
        return Refusal(Layer.CAPABILITIES, why, _mounted(place))
    if place.initial_user_namespace is False:
        why = "tracefs is not mounted, and is not for a user namespace"
        return Refusal(Layer.USER_NAMESPACE, why, outside(place))
    if "fsopen" in place.refused_calls:
        why = "tracefs is not mounted, and a seccomp filter of our own refuses fsopen(2)"
        return Refusal(Layer.SECCOMP, why, _mounted(place, ("fsopen",)))
    if place.uid and not any(map(place.holds, instead)):
        return Refusal(Layer.UID, "tracefs is root's alone", opening(place, instead[-1:]))
    return None


def _mounted(place: Place, calls: tuple[str, ...] = ()) -> str:
    """In a container it comes from outside; who is root of a host may reach or mount it."""
    if place.surroundings is Surroundings.HOST:
        return opening(place, ("SYS_ADMIN",), calls)
    return mounting(place, "/sys/kernel/tracing")


def perf(place: Place) -> Refusal | None:
    """perf_event_open of a tracepoint, whose number stands in tracefs."""
    if place.lockdown == "confidentiality":
        why = "the kernel is locked down (confidentiality)"
        return Refusal(Layer.LOCKDOWN, why, "see kernel_lockdown(7)")
    strict = place.perf_event_paranoid is None or place.perf_event_paranoid > -1
    if strict and not place.holds("SYS_ADMIN") and not place.holds("PERFMON"):
        return _lacking(place, f"perf_event_paranoid is {place.perf_event_paranoid}", ("PERFMON",))
    if strict and place.initial_user_namespace is False:
        why = "capabilities of a user namespace do not count for perf_event_open(2)"
        return Refusal(Layer.USER_NAMESPACE, why, outside(place))
    if "perf_event_open" in place.refused_calls:
        why = "perf_event_open(2) is refused by a seccomp filter of our own"
        return Refusal(Layer.SECCOMP, why, opening(place, (), ("perf_event_open",)))
    return tracefs(place)


def records(place: Place) -> Refusal | None:
    """Without a record of what was changed nothing is changed."""
    if place.records_writable is not False:
        return None
    return Refusal(
        Layer.FILES,
        f"{place.records} cannot be written, where it is kept what --undo needs",
        "name another place: XDG_STATE_HOME=/tmp/you sigscope unblock",
    )
