"""The one line that opens what is shut *here*: every hint about a permission comes from it.

Who is a user of a host types sudo; in a container a flag is missing where it was started, and
nothing that is typed inside adds it.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable

from sigscope.model.capability import CAPABILITIES, has
from sigscope.model.place import Place, Surroundings

TRACING = ("SYS_PTRACE",)
READING = ("SYS_PTRACE", "DAC_READ_SEARCH")
"""The files with mode 0400 and the folder fd need both, where they are another user's."""
PASSIVE = ("BPF", "PERFMON")
FILTERING = ("SYS_PTRACE", "SYS_ADMIN")
_PROFILES = (("general", frozenset(TRACING)),)
"""Of kubectl debug, and what each adds; sysadmin adds everything."""
_ALL_ELSE = "sysadmin"


def opening(place: Place, wanted: Collection[str], calls: Collection[str] = ()) -> str:
    """What is to be typed so that these capabilities are held and these calls let through.

    "" if nothing of it is missing: then it is something else that refuses.

    >>> user = Place((1000,) * 4, effective=0, raising="sudo", words=("sigscope", "pid", "4285"))
    >>> opening(user, ("SYS_PTRACE",))
    'sudo sigscope pid 4285'
    """
    missing = [name for name in wanted if not place.holds(name)]
    if place.holds("SYS_ADMIN"):  # which has been split up: it stands for its parts
        missing = [name for name in missing if name not in PASSIVE]
    barred = [call for call in calls if call in place.refused_calls]
    if not missing and not barred:
        return ""
    if place.initial_user_namespace is False and {*missing, *wanted} & {*PASSIVE, "SYS_ADMIN"}:
        return outside(place)
    if place.surroundings is Surroundings.HOST:
        return _on_a_host(place, missing, barred)
    return _IN_A_CONTAINER[place.surroundings](place, missing, barred)


def outside(place: Place) -> str:
    """How to leave a user namespace: nothing inside gives power over what is outside."""
    return {
        Surroundings.HOST: f"run it outside of this user namespace: {_as_root(place)}",
        Surroundings.DOCKER: "on the host's own users: docker run --userns host ...",
        Surroundings.PODMAN: "as root of the host: sudo podman run ...",
        Surroundings.KUBERNETES: "in the pod's spec: hostUsers: true",
        Surroundings.CONTAINER: "start the container without a user namespace, or run it on"
        " the host",
    }[place.surroundings]


def sharing(place: Place) -> str:
    """How to see the processes of another container, or all of the host."""
    return {
        Surroundings.HOST: "enter the first pid namespace: nsenter --target 1 --pid --mount",
        Surroundings.DOCKER: "share them: docker run --pid container:NAME (or host) ...",
        Surroundings.PODMAN: "share them: podman run --pid container:NAME (or host) ...",
        Surroundings.KUBERNETES: "share them: shareProcessNamespace: true; or"
        f" kubectl debug -it {_name(place)} --image IMAGE --target CONTAINER",
        Surroundings.CONTAINER: "start the container in the pid namespace of the other",
    }[place.surroundings]


def hosting(place: Place) -> str:
    """How to have the pids of the host."""
    return {
        Surroundings.HOST: f"enter the first one: nsenter -t 1 -p -m -- {shlex.join(place.words)}",
        Surroundings.DOCKER: "on the host itself, or: docker run --pid host ...",
        Surroundings.PODMAN: "on the host itself, or: podman run --pid host ...",
        Surroundings.KUBERNETES: "on the node itself, or in the pod's spec: hostPID: true",
        Surroundings.CONTAINER: "on the host itself, or in a container that has its pid namespace",
    }[place.surroundings]


def mounting(place: Place, what: str) -> str:
    """How a file system of the kernel's gets into a container, or is mounted on a host."""
    volume = f"-v {what}:{what}:ro"
    return {
        Surroundings.HOST: f"mount -t tracefs tracefs {what}",
        Surroundings.DOCKER: f"docker run {volume} ...",
        Surroundings.PODMAN: f"podman run {volume} ...",
        Surroundings.KUBERNETES: f"volumes: [{{name: trace, hostPath: {{path: {what}}}}}]",
        Surroundings.CONTAINER: f"mount {what} into the container",
    }[place.surroundings]


