"""Where we ourselves run, and as whom: what decides what the kernel shows us."""

from __future__ import annotations

from enum import Enum

from sigscope.model.capability import has
from sigscope.model.gap import Gap
from sigscope.model.value import dataclass


class Surroundings(Enum):
    """Who made the place: that decides what is to be typed to open it."""

    HOST = "host"
    DOCKER = "docker"
    PODMAN = "podman"
    KUBERNETES = "kubernetes"
    CONTAINER = "container"
    """Of a runtime that leaves no sign."""


@dataclass(frozen=True, slots=True)
class Place:
    """None is what could not be read; ``gaps`` says why.

    ``uids`` and ``gids`` are real, effective, saved and of the file system; capabilities are a
    bit each (``model.capability``).
    """

    uids: tuple[int, ...] = ()
    gids: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    effective: int | None = None
    permitted: int | None = None
    bounding: int | None = None
    no_new_privs: bool | None = None
    seccomp: int | None = None
    """Of ourselves: 0 none, 1 strict, 2 filters."""
    filters: int | None = None
    refused_calls: frozenset[str] = frozenset()
    """System calls that our own filter does not let through, of those that were tried."""
    surroundings: Surroundings = Surroundings.HOST
    user_namespace: str | None = None
    """Its number, as the link in /proc names it."""
    initial_user_namespace: bool | None = None
    uid_map: str | None = None
    initial_pid_namespace: bool | None = None
    yama: int | None = None
    hidepid: str | None = None
    """What the mount of /proc hides, if anything (proc(5))."""
    hidepid_gid: int | None = None
    """The group that hidepid does not hold for."""
    own_proc: bool | None = None
    """Is /proc that of our own pid namespace, and of this kernel?"""
    lockdown: str | None = None
    """none, integrity or confidentiality (kernel_lockdown(7))."""
    label: str | None = None
    """Of AppArmor or SELinux; "" if there is none."""
    perf_event_paranoid: int | None = None
    unprivileged_bpf_disabled: int | None = None
    tracefs: str | None = None
    """Where it is mounted; "" if it is not."""
    tracefs_readable: bool | None = None
    tracefs_writable: bool | None = None
    """May an instance of our own be made there?"""
    btf: bool | None = None
    read_only_root: bool | None = None
    records: str = ""
    """Where ``unblock`` keeps its records."""
    records_writable: bool | None = None
    hostname: str = ""
    words: tuple[str, ...] = ("sigscope",)
    """How we were called, as it can be typed again from anywhere."""
    raising: str | None = None
    """The program that makes one root here: sudo, doas or su; None if there is none."""
    systemd: bool = False
    """Is systemd the manager of this host?"""
    gaps: tuple[Gap, ...] = ()

    @property
    def uid(self) -> int:
        """The effective one; -1 if not known."""
        return self.uids[1] if len(self.uids) > 1 else -1

    def holds(self, *names: str) -> bool:
        """Are these capabilities in effect?"""
        return has(self.effective or 0, *names)

    def could_hold(self, *names: str) -> bool:
        """Would root have them here? What is not in the bounding set is not to be had."""
        return self.bounding is None or has(self.bounding, *names)


@dataclass(frozen=True, slots=True)
class Equipment:
    """What is installed: the kernel's configuration, Python, and the packages that are used.

    ``kernel`` holds options and their values ("y", "m" or "n"); empty if it is not readable.
    """

    machine: str
    release: str
    python: str
    packages: tuple[tuple[str, str | None], ...]
    """Name and version; None if it is not installed."""
    kernel: tuple[tuple[str, str], ...] = ()
    kernel_from: str | None = None
    gaps: tuple[Gap, ...] = ()
