r"""/proc/PID/cgroup (cgroups(7)): which container and which systemd unit.

The runtimes name the leaf after the container: ``docker-ID.scope``, ``/docker/ID``,
``cri-containerd-ID.scope``, ``crio-ID.scope``, ``libpod-ID.scope``, and a bare ID below
``kubepods`` where the cgroupfs driver is used. The text is of the target's making where it
has a cgroup namespace of its own: what does not fit exactly is no container.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sigscope.decode.text import decode_text
from sigscope.model.container import Container
from sigscope.model.value import dataclass

_ID_LENGTH = 64
_ID = rf"(?P<id>[0-9a-f]{{{_ID_LENGTH}}})"
_RUNTIMES = (
    ("docker", rf"(?:^|/)docker-{_ID}\.scope"),
    ("docker", rf"/docker/{_ID}"),
    ("containerd", rf"cri-containerd[-:]{_ID}"),
    ("containerd", rf"/(?:default|k8s\.io|moby)/{_ID}"),
    ("cri-o", rf"/crio-(?:conmon-)?{_ID}"),
    ("podman", rf"/libpod-(?:payload-)?{_ID}"),
    ("kubernetes", rf"/kubepods[^\n]*/{_ID}"),
    ("lxc", r"/lxc(?:\.payload)?[./](?P<id>[A-Za-z0-9_.-]{1,64})"),
)
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
    """Most processes live in none, and no pattern is tried on a path too short to name one."""
    telling = [path for path in paths if len(path) > _ID_LENGTH or "/lxc" in path]
    for runtime, pattern in _RUNTIMES:
        for path in telling:
            if match := re.search(pattern, path):
                return Container(runtime, match["id"])
    return None


def _is_unit(name: str) -> bool:
    return (
        name.endswith(_UNIT_KINDS)
        and name not in _UNIT_KINDS
        and len(name) <= _LONGEST_UNIT
        and name.isascii()
        and name.translate(_UNIT_SIGNS).isalnum()
    )
