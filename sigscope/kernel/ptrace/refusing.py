"""Why the kernel does not let us trace: one EPERM for a dozen causes (ptrace(2)).

The layers are asked in the kernel's own order (ptrace_attach() of kernel/ptrace.c), as
far as one can see them from outside.
"""

from __future__ import annotations

import errno
import os
import re

from sigscope.errors import NoSuchTarget, NotPermitted, NotSupported, SigscopeError
from sigscope.kernel.ptrace.requests import DETACH, Requests

YAMA = "/proc/sys/kernel/yama/ptrace_scope"
_YAMA_SAYS = {
    1: "only a parent may trace its children",
    2: "only CAP_SYS_PTRACE may trace",
    3: "nobody may trace until the next boot",
}
CAP_SYS_PTRACE = 19
_OVERFLOW = 65534


class _Facts:
    """Lines of a status file; a missing one is 0 or ''."""

    def __init__(self, path: str) -> None:
        try:
            with open(path, "rb") as file:
                self._data = file.read(1 << 16)
        except OSError:
            self._data = b""
        self.there = bool(self._data)

    def word(self, name: str, position: int = 0) -> str:
        match = re.search(rf"^{name}:\t?\s*(.*)$".encode(), self._data, re.MULTILINE)
        words = match[1].decode("latin-1").split() if match else []
        return words[position] if position < len(words) else ""

    def number(self, name: str, position: int = 0, base: int = 10) -> int:
        try:
            return int(self.word(name, position), base)
        except ValueError:
            return 0

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word for position in range(4) if (word := self.word(name, position)))


def refusal(pid: int, tid: int, error: OSError, requests: Requests | None = None) -> SigscopeError:
    """The error that says which layer refused, for a thread that is still there."""
    who = f"process {pid}" if tid == pid else f"thread {tid} of process {pid}"
    if error.errno == errno.ESRCH:
        return NoSuchTarget(f"{who} has ended", "what runs: sigscope tree --all")
    if error.errno in (errno.EINVAL, errno.EIO, errno.ENOSYS):
        return NotSupported(
            f"this kernel does not stop {who}: {error.strerror} (PTRACE_SEIZE)",
            "what /proc tells is: leave --attach out",
        )
    them = _Facts(f"/proc/{pid}/task/{tid}/status")
    if not them.there:
        return NoSuchTarget(f"{who} has ended", "what runs: sigscope tree --all")
    why, hint = _layer(pid, them, _Facts("/proc/self/status"), requests or Requests())
    return NotPermitted(f"{who} may not be stopped: {why}", hint)


def permission_refusal(pid: int) -> tuple[str, str] | None:
    """Why we may not trace it, and what helps, for a user without CAP_SYS_PTRACE.

    None with that capability: who has it may trace what the modes of /proc do not show.
    """
    them, us = _Facts(f"/proc/{pid}/status"), _Facts("/proc/self/status")
    if not them.there or us.number("CapEff", base=16) >> CAP_SYS_PTRACE & 1:
        return None
    return _layer(pid, them, us, Requests())


def _layer(pid: int, them: _Facts, us: _Facts, requests: Requests) -> tuple[str, str]:
    if state := state_refusal(pid, them):
        return state
    if us.number("Seccomp") and not _kernel_answers(requests):
        return "a seccomp filter of our own refuses ptrace", "run it outside of this sandbox"
    yama = _yama()
    capable = bool(us.number("CapEff", base=16) >> CAP_SYS_PTRACE & 1)
    if yama == 3 or (yama == 2 and not capable):
        return _yama_refusal(yama)
    if _other_namespace(pid) and not capable:
        return "it lives in another user namespace", "run it there, or as root of the host"
    uids, gids = set(them.words("Uid")[:3]), set(them.words("Gid")[:3])
    if not capable and (uids != {us.word("Uid", 3)} or gids != {us.word("Gid", 3)}):
        theirs = them.word("Uid")
        return (
            f"it belongs to uid {theirs}, and you are {us.word('Uid', 3)} without CAP_SYS_PTRACE",
            "run sigscope as root, or as the owner of the process",
        )
    if not capable and them.number("CapPrm", base=16) & ~us.number("CapPrm", base=16):
        return "it has capabilities that you have not", "run sigscope as root, with CAP_SYS_PTRACE"
    if yama == 1 and not capable:
        return _yama_refusal(yama)
    if not capable and not os.access(f"/proc/{pid}/environ", os.R_OK):
        return (
            "it is not dumpable (PR_SET_DUMPABLE, or a program with set uid or capabilities)",
            "run sigscope as root",
        )
    if capable and _nested():
        return (
            "you are root of a user namespace only, and it lives outside of that",
            "run it outside, as root of the host",
        )
    if capable and _other_namespace(pid):
        return (
            "it lives in a user namespace over which you have no power",
            "run it in the namespace that made it, or as root of the host",
        )
    return (
        f"a security module or a sandbox refuses it{_confined()}",
        "look for the denial: dmesg | tail; ausearch -m avc",
    )


def state_refusal(pid: int, them: _Facts | None = None) -> tuple[str, str] | None:
    """What it is, or who has it: nobody could trace it now. None if that is not why."""
    them = them or _Facts(f"/proc/{pid}/status")
    if pid == os.getpid() or them.number("Tgid") == os.getpid():
        return "that is this very process", "name another process"
    if them.word("State") in ("Z", "X") and not _others_live(pid, them):
        parent = them.number("PPid")
        return f"it is a zombie, and waits for process {parent}", f"sigscope pid {parent}"
    if them.number("Kthread"):
        return "it is a thread of the kernel", "sigscope pid tells what /proc knows of it"
    if tracer := them.number("TracerPid"):
        name = _Facts(f"/proc/{tracer}/status").word("Name")
        called = f" ({name})" if name else ""
        return f"process {tracer}{called} traces it already", f"end that first: ps -p {tracer}"
    return None


def _others_live(pid: int, them: _Facts) -> bool:
    """A leader may be dead, and its process alive in the other threads."""
    if them.number("Pid") != pid:
        return False
    try:
        tids = [name for name in os.listdir(f"/proc/{pid}/task") if name != str(pid)]
    except OSError:
        return False
    states = (_Facts(f"/proc/{pid}/task/{tid}/status").word("State") for tid in tids)
    return any(state not in ("", "Z", "X") for state in states)


def _yama() -> int | None:
    try:
        with open(YAMA, "rb") as file:
            return int(file.read(8))
    except (OSError, ValueError):
        return None


def _yama_refusal(scope: int) -> tuple[str, str]:
    meaning = _YAMA_SAYS.get(scope, "see its documentation")
    remedy = "reboot with another setting" if scope == 3 else "run sigscope as root"
    return f"Yama: {YAMA} is {scope}: {meaning}", remedy


def _kernel_answers(requests: Requests) -> bool:
    """A request for something that we do not trace is ESRCH, unless a filter came first."""
    try:
        requests(DETACH, os.getpid())
    except OSError as error:
        return error.errno == errno.ESRCH
    return True


def _other_namespace(pid: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
    except OSError:
        return False


def _nested() -> bool:
    """Are we in a user namespace that is not the first one? That maps all ids to themselves."""
    try:
        with open("/proc/self/uid_map", "rb") as file:
            return file.read(256).split() != [b"0", b"0", b"4294967295"]
    except OSError:
        return False


def _confined() -> str:
    try:
        with open("/proc/self/attr/current", "rb") as file:
            label = file.read(256).rstrip(b"\0\n").decode("latin-1")
    except OSError:
        return ""
    return f" (we run as {label})" if label and label != "unconfined" else ""
