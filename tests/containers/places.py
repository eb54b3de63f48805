"""The places from which sigscope is asked: the host, inside a container, and beside one.

Each place has one target and runs real commands. Beside means: in a container of its own that
shares the target's pid namespace, as ``docker run --pid=container:X`` and shareProcessNamespace
make it. sigscope itself, and the interpreter that runs the tests, are mounted read-only in there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.harness import proc
from tests.harness.command import TREE, Said
from tests.harness.containers import Container
from tests.seccomp.profiles import CONTAINER_CALLS, NAMESPACES

Config = dict[str, Any]
Change = Callable[[Config], None]

PATIENCE = 300.0
HERE = "/opt/sigscope"
NOBODY = 65534
TARGET = ("sleep", "3600")
DOCKER = tuple(
    f"CAP_{name}"
    for name in (
        "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
        "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    ).split()
)
"""What Docker leaves to a container (moby, oci/caps/defaults.go)."""
_ALL = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
"""In the order of include/uapi/linux/capability.h."""
_FOR_CAPABILITIES = {
    "CAP_SYS_ADMIN": (
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount "
        "mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
        "sethostname setns syslog umount umount2 unshare"
    ),
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}
"""Calls that Docker's profile allows with a capability (moby, profiles/seccomp/default.json)."""


def everything() -> tuple[str, ...]:
    """All capabilities that we ourselves may give away."""
    held = int(proc.status(os.getpid())["CapPrm"], 16)
    return tuple(f"CAP_{name}" for bit, name in enumerate(_ALL) if held >> bit & 1)


def docker_profile(capabilities: Iterable[str], without: Iterable[str] = ()) -> Config:
    """linux.seccomp as Docker makes it of its default profile for these capabilities."""
    calls = set(CONTAINER_CALLS) - set(without)
    for name in capabilities:
        calls |= set(_FOR_CAPABILITIES.get(name, "").split())
    plain = {"names": sorted(calls), "action": "SCMP_ACT_ALLOW"}
    mask = {"index": 0, "value": NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    rules = [plain, _rule("socket", {"index": 0, "value": 40, "op": "SCMP_CMP_NE"})]
    for value in (0, 8, 0x20000, 0x20008, 0xFFFFFFFF):
        rules.append(_rule("personality", {"index": 0, "value": value, "op": "SCMP_CMP_EQ"}))
    if "clone" not in calls:
        rules.append(_rule("clone", mask))
        rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    }


def _rule(name: str, argument: Config) -> Config:
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": [argument]}


DRIVER = """
import json, os, sys
from sigscope.cli.main import main
import sigscope.render.document

def asked(words):
    files = [os.memfd_create(name) for name in ("out", "err")]
    child = os.fork()
    if not child:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        for number, file in enumerate(files, 1):
            os.dup2(file, number)
        status = 99
        try:
            status = main(words)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = [os.pread(file, 1 << 24, 0).decode(errors="replace") for file in files]
    for file in files:
        os.close(file)
    return [status, *said]

json.dump([asked(words) for words in json.loads(sys.argv[1])], sys.stdout)
"""
"""Many commands for one start of the interpreter: each in a child of its own."""


@dataclass(frozen=True)
class Spot:
    """A place that is open: ``target`` is the pid that the target has there."""

    target: int
    execute: Callable[[Sequence[str]], subprocess.CompletedProcess[str]]

    def run(self, *args: str | int) -> Said:
        """``sigscope ARGS`` there."""
        (said,) = self.run_each([args])
        return said

    def run_each(self, calls: Iterable[Sequence[str | int]]) -> list[Said]:
        """Several commands, one after the other."""
        words = json.dumps([[str(word) for word in call] for call in calls])
        ran = self.execute([sys.executable, "-c", DRIVER, words])
        assert ran.returncode == 0, ran.stderr or ran.stdout
        return [Said(*one) for one in json.loads(ran.stdout)]

    def ask(self, code: str) -> str:
        """What a program says that is not sigscope: the kernel's own word on this place."""
        ran = self.execute([sys.executable, "-c", code])
        assert ran.returncode == 0, ran.stderr or ran.stdout
        return ran.stdout


