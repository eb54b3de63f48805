"""PID 1 of a container, and of a pid namespace that is no container."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon

CGROUP = f"sigscope-tests-{os.getpid()}/docker"
"""Below it, the name of a container is what docker's would be."""


class Container(Daemon):
    """A container by runc, without a daemon; ``init`` is its PID 1, as this host counts.

    ``seccomp``: linux.seccomp of the runtime's configuration. ``folders`` are there, too, under
    their own names, to be read and written. ``change`` alters the configuration at last.
    With ``joins`` it has no PID 1: it lives in a pid namespace that is there, or in the host's.
    """

    def __init__(
        self,
        command: Collection[str],
        seccomp: Mapping[str, object] | None = None,
        folders: Collection[Path] = (),
        cgroup: str = CGROUP,
        change: Callable[[dict[str, Any]], None] | None = None,
        joins: bool = False,
    ) -> None:
        runc = required("runc", "runc")
        self._folder = tempfile.TemporaryDirectory(prefix="sigscope-container-")
        self.id = secrets.token_hex(32)
        self._cgroup = cgroup
        bundle = Path(self._folder.name)
        (bundle / "rootfs").mkdir()
        config = self._config(command)
        if seccomp is not None:
            config["linux"]["seccomp"] = seccomp
        config["mounts"] += [
            {"destination": str(path), "source": str(path), "type": "bind", "options": ["bind"]}
            for path in folders
        ]
        if change is not None:
            change(config)
        (bundle / "config.json").write_text(json.dumps(config))
        self._runc = [runc, "--root", f"{bundle}/state"]
        super().__init__([*self._runc, "run", "--bundle", str(bundle), self.id])
        self.init = 0
        self._program = Path(next(iter(command))).name if joins else ""
        try:
            proc.eventually(self._has_begun, 20, f"runc starts {command}")
        except BaseException:
            self.stop()
            raise

    def _config(self, command: Collection[str]) -> dict[str, Any]:
        binds = [
            {"destination": path, "source": path, "type": "bind", "options": ["bind", "ro"]}
            for path in ("/bin", "/lib", "/lib64", "/usr")
            if os.path.isdir(path)
        ]
        namespaces = [{"type": name} for name in ("pid", "mount", "ipc", "uts")]
        return {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": list(command),
                "env": ["PATH=/usr/bin:/bin"],
                "cwd": "/",
            },
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, *binds],
            "linux": {"namespaces": namespaces, "cgroupsPath": f"/{self._cgroup}/{self.id}"},
        }

    def _has_begun(self) -> bool:
        """runc itself is in there first: wait for the program."""
        for pid in proc.descendants(self.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                inside = proc.status(pid).get("NSpid", "").split()[1:]
                if self._program:
                    if proc.name(pid) == self._program:
                        self.init = pid
                elif inside == ["1"] and not proc.name(pid).startswith("runc"):
                    self.init = pid
        return bool(self.init)

    def execute(
        self, process: Mapping[str, object], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """One more process in there, as ``runc exec --process`` takes it, to its end."""
        place = Path(self._folder.name) / f"process-{secrets.token_hex(4)}.json"
        place.write_text(json.dumps(process))
        return subprocess.run(
            [*self._runc, "exec", "--process", str(place), self.id],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def pause(self) -> None:
        """Frozen, until it is deleted."""
        subprocess.run([*self._runc, "pause", self.id], check=True, capture_output=True)

    def __enter__(self) -> Container:
        return self

    def stop(self) -> None:
        if not self._stopped:
            subprocess.run([*self._runc, "delete", "--force", self.id], capture_output=True)
            super().stop()
            self._folder.cleanup()
            for path in (self._cgroup, self._cgroup.partition("/")[0]):
                for place in Path("/sys/fs/cgroup").glob(f"*/{path}"):
                    with contextlib.suppress(OSError):
                        place.rmdir()


@contextlib.contextmanager
def namespace(*command: str) -> Iterator[int]:
    """The PID 1 of a pid namespace that is no container."""
    with Daemon(["unshare", "--pid", "--fork", "--mount-proc", *command]) as daemon:
        proc.eventually(lambda: proc.children(daemon.pid))
        (init,) = proc.children(daemon.pid)
        proc.eventually(lambda: proc.name(init) == Path(command[0]).name)
        yield init
