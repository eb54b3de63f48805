"""Where a process lives, as its cgroup path tells."""

from __future__ import annotations

from sigscope.model.value import dataclass


@dataclass(frozen=True, slots=True)
class Container:
    """A container by its runtime (docker, containerd, cri-o, podman) and its id.

    >>> Container("docker", "4e5f" * 16).short
    '4e5f4e5f4e5f'
    """

    runtime: str
    id: str

    @property
    def short(self) -> str:
        """The first twelve characters, as ``docker ps`` prints them."""
        return self.id[:12]