class Opening(ExitStack):
    """What a place is made of. ``program`` is a file to be the target, in system call ``call``."""

    program: str | None = None
    call = "clock_nanosleep"


@dataclass(frozen=True)
class Place:
    """``name`` is for tests, ``what`` for people; ``begin`` makes it, and the stack ends it."""

    name: str
    what: str
    begin: Callable[[Opening], Spot]

    @contextmanager
    def open(self, program: str | None = None, call: str = Opening.call) -> Iterator[Spot]:
        """With a ``program`` of this host as the target, which then sits in ``call``."""
        with Opening() as stack:
            stack.program, stack.call = program, call
            yield self.begin(stack)


ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "COLUMNS": "80",
    "PYTHONPATH": HERE,
    "PYTHONDONTWRITEBYTECODE": "1",
}


def _mounts() -> list[Config]:
    """sigscope, the interpreter that runs it here, and a file with users."""
    prefixes = dict.fromkeys((sys.prefix, sys.base_prefix, os.path.dirname(sys.executable)))
    elsewhere = [path for path in prefixes if not path.startswith(("/usr", "/bin"))]
    pairs = [(str(TREE), HERE), *((path, path) for path in elsewhere)]
    mounts = [
        {"destination": inside, "source": path, "type": "bind", "options": ["rbind", "ro"]}
        for path, inside in pairs
    ]
    # As Docker does; what is mounted below it, tracefs for one, is not there.
    system = {"destination": "/sys", "source": "/sys", "type": "bind", "options": ["bind", "ro"]}
    users = {"destination": "/etc/passwd", "source": "/etc/passwd", "type": "bind"}
    return [*mounts, system, {**users, "options": ["bind", "ro"]}]


def _hold(config: Config, capabilities: Sequence[str]) -> None:
    sets = ("bounding", "effective", "permitted")
    config["process"]["capabilities"] = {name: list(capabilities) for name in sets}


def prepared(capabilities: Sequence[str], *changes: Change) -> Change:
    def change(config: Config) -> None:
        _hold(config, capabilities)
        config["mounts"] += _mounts()
        _scratch(config)
        for one in changes:
            one(config)

    return change


PROGRAM = "/opt/target"


def _bring(program: str, config: Config) -> None:
    """A program of this host, under its name in there."""
    mount = {"destination": PROGRAM, "source": program, "type": "bind"}
    config["mounts"].append({**mount, "options": ["bind", "ro"]})


def _scratch(config: Config) -> None:
    mount = {"destination": "/tmp", "source": "tmpfs", "type": "tmpfs"}
    config["mounts"].append({**mount, "options": ["mode=1777"]})


def _app(
    stack: Opening,
    *changes: Change,
    profile: Config | None = None,
    capabilities: Sequence[str] = DOCKER,
) -> Container:
    """The container with the target: its PID 1."""
    command: Sequence[str] = TARGET
    if stack.program is not None:
        command, changes = (PROGRAM,), (partial(_bring, stack.program), *changes)
    container = Container(command, seccomp=profile, change=prepared(capabilities, *changes))
    stack.enter_context(container)
    proc.wait_syscall(container.init, container.init, stack.call)
    return container


def executing(
    container: Container, capabilities: Sequence[str], user: int = 0
) -> Callable[[Sequence[str]], subprocess.CompletedProcess[str]]:
    sets = {name: list(capabilities) for name in ("bounding", "effective", "permitted")}

    def execute(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return container.execute(
            {
                "user": {"uid": user, "gid": user},
                "args": list(words),
                "env": [f"{name}={value}" for name, value in ENVIRONMENT.items()],
                "cwd": "/",
                "capabilities": sets,
                "noNewPrivileges": True,
            },
            PATIENCE,
        )

    return execute


def _on_host(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**ENVIRONMENT, "PYTHONPATH": str(TREE)},
    )


def _host(stack: Opening) -> Spot:
    return Spot(_app(stack).init, _on_host)


def _paused(stack: Opening) -> Spot:
    container = _app(stack)
    container.pause()
    return Spot(container.init, _on_host)


