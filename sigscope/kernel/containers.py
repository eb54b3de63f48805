"""Which container each process lives in, by its cgroup, its pid namespace and its runtime.

The cgroup path tells runtime and id. Names and pods stand in the files of the runtime, which
are looked for below the root of PID 1: that is the host's own, wherever we ourselves live. A
runtime that we do not know leaves a pid namespace and a cgroup of its own, or the namespace alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from sigscope.decode.cgroup import unknown_container
from sigscope.decode.runtime_files import FILES, LONGEST, NOTHING, Named, storage
from sigscope.kernel.hostfiles import host_files
from sigscope.kernel.procfs import ProcFS
from sigscope.model.container import UNKNOWN, Container
from sigscope.model.host import Host
from sigscope.model.process import Process

if TYPE_CHECKING:
    from sigscope.kernel.rooted import RootedFiles

RECORD = "container"
"""Its name in a snapshot, beside the files of the process."""
_LARGEST = 1 << 20
_FUSE = 0x65735546
_HOSTNAME = "/etc/hostname"
_LONGEST_HOSTNAME = 64


def read_containers(
    procfs: ProcFS, host: Host, pids: Iterable[int], hostnames: bool = True
) -> Host:
    """The host with the whole ``container`` of these processes, whose cgroups have been read.

    ``pid_namespace`` is filled for those in a namespace below ours. With ``hostnames``, a file of
    each container itself is read, too; without, the namespaces of those whose cgroup tells all
    are left out.
    """
    seen = dict(host.processes)
    files = _Files(procfs, hostnames)
    cgroups: dict[int, bytes] = {}
    named: dict[tuple[str, str], Container] = {}
    try:
        for pid in pids:
            process = seen.get(pid)
            if process is None or process.kernel_thread:
                continue
            container, space = process.container, process.pid_namespace
            if len(process.nspid) > 1:
                # What a cgroup tells is enough, if many are asked for.
                if hostnames or container is None:
                    space = _namespace(procfs, pid)
                if container is None:
                    container = _unknown(procfs, host, process, cgroups)
            if container is not None:
                if container.key not in named:
                    named[container.key] = files.named(host, container, pid)
                container = named[container.key]
            if (container, space) != (process.container, process.pid_namespace):
                seen[pid] = replace(process, container=container, pid_namespace=space)
    finally:
        files.close()
    return replace(host, processes=MappingProxyType(seen))


def _namespace(procfs: ProcFS, pid: int) -> int | None:
    """The inode of its pid namespace; None if that is refused."""
    try:
        with procfs.enter(pid) as directory:
            text = directory.link("ns/pid")
    except OSError:
        return None
    number = text.removeprefix("pid:[").removesuffix("]")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else None


def _unknown(
    procfs: ProcFS, host: Host, process: Process, cgroups: dict[int, bytes]
) -> Container | None:
    """By its own cgroup, if it is another than that of its nearest ancestor outside."""

    def cgroup(pid: int) -> bytes:
        if pid not in cgroups:
            try:
                with procfs.enter(pid) as directory:
                    cgroups[pid] = directory.record("cgroup")
            except OSError:
                cgroups[pid] = b""
        return cgroups[pid]

    for one in host.ancestors(process):
        if 0 < len(one.nspid) < len(process.nspid):
            return unknown_container(cgroup(process.pid), cgroup(one.pid))
    return None


class _Files:
    """The files of the runtimes, below the root of PID 1; opened when they are first wanted."""

    def __init__(self, procfs: ProcFS, hostnames: bool) -> None:
        self._procfs = procfs
        self._root: RootedFiles | None = None
        self._opened = False
        self._lists: dict[str, object] = {}
        self._places: dict[str, bool] = {}
        self._hostnames = hostnames

    def named(self, host: Host, container: Container, pid: int) -> Container:
        """The same, with all that is told of it; ``pid`` is one of its processes."""
        if self._procfs.recorded:
            return _recorded(self._procfs, container, pid)
        if not self._procfs.path:
            return container
        said, place = self._said(container)
        runtime = container.runtime
        if runtime == UNKNOWN and place.startswith(("/run/runc/", "/run/crun/")):
            runtime = place.split("/")[2]
        hostname = self._hostname(pid) if self._hostnames else None
        if hostname == host.name or (hostname and container.id.startswith(hostname)):
            hostname = None  # it says nothing of its own
        return replace(container, runtime=runtime, name=said.name, pod=said.pod, hostname=hostname)

    def _said(self, container: Container) -> tuple[Named, str]:
        root = self._rooted()
        found, place = NOTHING, ""
        if root is None or "/" in container.id:
            return found, place
        for pattern, reader in FILES:
            if not self._has(root, pattern.partition("{id}")[0]):
                continue
            path = pattern.format(id=container.id)
            content = self._content(root, path, keep=reader is storage)
            if content is None:
                continue
            said = reader(content, container.id)
            found = Named(found.name or said.name, found.pod or said.pod)
            place = place or path
            if found.name:
                break
        return found, place

    def _has(self, root: RootedFiles, place: str) -> bool:
        """Is that runtime here at all? Asked once, and not for each of hundreds of containers."""
        if place not in self._places:
            self._places[place] = root.exists(place)
        return self._places[place]

    def _content(self, root: RootedFiles, path: str, keep: bool) -> object:
        """The JSON of a file; None where there is none that could be read."""
        if path in self._lists:
            return self._lists[path]
        content: object = None
        with suppress(OSError, ValueError, RecursionError):
            content = json.loads(root.read(path, _LARGEST))
        if keep:
            self._lists[path] = content
        return content

    def _rooted(self) -> RootedFiles | None:
        if not self._opened:
            self._opened = True
            self._root = host_files(self._procfs.path)
        return self._root

    def _hostname(self, pid: int) -> str | None:
        """As the container's own file says, which may say anything; not on FUSE, which may hang."""
        from sigscope.kernel.rooted import RootedFiles

        try:
            with RootedFiles(pid, self._procfs.path) as files:
                if files.file_system == _FUSE:
                    return None
                text = files.read(_HOSTNAME, LONGEST).decode("ascii").strip()
        except (OSError, ValueError):
            return None
        return text if 0 < len(text) <= _LONGEST_HOSTNAME and text.isprintable() else None

    def close(self) -> None:
        if self._root is not None:
            self._root.close()


def _recorded(procfs: ProcFS, container: Container, pid: int) -> Container:
    """What a snapshot holds of it."""
    try:
        content = json.loads(procfs.root.read(f"{pid}/{RECORD}"))
    except (OSError, ValueError, RecursionError):
        return container
    if not isinstance(content, dict) or content.get("id") != container.id:
        return container
    return replace(
        container,
        runtime=_text(content.get("runtime")) or container.runtime,
        name=_text(content.get("name")),
        pod=_text(content.get("pod")),
        hostname=_text(content.get("hostname")),
    )


def _text(content: object) -> str | None:
    return content[:LONGEST] if isinstance(content, str) and content else None


def encode_container(container: Container) -> bytes:
    """What a snapshot keeps of it, beside the cgroup."""
    keys = ("runtime", "id", "name", "pod", "hostname")
    return json.dumps({key: getattr(container, key) for key in keys}).encode()


def named_pids(host: Host) -> Iterator[tuple[int, Container]]:
    """Processes of containers."""
    for pid, process in host.processes.items():
        if process.container is not None:
            yield pid, process.container
