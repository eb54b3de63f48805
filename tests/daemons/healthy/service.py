"""What a healthy daemon is to these tests, and how one is started and awaited.

Each runs in the foreground from a configuration of its own in a scratch directory, on a free
port of the loopback; no system service is touched, and nothing of it is left afterwards.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE


@dataclass(frozen=True)
class Place:
    """A scratch directory that every user may use, and a free port."""

    directory: Path
    port: int

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def file(self, name: str, text: str, mode: int = 0o644) -> str:
        """Write a configuration or a script; `%D` is the directory, `%P` the port."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("%D", str(self.directory)).replace("%P", str(self.port)))
        path.chmod(mode)
        return str(path)

    def folder(self, name: str) -> str:
        path = self.directory / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        return str(path)


@dataclass(frozen=True)
class Service:
    """A command; `ready` is asked (with the pid above it) until true, `load` is one request."""

    command: list[str]
    ready: Callable[[int], object]
    load: Callable[[], object] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Healthy:
    """A name, and how to set the thing up; `describe` skips where a program is missing."""

    name: str
    describe: Callable[[Place], Service]


@dataclass(frozen=True)
class Running:
    """It serves. `keeper` is the process above it: all below that belongs to it."""

    name: str
    keeper: int
    load: Callable[[], object] | None

    @property
    def family(self) -> list[int]:
        return family(self.keeper)


@contextlib.contextmanager
def running(healthy: Healthy) -> Iterator[Running]:
    """Start it, wait until it serves, and clear it away."""
    with tempfile.TemporaryDirectory(
        prefix=f"sigscope-{healthy.name}-", ignore_cleanup_errors=True
    ) as scratch:
        directory = Path(scratch)
        directory.chmod(0o777)
        service = healthy.describe(Place(directory, free_port()))
        with Daemon(service.command, environment=service.environment, directory=scratch) as daemon:
            try:
                proc.eventually(
                    lambda: service.ready(daemon.keeper), PATIENCE, f"{healthy.name} serves"
                )
            except AssertionError as error:
                raise AssertionError(f"{error}\n{daemon.said()}") from None
            yield Running(healthy.name, daemon.keeper, service.load)


def family(keeper: int) -> list[int]:
    """All below the keeper; a busy family is asked again when a member ends meanwhile."""
    while True:
        with contextlib.suppress(ProcessLookupError):
            return proc.descendants(keeper)


def root() -> None:
    """Skip what only root may start."""
    if os.geteuid() != 0:
        pytest.skip("only root may start it: sudo scripts/test")


def unprivileged(*command: str) -> list[str]:
    """The command as nobody, if we are root; setpriv passes masks and dispositions on."""
    if os.geteuid() != 0:
        return list(command)
    setpriv = required("setpriv", "util-linux")
    return [setpriv, "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]


def secluded(preparation: str, *command: str) -> list[str]:
    """The command, as root, where mounts made by `preparation` are seen by nobody else."""
    root()
    unshare = required("unshare", "util-linux")
    script = f'set -e; mount -t tmpfs none /run; {preparation}; exec "$@"'
    return [unshare, "--mount", "sh", "-c", script, "sh", *command]


def below(**wanted: int) -> Callable[[int], bool]:
    """Ready once so many processes of each of these names sleep below the keeper."""

    def ready(keeper: int) -> bool:
        names = [proc.name(pid) for pid in family(keeper) if proc.state(pid) in "SR"]
        return all(names.count(name.replace("_", "-")) >= count for name, count in wanted.items())

    return ready