def _share_host_pids(config: Config) -> None:
    spaces = config["linux"]["namespaces"]
    config["linux"]["namespaces"] = [one for one in spaces if one["type"] != "pid"]


def _unprivileged(stack: Opening) -> Spot:
    """An ordinary user who sees all processes of the host."""
    app = _app(stack)
    shell = Container(TARGET, change=prepared((), _share_host_pids), joins=True)
    stack.enter_context(shell)
    return Spot(app.init, executing(shell, (), NOBODY))


def _inside(stack: Opening, *changes: Change, profile: Config | None = None, user: int = 0) -> Spot:
    app = _app(stack, *changes, profile=profile)
    return Spot(1, executing(app, DOCKER if user == 0 else (), user))


def _user_namespace(config: Config) -> None:
    config["linux"]["namespaces"].append({"type": "user"})
    mapping = [{"containerID": 0, "hostID": 0, "size": 65536}]
    config["linux"].update(uidMappings=mapping, gidMappings=mapping)
    for one in config["mounts"]:
        if one["destination"] == "/sys":  # what is mounted below may not be uncovered
            one["options"] = ["rbind", "ro"]


def _read_only(config: Config) -> None:
    config["root"]["readonly"] = True


def _hide(config: Config) -> None:
    (mount,) = (one for one in config["mounts"] if one["destination"] == "/proc")
    mount["options"] = ["hidepid=2"]


def _joining(app: Container) -> Change:
    def change(config: Config) -> None:
        _share_host_pids(config)
        where = {"type": "pid", "path": f"/proc/{app.init}/ns/pid"}
        config["linux"]["namespaces"].append(where)

    return change


def _sidecar(
    stack: Opening,
    capabilities: Callable[[], Sequence[str]],
    profiled: bool,
    *changes: Change,
    user: int = 0,
) -> Spot:
    """Beside: in the app's pid namespace, with its own root, capabilities and filter."""
    held = capabilities()
    app = _app(stack, profile=docker_profile(DOCKER) if profiled else None)
    profile = docker_profile(held) if profiled else None
    change = prepared(held, _joining(app), *changes)
    beside = Container(TARGET, seccomp=profile, change=change, joins=True)
    stack.enter_context(beside)
    return Spot(1, executing(beside, held, user))


def _sidecars() -> Iterator[Place]:
    held: tuple[tuple[str, str, Callable[[], Sequence[str]]], ...] = (
        ("no-capability", "no capability", tuple),
        ("ptrace", "CAP_SYS_PTRACE", lambda: ("CAP_SYS_PTRACE",)),
        ("all", "all capabilities", everything),
    )
    for name, words, capabilities in held:
        for profiled in (False, True):
            yield Place(
                f"sidecar-{name}{'-profile' if profiled else ''}",
                f"beside a container, with {words}"
                + (", under Docker's default seccomp profile" if profiled else ", no seccomp"),
                partial(_sidecar, capabilities=capabilities, profiled=profiled),
            )


PLACES: tuple[Place, ...] = (
    Place("host", "on the host, as root", _host),
    Place("host-user", "on the host, as an ordinary user; the target is root's", _unprivileged),
    Place("paused", "on the host; the container is paused", _paused),
    Place(
        "inside",
        "inside a container of Docker's defaults; the target is its PID 1",
        lambda stack: _inside(stack, profile=docker_profile(DOCKER)),
    ),
    *_sidecars(),
    Place(
        "user-namespace",
        "inside a container in a user namespace of its own",
        lambda stack: _inside(stack, _user_namespace),
    ),
    Place(
        "read-only",
        "inside a container with a read-only root",
        lambda stack: _inside(stack, _read_only),
    ),
    Place(
        "hidepid",
        "beside a container, as another user, where /proc is mounted with hidepid=2",
        lambda stack: _sidecar(stack, tuple, False, _hide, user=NOBODY),
    ),
    Place(
        "no-restart",
        "inside a container whose profile denies restart_syscall, as Docker's did before 1.11",
        lambda stack: _inside(stack, profile=docker_profile(DOCKER, ("restart_syscall",))),
    ),
)
"""In the order in which they are told."""
