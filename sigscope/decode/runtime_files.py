"""What a container runtime has written down of a container: its name, its pod.

Docker's config.v2.json, the configuration of the OCI runtime specification (config.json, with
annotations of containerd, cri-o and podman), runc's state.json (libcontainer), and
containers.json of containers/storage. All of it is JSON of somebody else: what is not of the
shape that is expected is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sigscope.model.value import dataclass

LONGEST = 255


@dataclass(frozen=True, slots=True)
class Named:
    """What is known of a container beside its id."""

    name: str | None = None
    pod: str | None = None


NOTHING = Named()
_NAMES = (
    "io.kubernetes.container.name",
    "io.kubernetes.cri.container-name",
    "nerdctl/name",
)
_PODS = ("io.kubernetes.pod.name", "io.kubernetes.cri.sandbox-name")
_NAMESPACES = ("io.kubernetes.pod.namespace", "io.kubernetes.cri.sandbox-namespace")
_SANDBOXES = ("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")
"""The container of a pod that does nothing but hold its namespaces has no name of its own."""


def docker(content: Any, _: str) -> Named:
    """/var/lib/docker/containers/ID/config.v2.json.

    >>> docker({"Name": "/web", "Config": {"Labels": None}}, "")
    Named(name='web', pod=None)
    """
    found = _labelled(_at(content, "Config", "Labels"))
    name = _text(_at(content, "Name"))
    return Named(found.name or (name.removeprefix("/") if name else None), found.pod)


def oci(content: Any, _: str) -> Named:
    """config.json: the annotations."""
    return _labelled(_at(content, "annotations"))


def runc(content: Any, identifier: str) -> Named:
    """state.json: labels are a list of "key=value"; without a better one the id is the name."""
    lines = _at(content, "config", "labels")
    rows = [one.partition("=") for one in lines if isinstance(one, str)] if _is_list(lines) else []
    found = _labelled({key: value for key, _, value in rows})
    return Named(found.name or _chosen(identifier), found.pod)


def storage(content: Any, identifier: str) -> Named:
    """overlay-containers/containers.json: all containers of podman and cri-o, with their names."""
    for one in content if _is_list(content) else ():
        if _at(one, "id") == identifier:
            names = _at(one, "names")
            return Named(_text(names[0]) if _is_list(names) and names else None)
    return NOTHING


Reader = Callable[[Any, str], Named]
FILES: tuple[tuple[str, Reader], ...] = (
    ("/var/lib/docker/containers/{id}/config.v2.json", docker),
    ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json", oci),
    ("/run/containerd/io.containerd.runtime.v2.task/default/{id}/config.json", oci),
    ("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json", oci),
    ("/run/containers/storage/overlay-containers/{id}/userdata/config.json", oci),
    ("/var/lib/containers/storage/overlay-containers/{id}/userdata/config.json", oci),
    ("/var/lib/containers/storage/overlay-containers/containers.json", storage),
    ("/run/runc/{id}/state.json", runc),
    ("/run/crun/{id}/config.json", oci),
)
"""Where each runtime writes it, as the host's own root has it, and who reads it."""


def _labelled(labels: Any) -> Named:
    if not isinstance(labels, dict):
        return NOTHING
    pod, space = _first(labels, _PODS), _first(labels, _NAMESPACES)
    sandbox = _first(labels, _SANDBOXES) == "sandbox"
    return Named(
        None if sandbox else _first(labels, _NAMES),
        f"{space}/{pod}" if pod and space else pod,
    )


def _first(labels: dict[Any, Any], keys: tuple[str, ...]) -> str | None:
    return next((text for key in keys if (text := _text(labels.get(key)))), None)


def _chosen(identifier: str) -> str | None:
    """The id, where a person chose it; 64 digits are a runtime's."""
    return None if len(identifier) == 64 else identifier


def _at(content: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(content, dict):
            return None
        content = content.get(key)
    return content


def _is_list(content: Any) -> bool:
    return isinstance(content, list)


def _text(content: Any) -> str | None:
    return content[:LONGEST] if isinstance(content, str) and content else None
