"""To which service a process belongs: its container, its systemd unit, else its program."""

from __future__ import annotations

from sigscope.model.host import Host
from sigscope.model.process import Process

SERVICE = ".service"
RUNTIMES = (
    "containerd-shim",
    "conmon",
    "runc",
    "crun",
    "docker-containe",
    "systemd-nspawn",
    "lxc-start",
)
"""Programs that start the init of a container, and stop it with SIGTERM; comm is cut at 15."""


def service_of(process: Process) -> str:
    """What a person calls it.

    >>> from sigscope.model import State
    >>> service_of(Process(7, 1, 1, "cron", 0, State.SLEEPING, (), None, None, None))
    'cron'
    """
    if process.container is not None:
        return str(process.container)
    return process.unit or process.comm


def in_container(host: Host, process: Process) -> bool:
    """Does a container runtime answer for it, by its cgroup or by who started it?"""
    if process.container is not None:
        return True
    parent = host.parent(process)
    return parent is not None and parent.comm.startswith(RUNTIMES)


def contained_init(host: Host, process: Process) -> bool:
    """Is it PID 1 of a pid namespace, and not the init of the machine?

    Seen from within a container its init is 1 and has no other number: then the namespace of
    the /proc that was read decides, and where that is not known nothing is claimed.
    """
    if process.pid == 1:
        return host.whole_machine is False
    return process.namespace_init


def service_main(host: Host, process: Process) -> bool:
    """Is it the topmost process of a systemd service?"""
    if process.unit is None or not process.unit.endswith(SERVICE):
        return False
    parent = host.parent(process)
    return parent is None or parent.unit != process.unit
