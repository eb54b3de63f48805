"""Where a process lives: its container, and all that lives in there with it."""

from __future__ import annotations

from collections.abc import Mapping

from sigscope.model.value import dataclass

UNKNOWN = "unknown"
"""A runtime that leaves no sign that we know."""
PID_NAMESPACE = "pid namespace"
"""In place of a runtime: nothing but a pid namespace of its own tells these processes apart."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container by its runtime (docker, containerd, cri-o, podman) and its id.

    ``name`` and ``pod`` ("namespace/name") are what the runtime has written down, ``pod_uid``
    stands in the cgroup path, and ``hostname`` is what the container's own /etc/hostname says.

    >>> Container("docker", "4e5f" * 16).short, Container("docker", "4e5f" * 16, "web").label
    ('4e5f4e5f4e5f', 'web')
    """

    runtime: str
    id: str
    name: str | None = None
    pod: str | None = None
    pod_uid: str | None = None
    hostname: str | None = None

    @property
    def short(self) -> str:
        """The first twelve characters, as ``docker ps`` prints them; other ids whole."""
        return self.id[:12] if _is_hex(self.id) else self.id

    @property
    def label(self) -> str:
        """What a person calls it, where that is known; else its short id."""
        return self.name or self.short

    @property
    def key(self) -> tuple[str, str]:
        """Which container it is, whatever else is known of it."""
        return self.runtime, self.id

    def __str__(self) -> str:
        """ "docker container web", as it is told to people."""
        if self.runtime == PID_NAMESPACE:
            return f"{self.runtime} {self.id}"
        pod = f" of pod {self.pod}" if self.pod else ""
        runtime = "" if self.runtime == UNKNOWN else f"{self.runtime} "
        return f"{runtime}container {self.label}{pod}"


def _is_hex(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of one container, by the pids of whoever looks.

    ``init`` is its first process, ``depth`` in how many pid namespaces below the looker's they
    are numbered (0: they share it), and ``inside`` the pid in there of each, where that is known.
    """

    container: Container
    pids: tuple[int, ...]
    init: int
    depth: int
    inside: Mapping[int, int]
