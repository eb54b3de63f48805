"""What the registry says of a refused call is what happens with the C library of this machine."""

from __future__ import annotations

import errno
import platform
import signal
import subprocess

import pytest

from sigscope.decode.call_tables import call_names
from sigscope.model.abi import X86_64
from tests.harness.build import build

NUMBERS = {name: number for number, name in call_names(X86_64).items()}
KILL = 0
EPERM, ENOSYS = errno.EPERM, errno.ENOSYS
FINE, REFUSED = "returned 0", f"returned -1 {EPERM}"
SYS, SEGV, ABRT, USR1, TERM = (
    -getattr(signal, f"SIG{name}") for name in ("SYS", "SEGV", "ABRT", "USR1", "TERM")
)


def _glibc() -> tuple[int, ...]:
    name, version = platform.libc_ver()
    return tuple(map(int, version.split(".")[:2])) if name == "glibc" else (0,)


pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or _glibc() < (2, 35),
    reason="it is told of glibc from 2.35 on, and asked with numbers of x86-64",
)


@pytest.mark.parametrize(
    ("call", "answer", "what", "said", "status"),
    [
        ("clone3", EPERM, "thread", REFUSED, 0),
        ("clone3", ENOSYS, "thread", FINE, 0),
        ("clone3", KILL, "thread", "", SYS),
        ("clone3", EPERM, "spawn", REFUSED, 0),
        ("clone3", ENOSYS, "spawn", FINE, 0),
        ("rseq", EPERM, "thread", "", ABRT),
        ("rseq", ENOSYS, "thread", "", ABRT),
        ("faccessat2", EPERM, "access", REFUSED, 0),
        ("faccessat2", ENOSYS, "access", FINE, 0),
        ("rt_sigreturn", EPERM, "handler", "", SEGV),
        ("rt_sigreturn", KILL, "handler", "", SYS),
        ("rt_sigaction", EPERM, "handler", "", USR1),
        ("rt_sigaction", KILL, "handler", "", SYS),
        ("rt_sigprocmask", EPERM, "mask", REFUSED, 0),
        ("rt_sigprocmask", KILL, "thread", "", SYS),
        ("rt_sigprocmask", KILL, "spawn", "", SYS),
        ("exit_group", EPERM, "exit_alone", "", TERM),
        ("exit_group", KILL, "exit", "", SYS),
        ("futex", EPERM, "lock", "", ABRT),
        ("futex", KILL, "lock", "", SYS),
        ("tgkill", EPERM, "raise", REFUSED, 0),
    ],
)
def test_a_refused_call(call: str, answer: int, what: str, said: str, status: int) -> None:
    ran = subprocess.run(
        [build("refused_call"), str(NUMBERS[call]), str(answer), what],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stdout.startswith(said)
    assert (ran.returncode, bool(ran.stdout)) == (status, bool(said)), ran.stderr


@pytest.mark.parametrize(
    ("call", "answer", "works"), [("statx", EPERM, False), ("statx", ENOSYS, True)]
)
def test_a_program_under_a_refused_call(call: str, answer: int, works: bool) -> None:
    ran = subprocess.run(
        [build("refused_call"), str(NUMBERS[call]), str(answer), "exec", "/bin/ls", "/"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode == 0) is works, ran.stderr
