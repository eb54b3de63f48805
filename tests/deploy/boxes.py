"""One command in a container of its own, to its end: a sidecar, a bare image, a full disk."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.build import required
from tests.harness.command import Said

PATIENCE = 120.0
NOBODY = 65534
HERE = Path(sys.base_prefix)


@dataclass(frozen=True)
class Box:
    """What the container is made of. By default as little as there can be.

    ``python``: a prefix of the host that is mounted at /opt/python, with the host's libraries.
    ``root``: a root file system to take as it is, instead. ``init``: the PID 1, as this host
    counts, of the pid namespace that it joins, as a sidecar does. ``files``: of this host, by
    their path inside. ``memory``: of a tmpfs, by its path inside, with its size. ``calls``: the
    only system calls that are allowed; the others fail with EPERM.
    """

    python: Path = HERE
    root: Path | None = None
    user: int = 0
    capabilities: Collection[str] = ()
    ambient: bool = False
    calls: Collection[str] = ()
    init: int | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = True
    host_pids: bool = False

    def run(self, *command: str | int) -> Said:
        """What the command says; its root is read-only unless ``read_only`` is False."""
        runc = required("runc", "runc")
        identity = f"sigscope-box-{secrets.token_hex(8)}"
        with tempfile.TemporaryDirectory(prefix="sigscope-box-") as folder:
            bundle = Path(folder)
            (bundle / "rootfs").mkdir()
            (bundle / "config.json").write_text(json.dumps(self._config(bundle, command)))
            base = [runc, "--root", f"{bundle}/state"]
            try:
                done = subprocess.run(
                    [*base, "run", "--bundle", str(bundle), identity],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                )
            finally:
                subprocess.run([*base, "delete", "--force", identity], capture_output=True)
        return Said(done.returncode, done.stdout, done.stderr)

    def _config(self, bundle: Path, command: Collection[str | int]) -> dict[str, Any]:
        sets = ["bounding", "effective", "permitted"]
        if self.ambient:  # a user who is not root has none of them otherwise
            sets += ["inheritable", "ambient"]
        namespaces: list[dict[str, str]] = [{"type": name} for name in ("mount", "ipc", "uts")]
        if self.init is not None:
            namespaces.append({"type": "pid", "path": f"/proc/{self.init}/ns/pid"})
        elif not self.host_pids:
            namespaces.append({"type": "pid"})
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": self.user, "gid": self.user},
                "args": [str(word) for word in command],
                "env": [f"{name}={value}" for name, value in self._environment().items()],
                "cwd": "/",
                "noNewPrivileges": True,
                "capabilities": {name: list(self.capabilities) for name in sets},
            },
            "root": {"path": str(self.root or bundle / "rootfs"), "readonly": self.read_only},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                _bind(Path("/sys"), "/sys"),
                *self._libraries(),
                *(_bind(source, inside) for inside, source in self.files.items()),
                *(_tmpfs(inside, size) for inside, size in self.memory.items()),
            ],
            "linux": {"namespaces": namespaces, **self._seccomp()},
        }

    def _seccomp(self) -> dict[str, Any]:
        if not self.calls:
            return {}
        allowed = {"names": sorted(self.calls), "action": "SCMP_ACT_ALLOW"}
        return {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [allowed]}}

    def _environment(self) -> dict[str, str]:
        usual = {"PATH": "/opt/python/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        libraries = {} if self.root is not None else {"LD_LIBRARY_PATH": "/opt/python/lib"}
        return {**usual, **libraries, **self.environment}

    def _libraries(self) -> list[dict[str, Any]]:
        if self.root is not None:
            return []
        there = [path for path in map(Path, ("/lib", "/lib64", "/usr/lib")) if path.is_dir()]
        return [_bind(self.python, "/opt/python"), *(_bind(path, str(path)) for path in there)]


def _bind(source: Path, inside: str) -> dict[str, Any]:
    options = ["rbind", "ro"]
    return {"destination": inside, "type": "bind", "source": str(source), "options": options}


def _tmpfs(inside: str, size: str) -> dict[str, Any]:
    options = ["nosuid", "nodev", f"size={size}", "mode=0777"]
    return {"destination": inside, "type": "tmpfs", "source": "tmpfs", "options": options}
