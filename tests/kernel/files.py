"""Snapshot files made by hand, and all that the commands would do with one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from sigscope import diagnose
from sigscope.errors import SigscopeError
from sigscope.kernel.snapshot import SCHEMA, open_snapshot
from sigscope.model.diagnosis import Diagnosis
from sigscope.render.document import diagnosis_document
from tests.decode import samples

HEAD: dict[str, object] = {"schema": SCHEMA, "machine": "x86_64", "users": {"0": "root"}}
ENTRIES: tuple[dict[str, object], ...] = (
    {"path": ".", "names": ["7", "self", "uptime"]},
    {"path": "uptime", "read": "500.0 3.0\n"},
    {"path": "stat", "read": "btime 1700000000\n"},
    {"path": "sys/kernel/hostname", "read": "box\n"},
    {"path": "7/comm", "read": "daemon\n"},
    {"path": "7/status", "read": samples.status(sets=(0, 0, 2, 4, 8), ppid=0, pid=7).decode()},
    {"path": "7/stat", "read": samples.stat(pid=7).decode()},
    {"path": "7/task", "names": ["7", "8"]},
    {"path": "7/task/8/status", "read": samples.status(pid=7).decode()},
    {"path": "7/cmdline", "read": "daemon\0-x\0"},
    {"path": "7/exe", "link": "/usr/bin/daemon"},
    {"path": "7/task/7/syscall", "read": samples.SYSCALL.decode()},
    {"path": "7/fd", "names": ["0", "5"]},
    {"path": "7/fd/0", "link": "/dev/null"},
    {"path": "7/fd/5", "link": "anon_inode:[signalfd]"},
    {"path": "7/fdinfo/5", "read": samples.SIGNALFD.decode()},
)


def packed(*entries: dict[str, object], head: dict[str, object] | None = None) -> bytes:
    rows = [head or HEAD, *entries, {"end": len(entries)}]
    return gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows), 1)


def changed(path: str, **answer: object) -> bytes:
    """The healthy file with another answer for one path, or with one more."""
    others = [entry for entry in ENTRIES if entry["path"] != path]
    return packed(*others, {"path": path, **answer})


def judged(file: Path, data: bytes) -> Diagnosis | SigscopeError:
    """All that the commands would do with the file."""
    file.write_bytes(data)
    try:
        procfs = open_snapshot(str(file))
        whole = diagnose(procfs=procfs)
        one = diagnose(7, procfs)
    except SigscopeError as error:
        return error
    json.dumps(diagnosis_document("pid", one, one.processes))
    json.dumps(diagnosis_document("tree", whole, whole.processes))
    return one
