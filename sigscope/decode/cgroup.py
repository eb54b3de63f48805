r"""/proc/PID/cgroup (cgroups(7)): which container and which systemd unit.

The runtimes name the leaf after the container: ``docker-ID.scope``, ``/docker/ID``,
``cri-containerd-ID.scope``, ``crio-ID.scope``, ``libpod-ID.scope``, and a bare ID below
``kubepods`` where the cgroupfs driver is used. The text is of the target's making where it
has a cgroup namespace of its own: what does not fit exactly is no container.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sigscope.decode.text import decode_text
from sigscope.model.container import Container

_ID = r"(?P<id>[0-9a-f]{64})"
_RUNTIMES = (
    ("docker", re.compile(rf"(?:^|/)docker-{_ID}\.scope")),
    ("docker", re.compile(rf"/docker/{_ID}")),
    ("containerd", re.compile(rf"cri-containerd[-:]{_ID}")),
    ("containerd", re.compile(rf"/(?:default|k8s\.io|moby)/{_ID}")),
    ("cri-o", re.compile(rf"/crio-(?:conmon-)?{_ID}")),
    ("podman", re.compile(rf"/libpod-(?:payload-)?{_ID}")),
    ("kubernetes", re.compile(rf"/kubepods[^\n]*/{_ID}")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./](?P<id>[A-Za-z0-9_.-]{1,64})")),
)
PATH_MAX = 4096
_UNIT = re.compile(r"/([A-Za-z0-9:_.\\@-]{1,255}\.(?:service|scope|socket))(?=/|$)")


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
    container = next(
        (
            Container(runtime, match["id"])
            for runtime, pattern in _RUNTIMES
            for path in paths
            if (match := pattern.search(path))
        ),
        None,
    )
    units = [unit for path in paths for unit in _UNIT.findall(path)]
    return Placement(container, units[-1] if units else None)