def _as_root(place: Place, words: Iterable[str] = ()) -> str:
    """The user's own command, with the program that makes one root here."""
    line = shlex.join((*words, *place.words))
    if place.raising == "su":
        return f"su -c {shlex.quote(line)}"
    return f"{place.raising} {line}" if place.raising else f"as root: {line}"


def _on_a_host(place: Place, missing: list[str], barred: list[str]) -> str:
    held = place.bounding is None or has(place.bounding, *missing)
    if place.initial_user_namespace is False:
        return outside(place)
    if held and not barred and place.uid != 0 and not place.no_new_privs:
        return _as_root(place)
    if place.systemd:  # which starts it anew, with nothing of ours
        pipe = ("systemd-run", "--pipe", "--quiet", "--")
        return _as_root(place, pipe) if place.uid else shlex.join((*pipe, *place.words))
    lost = [f"CAP_{name}" for name in missing]
    what = " and ".join(filter(None, (", ".join(lost), "the seccomp filter" if barred else "")))
    why = "lacks" if lost and not barred else "is bound by"
    return f"from another login as root (this one {why} {what}): {shlex.join(place.words)}"


def _flags(place: Place, missing: list[str], barred: list[str]) -> str:
    """Of docker and podman run."""
    bounded = [name for name in CAPABILITIES if name in missing and not place.could_hold(name)]
    flags = [f"--cap-add {name}" for name in bounded]
    if barred:
        flags.append("--security-opt seccomp=unconfined")
    if place.uid and (missing or barred):
        flags.append("--user 0")
    return " ".join(flags)


def _only_root(place: Place, missing: list[str], barred: list[str]) -> bool:
    return bool(place.uid) and not barred and place.could_hold(*missing)


def _run(tool: str, place: Place, missing: list[str], barred: list[str]) -> str:
    if _only_root(place, missing, barred):
        return f"{tool} exec --user 0 {_name(place)} {shlex.join(place.words)}"
    return f"start it with: {tool} run {_flags(place, missing, barred)} ..."


def _docker(place: Place, missing: list[str], barred: list[str]) -> str:
    return _run("docker", place, missing, barred)


def _podman(place: Place, missing: list[str], barred: list[str]) -> str:
    return _run("podman", place, missing, barred)


def _kubernetes(place: Place, missing: list[str], barred: list[str]) -> str:
    """The lines of a securityContext, and the profile of kubectl debug that has them."""
    parts = []
    bounded = [name for name in CAPABILITIES if name in missing and not place.could_hold(name)]
    if bounded:
        parts.append(f"capabilities: {{add: [{', '.join(bounded)}]}}")
    if place.uid:
        parts.append("runAsUser: 0")
    if barred:
        parts.append("seccompProfile: {type: Unconfined}")
    needed = frozenset(missing)
    profile = next((name for name, adds in _PROFILES if needed <= adds), _ALL_ELSE)
    profile = _ALL_ELSE if barred else profile
    return (
        f"securityContext: {{{', '.join(parts)}}}; or: kubectl debug -it {_name(place)}"
        f" --image IMAGE --target CONTAINER --profile {profile}"
    )


def _container(place: Place, missing: list[str], barred: list[str]) -> str:
    """A runtime that we do not know: what its configuration must say (OCI runtime-spec)."""
    if _only_root(place, missing, barred):
        return f"as root of this container: {shlex.join(place.words)}"
    bounded = [name for name in CAPABILITIES if name in missing and not place.could_hold(name)]
    parts = [f"CAP_{name}" for name in bounded]
    if barred:
        parts.append("no seccomp profile")
    if place.uid:
        parts.append("user 0")
    return f"start this container with {', '.join(parts)}"


def _name(place: Place) -> str:
    """A container of docker is called by its id, and a pod's by the pod, unless told otherwise."""
    return shlex.quote(place.hostname or "NAME")


_IN_A_CONTAINER = {
    Surroundings.DOCKER: _docker,
    Surroundings.PODMAN: _podman,
    Surroundings.KUBERNETES: _kubernetes,
    Surroundings.CONTAINER: _container,
}
