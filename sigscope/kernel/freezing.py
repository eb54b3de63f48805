"""Freezing a process by its cgroup (v2): for a moment, and only where it is alone in it."""

from __future__ import annotations

import os
import time

from sigscope.errors import NotPermitted, NotSupported
from sigscope.kernel.freezer import V2_ROOTS
from sigscope.kernel.opening import opening
from sigscope.kernel.place import here

_PAUSE = 0.002


class Cgroup:
    """The cgroup of one process, which holds nobody else."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def of(cls, pid: int) -> Cgroup:
        """NotSupported if there is no v2 freezer for it, or if others would freeze with it."""
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read(1 << 16).splitlines()
        except OSError as error:
            raise NotSupported(f"the cgroup of {pid} cannot be read: {error.strerror}") from None
        inner = next((line[3:] for line in lines if line.startswith("0::")), "")
        for root in V2_ROOTS:
            path = f"{root}{inner}"
            if inner not in ("", "/") and os.path.exists(f"{path}/cgroup.freeze"):
                return cls._alone(path, pid)
        raise NotSupported(
            f"process {pid} is in no cgroup of version 2 that could be frozen",
            "another way to stop it: --method stop or interrupt",
        )

    @classmethod
    def _alone(cls, path: str, pid: int) -> Cgroup:
        others = cls._members(path) - {pid}
        if others:
            raise NotSupported(
                f"its cgroup holds {len(others)} other processes, which would freeze with it",
                "another way to stop it: --method stop or interrupt",
            )
        if not os.access(f"{path}/cgroup.freeze", os.W_OK):
            hint = opening(here(), ("DAC_OVERRIDE",)) or "--method stop needs no cgroup"
            raise NotPermitted(f"{path}/cgroup.freeze may not be written", hint)
        return cls(path)

    @staticmethod
    def _members(path: str) -> set[int]:
        """Of this cgroup and those below it."""
        found: set[int] = set()
        for folder, _, files in os.walk(path):
            if "cgroup.procs" in files:
                with open(f"{folder}/cgroup.procs", encoding="ascii") as file:
                    found.update(int(word) for word in file.read().split())
        return found

    def freeze(self, patience: float) -> None:
        """Order it, and wait until it is done, or for so many seconds."""
        self._write("1")
        deadline = time.monotonic() + patience
        while not self.frozen and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def thaw(self) -> None:
        """Let it go on."""
        self._write("0")

    @property
    def frozen(self) -> bool:
        with open(f"{self.path}/cgroup.events", encoding="ascii") as file:
            return "frozen 1" in file.read(1 << 12)

    def _write(self, text: str) -> None:
        with open(f"{self.path}/cgroup.freeze", "w", encoding="ascii") as file:
            file.write(text)
