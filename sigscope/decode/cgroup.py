r"""/proc/PID/cgroup (cgroups(7)): which container and which systemd unit.

The runtimes name the leaf after the container: ``docker-ID.scope``, ``/docker/ID``,
``cri-containerd-ID.scope``, ``crio-ID.scope``, ``libpod-ID.scope``, ``runc-ID.scope``, and a bare
ID below ``kubepods`` where the cgroupfs driver is used; from within a cgroup namespace, a
neighbour's is ``/../ID``. The text is of the target's making where it has a cgroup namespace of
its own: what does not fit exactly is no container.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sigscope.decode.text import decode_text
from sigscope.model.container import UNKNOWN, Container
from sigscope.model.value import dataclass

_ID_LENGTH = 64
_ID = rf"(?P<id>[0-9a-f]{{{_ID_LENGTH}}})"
_NAME = r"(?P<id>[A-Za-z0-9][A-Za-z0-9_.+-]{0,127})"
_RUNTIMES = (
    ("docker", rf"(?:^|/)docker-{_ID}\.scope"),
    ("docker", rf"/docker/{_ID}"),
    ("containerd", rf"cri-containerd[-:]{_ID}"),
    ("containerd", rf"/nerdctl-{_ID}"),
    ("containerd", rf"/(?:default|k8s\.io|moby)/{_ID}"),
    ("cri-o", rf"/crio-{_ID}"),
    ("podman", rf"/libpod-(?:payload-)?{_ID}"),
    ("kubernetes", rf"/kubepods[^\n]*/{_ID}"),
    ("lxc", r"/lxc(?:\.payload)?[./](?P<id>[A-Za-z0-9_.-]{1,64})"),
    ("systemd-nspawn", rf"/machine-{_NAME}\.scope/payload"),
    ("systemd-nspawn", rf"/systemd-nspawn@{_NAME}\.service/payload"),
    ("runc", rf"/runc-{_NAME}\.scope"),
    ("crun", rf"/crun-{_NAME}\.scope"),
    (UNKNOWN, rf"/\.\./{_ID}(?:\.scope)?(?=/|$)"),
)
_SIGNS = ("/lxc", "/machine-", "nspawn@", "/runc-", "/crun-")
"""In paths of containers whose name may be shorter than an id."""
_POD = r"[/-]pod(?P<uid>[0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?=[./]|$)"
PATH_MAX = 4096
_UNIT_KINDS = (".service", ".scope", ".socket")
_UNIT_SIGNS = dict.fromkeys(map(ord, r":_.\@-"))
_LONGEST_UNIT = 255


@dataclass(frozen=True, slots=True)
class Placement:
    """The container and the systemd unit that a process lives in."""

    container: Container | None
    unit: str | None


def decode_cgroup(data: bytes) -> Placement:
    r"""The first line that names a container, and the innermost unit.

    >>> decode_cgroup(b"0::/system.slice/nginx.service\n")
    Placement(container=None, unit='nginx.service')
    >>> decode_cgroup(b"0::/docker/" + b"4e" * 32 + b"\n").container.short
    '4e4e4e4e4e4e'
    """
    lines = decode_text(data).split("\n")
    paths = [line.split(":", 2)[-1][:PATH_MAX] for line in lines]
    units = [part for path in paths for part in path.split("/")[1:] if _is_unit(part)]
    return Placement(_container(paths), units[-1] if units else None)


def _container(paths: Iterable[str]) -> Container | None:
    """The innermost; of what fits at one place, the first.

    Most processes live in none, and no pattern is tried on a path too short to name one.
    """
    telling = [
        path for path in paths if len(path) > _ID_LENGTH or any(sign in path for sign in _SIGNS)
    ]
    for path in telling:
        found: Container | None = None
        end = -1
        for runtime, pattern in _RUNTIMES:
            for match in re.finditer(pattern, path):
                if match.end("id") > end:
                    found = Container(runtime, match["id"], pod_uid=_pod(path))
                    end = match.end("id")
        if found is not None:
            return found
    return None


def _pod(path: str) -> str | None:
    """The uid of the pod; systemd's driver writes it with underscores."""
    match = re.search(_POD, path)
    return match["uid"].replace("_", "-") if match else None


def unknown_container(own: bytes, around: bytes) -> Container | None:
    r"""A container of a runtime that we do not know, by the name of its own cgroup.

    ``own`` is the cgroup file of a process in a pid namespace, ``around`` that of an ancestor
    outside of it: without a cgroup of its own it is no container, nor is a systemd unit one.

    >>> unknown_container(b"1:pids:/box/a1\n0::/\n", b"1:pids:/\n0::/\n")
    Container(runtime='unknown', id='a1', name=None, pod=None, pod_uid=None, hostname=None)
    >>> unknown_container(b"0::/a.service\n", b"0::/\n") is None
    True
    """
    outside = set(decode_text(around).split("\n"))
    for line in decode_text(own).split("\n"):
        leaf = line.rpartition("/")[2][:_LONGEST_UNIT]
        if line not in outside and leaf not in ("", "..") and not _is_unit(leaf):
            return Container(UNKNOWN, leaf)
    return None


def _is_unit(name: str) -> bool:
    return (
        name.endswith(_UNIT_KINDS)
        and name not in _UNIT_KINDS
        and len(name) <= _LONGEST_UNIT
        and name.isascii()
        and name.translate(_UNIT_SIGNS).isalnum()
    )
