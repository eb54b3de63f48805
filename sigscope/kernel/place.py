"""Reading the place that we run in: a few small files, below a root that may be a recorded one.

What only this very process can tell (which system calls its filter lets through, how it was
called) is asked for the root "" alone. A file that is not there, or not for us, is a gap.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from sigscope.decode.cgroup import decode_cgroup
from sigscope.decode.credentials import Credentials, decode_credentials, whole_uid_map
from sigscope.decode.host import decode_hidepid
from sigscope.decode.surroundings import decode_lockdown, decode_mounts, decode_read_only
from sigscope.decode.text import decode_text
from sigscope.model.gap import Gap
from sigscope.model.place import Place, Surroundings

INITIAL = {"user": 4026531837, "pid": 4026531836, "uts": 4026531838, "ipc": 4026531839}
"""The first namespaces have the same numbers on every kernel (include/linux/proc_ns.h)."""
_LARGEST = 1 << 20
_SIGNS = {
    "var/run/secrets/kubernetes.io": Surroundings.KUBERNETES,
    "run/secrets/kubernetes.io": Surroundings.KUBERNETES,
    ".dockerenv": Surroundings.DOCKER,
    "run/.containerenv": Surroundings.PODMAN,
}
_RUNTIMES = {
    "docker": Surroundings.DOCKER,
    "podman": Surroundings.PODMAN,
    "kubernetes": Surroundings.KUBERNETES,
    "containerd": Surroundings.KUBERNETES,
    "cri-o": Surroundings.KUBERNETES,
}
_USUAL_PLACES = ("/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/bin", "/sbin")
"""Where root's PATH finds a program, too."""

T = TypeVar("T")


def here() -> Place:
    """The place of this process; it is read once, until its users change."""
    return _here(os.getpid(), os.getresuid())


@functools.lru_cache(maxsize=2)
def _here(_pid: int, _uids: tuple[int, int, int]) -> Place:
    place = read_place()
    if not place.seccomp:
        return place
    from sigscope.kernel.ownfilter import refused_calls

    return replace(place, refused_calls=refused_calls())


def read_place(root: str = "") -> Place:
    """The place whose files lie below ``root``; never fails."""
    reading = _Reading(root)
    status = decode_credentials(reading.file("proc/self/status", "who we are") or b"")
    mounts = reading.file("proc/self/mountinfo", "mounts") or b""
    lockdown = reading.optional("sys/kernel/security/lockdown")
    tracefs = next((path for path, _ in decode_mounts(mounts, "tracefs")), "")
    events, instances = (f"{tracefs.strip('/')}/{name}" for name in ("events", "instances"))
    uid_map = reading.file("proc/self/uid_map", "user namespace")
    user = reading.link("proc/self/ns/user", "user namespace")
    pid = reading.link("proc/self/ns/pid", "pid namespace")
    return Place(
        **_own(status),
        surroundings=_surroundings(reading, pid),
        user_namespace=user,
        initial_user_namespace=None if uid_map is None else _first(user, uid_map),
        uid_map=None if uid_map is None else " ".join(decode_text(uid_map).split()),
        initial_pid_namespace=None if pid is None else _number(pid) == INITIAL["pid"],
        yama=reading.number("proc/sys/kernel/yama/ptrace_scope"),
        hidepid=decode_hidepid(mounts),
        hidepid_gid=_hidepid_gid(mounts),
        own_proc=_own_proc(root),
        lockdown=None if lockdown is None else decode_lockdown(lockdown),
        label=_label(reading),
        perf_event_paranoid=reading.number("proc/sys/kernel/perf_event_paranoid"),
        unprivileged_bpf_disabled=reading.number("proc/sys/kernel/unprivileged_bpf_disabled"),
        tracefs=tracefs,
        tracefs_readable=reading.can_list(events) if tracefs else None,
        tracefs_writable=reading.can_write(instances) if tracefs else None,
        btf=reading.can_read("sys/kernel/btf/vmlinux"),
        read_only_root=decode_read_only(mounts),
        hostname=decode_text(reading.optional("proc/sys/kernel/hostname") or b"").strip(),
        words=("sigscope",) if root else _words(),
        raising=reading.first_program("sudo", "doas", "su"),
        systemd=reading.there("run/systemd/system"),
        gaps=tuple(reading.gaps),
    )


def _own(status: Credentials) -> dict[str, Any]:
    names = ("uids gids groups effective permitted bounding no_new_privs seccomp filters").split()
    return {name: getattr(status, name) for name in names}


