"""Files as the kernel writes them, made from values: what a decoder must give back."""

from __future__ import annotations

from collections.abc import Iterable

from sigscope.model.signals import SignalSet


def escaped(name: bytes) -> bytes:
    """A name as the status file has it (proc_task_name of fs/proc/array.c)."""
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def set_lines(pnd: int, shd: int, blk: int, ign: int, cgt: int) -> bytes:
    rows = zip(
        ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"), (pnd, shd, blk, ign, cgt), strict=True
    )
    return b"".join(f"{label}:\t{mask:016x}\n".encode() for label, mask in rows)


def status(
    name: bytes = b"daemon",
    state: str = "S (sleeping)",
    sets: Iterable[int] | None = (0, 0, 0, 0, 0),
    *,
    pid: int = 4285,
    ppid: int = 1,
    tracer: int = 0,
    uid: int = 0,
    queue: str = "0/63458",
    nspid: str = "4285",
    more: str = "NoNewPrivs:\t0\nSeccomp:\t0\n",
) -> bytes:
    """The lines of Linux 6 that matter, in its order, with some that do not between them."""
    head = (
        f"\nUmask:\t0022\nState:\t{state}\nTgid:\t{pid}\nNgid:\t0\nPid:\t{pid}\nPPid:\t{ppid}\n"
        f"TracerPid:\t{tracer}\nUid:\t{uid}\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0 \n"
        f"NStgid:\t{nspid}\nNSpid:\t{nspid}\nKthread:\t0\nVmPeak:\t    2468 kB\nThreads:\t1\n"
        f"SigQ:\t{queue}\n"
    )
    lines = b"" if sets is None else set_lines(*sets)
    rest = f"CapInh:\t0000000000000000\n{more}Mems_allowed_list:\t0\n"
    return b"Name:\t" + escaped(name) + head.encode() + lines + rest.encode()


def stat(
    comm: bytes = b"daemon",
    *,
    pid: int = 4285,
    pgrp: int = 4285,
    session: int = 4285,
    flags: int = 0x400000,
    start_time: int = 4711,
    processor: int = 1,
) -> bytes:
    before = f"S 1 {pgrp} {session} 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 {start_time} "
    after = f"0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 1 0 0 17 {processor} 0 0 0 0 0\n"
    return f"{pid} (".encode() + comm + b") " + (before + after).encode()


SIGNALFD = b"pos:\t0\nflags:\t02004002\nmnt_id:\t15\nino:\t1057\nsigmask:\t0000000000004000\n"
EPOLL = (
    b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t10\ntfd:        5 events:       19 data: 5 pos:0\n"
)
SYSCALL = b"7 0x7ffd0 0x1 0xffffffff 0x0 0x0 0x0 0x7ffd00000000 0x7f0000000000\n"
SCHED = b"cat (7, #threads: 1)\n-----\nse.exec_start              :      43210.123456\n"
MOUNTS = (
    b"22 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw,hidepid=invisible\n"
    b"23 1 0:21 / /sys rw - sysfs sysfs rw\n"
)
CGROUP = b"0::/system.slice/docker-" + b"4e5f" * 16 + b".scope\n"
HOST_STAT = b"cpu  1 2 3\nintr 5\nctxt 7\nbtime 1700000000\nprocesses 9\n"

TERM = SignalSet.of("SIGTERM")
