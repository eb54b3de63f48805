"""The processes of a host by container, and the container that a word means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from sigscope.model.container import PID_NAMESPACE, UNKNOWN, Container, Group
from sigscope.model.host import Host
from sigscope.model.process import Process

_SETTING_UP = "runc"
"""runc is in the cgroup of a container for a moment before its pid namespace is."""


def groups(host: Host) -> tuple[Group, ...]:
    """Every container with its processes, in the order of their inits.

    A pid namespace without a container is a group, too. Processes of one namespace that only a
    cgroup of their own tells apart are one container: that of the namespace's init.
    """
    inits = {
        one.pid_namespace: one.container
        for one in host.processes.values()
        if one.pid_namespace is not None and one.namespace_init and one.container is not None
    }
    members: dict[tuple[str, str, int | None], list[Process]] = defaultdict(list)
    containers: dict[tuple[str, str, int | None], Container] = {}
    for process in host.processes.values():
        container = _container(host, process, inits)
        if container is None or process.kernel_thread:
            continue
        space = process.pid_namespace if container.runtime == UNKNOWN else None
        key = (*container.key, space)
        members[key].append(process)
        known = containers.setdefault(key, container)
        if known.name is None and container.name is not None:
            containers[key] = container
    found = [_group(containers[key], processes) for key, processes in members.items()]
    return tuple(sorted(found, key=lambda group: group.pids))


def _container(host: Host, process: Process, inits: Mapping[int, Container]) -> Container | None:
    own = process.container
    if own is not None and own.runtime != UNKNOWN:
        return own
    if len(process.nspid) < 2:
        return own
    space = process.pid_namespace
    if space is not None:
        around = inits.get(space)
        return around or own or Container(PID_NAMESPACE, str(space))
    if own is not None:
        return own
    for one in (process, *host.ancestors(process)):
        if len(one.nspid) == len(process.nspid) and one.nspid[-1] == 1:
            return Container(PID_NAMESPACE, f"of {one.pid}")
    return None


def _group(container: Container, processes: Sequence[Process]) -> Group:
    """Numbered as its outermost process is: one that made a namespace of its own is in there."""
    deep = [one for one in processes if len(one.nspid) > 1]
    settled = [
        one
        for one in processes
        if len(one.nspid) > 1 or not deep or not one.comm.startswith(_SETTING_UP)
    ]
    depth = min((len(one.nspid) - 1 for one in settled if one.nspid), default=0)
    inside = {
        one.pid: one.nspid[depth]
        for one in settled
        if len(one.nspid) > depth and not one.kernel_thread
    }
    pids = tuple(sorted(one.pid for one in settled))
    oldest = min(settled, key=lambda one: (one.start_time, one.pid))
    init = next((pid for pid in pids if inside.get(pid) == 1), oldest.pid)
    return Group(container, pids, init, depth, MappingProxyType(inside))


def meant(groups: Iterable[Group], word: str) -> tuple[Group, ...]:
    """The containers that a word may mean: by id, name, pod, prefix of an id, of a name, hostname.

    The first way that finds any decides; more than one is for the person to choose.
    """
    known = tuple(groups)
    for fits in _WAYS:
        found = tuple(group for group in known if fits(group.container, word))
        if found:
            return found
    return ()


def _is_id(container: Container, word: str) -> bool:
    return word in (container.id, f"pid:[{container.id}]")


def _is_name(container: Container, word: str) -> bool:
    pod = container.pod or ""
    short = pod.rpartition("/")[2]
    return container.name is not None and word in (
        container.name,
        f"{pod}/{container.name}",
        f"{short}/{container.name}",
    )


def _is_pod(container: Container, word: str) -> bool:
    pod = container.pod or ""
    return word in (pod, pod.rpartition("/")[2], container.pod_uid or "") and bool(word)


def _begins_id(container: Container, word: str) -> bool:
    return container.id.startswith(word)


def _begins_name(container: Container, word: str) -> bool:
    return (container.name or "").startswith(word)


def _is_hostname(container: Container, word: str) -> bool:
    return word == container.hostname


_WAYS = (_is_id, _is_name, _is_pod, _is_hostname, _begins_id, _begins_name)