class _Reading:
    """Files below a root; what was looked for in vain is a gap."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.live = not root
        self.gaps: list[Gap] = []

    def path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _tried(self, name: str, read: Callable[[str], T], what: str) -> T | None:
        try:
            return read(self.path(name))
        except OSError as error:
            if what:
                self.gaps.append(Gap(what, f"/{name}: {error.strerror or 'unreadable'}"))
            return None

    def file(self, name: str, what: str) -> bytes | None:
        """What every Linux has: a gap if it is missing."""
        return self._tried(name, _contents, what)

    def optional(self, name: str) -> bytes | None:
        """What a kernel may be built without, or an administrator may hide."""
        return self._tried(name, _contents, f"/{name}")

    def link(self, name: str, what: str) -> str | None:
        return self._tried(name, os.readlink, what)

    def number(self, name: str) -> int | None:
        text = self.optional(name)
        word = b"" if text is None else text.strip()
        return int(word) if word.lstrip(b"-").isdigit() and len(word) < 10 else None

    def there(self, name: str) -> bool:
        return os.path.lexists(self.path(name))

    def can_read(self, name: str) -> bool:
        """Is it there and for us? One byte is tried."""
        try:
            with open(self.path(name), "rb") as file:
                file.read(1)
        except OSError:
            return False
        return True

    def can_list(self, name: str) -> bool:
        try:
            with os.scandir(self.path(name)):
                return True
        except OSError:
            return False

    def can_write(self, name: str) -> bool:
        return os.access(self.path(name), os.W_OK | os.X_OK)

    def first_program(self, *names: str) -> str | None:
        found = (name for name in names for folder in _USUAL_PLACES if self._is(folder, name))
        return next(found, None)

    def _is(self, folder: str, name: str) -> bool:
        return os.path.isfile(self.path(f"{folder.strip('/')}/{name}"))


def _contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LARGEST)


def _number(link: str) -> int:
    digits = link.partition("[")[2].rstrip("]")
    return int(digits) if digits.isdigit() and len(digits) < 20 else 0


def _first(user: str | None, uid_map: bytes) -> bool:
    """A namespace below the first one may map all users to themselves, too."""
    return whole_uid_map(uid_map) if user is None else _number(user) == INITIAL["user"]


def _surroundings(reading: _Reading, pid: str | None) -> Surroundings:
    """A file that an image brings along makes no container: its namespaces do."""
    links = {"pid": pid}
    for kind in ("uts", "ipc"):
        try:
            links[kind] = os.readlink(reading.path(f"proc/self/ns/{kind}"))
        except OSError:
            links[kind] = None
    if all(link is None or _number(link) == INITIAL[kind] for kind, link in links.items()):
        return Surroundings.HOST
    if reading.live and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return Surroundings.KUBERNETES
    for name, surroundings in _SIGNS.items():
        if reading.there(name):
            return surroundings
    try:
        container = decode_cgroup(_contents(reading.path("proc/self/cgroup"))).container
    except OSError:
        container = None
    runtime = container.runtime if container is not None else ""
    return _RUNTIMES.get(runtime, Surroundings.CONTAINER)


def _hidepid_gid(mounts: bytes) -> int | None:
    for path, options in decode_mounts(mounts, "proc"):
        if path == "/proc":
            found = (word[4:] for word in options if word.startswith("gid="))
            return next((int(word) for word in found if word.isdigit()), None)
    return None


def _own_proc(root: str) -> bool | None:
    """A /proc of another pid namespace has no entry for us, or somebody else's."""
    try:
        return root != "" or os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def _label(reading: _Reading) -> str | None:
    """Of the security module that decides; a kernel without one refuses the file."""
    try:
        text = _contents(reading.path("proc/self/attr/current"))
    except OSError:
        return ""
    return decode_text(text.rstrip(b"\0\n"))


def _words() -> tuple[str, ...]:
    """How this command is typed from anywhere: a program that only our PATH finds, by its path."""
    first, *rest = sys.argv or [""]
    name = os.path.basename(first)
    if name == "__main__.py":
        return (sys.executable, "-m", "sigscope", *rest)
    found = _found(name) if "/" not in first else os.path.abspath(first)
    if found is None or os.path.dirname(found) in _USUAL_PLACES:
        return (name or "sigscope", *rest)
    return (found, *rest)


def _found(name: str) -> str | None:
    """The program of this name (shutil takes long to load)."""
    paths = (os.path.join(folder, name) for folder in os.get_exec_path())
    return next((path for path in paths if os.path.isfile(path)), None)
