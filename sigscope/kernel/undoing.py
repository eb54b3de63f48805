"""Records of what ``unblock`` has changed, kept for ``--undo``: one small file for each process.

They lie in $XDG_STATE_HOME/sigscope (~/.local/state/sigscope, by the XDG Base Directory
Specification), for their owner's eyes alone, and name the process by boot, pid and start
time. A file that is another's, or that others may write, is not believed.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path

from sigscope.decode.stat import decode_stat
from sigscope.errors import DecodeError, NoSuchTarget, NotPermitted, NotSupported
from sigscope.model.signals import SignalSet
from sigscope.model.unblock import Record

SCHEMA = "sigscope-unblock/1"
MOST_BYTES = 1 << 22
MOST_THREADS = 1 << 16
_BOOT = "/proc/sys/kernel/random/boot_id"


def save(record: Record) -> Path:
    """Write it, merged with what is there of the same process; where it lies.

    NotPermitted if that place cannot be written: without a record nothing should be changed.
    """
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder)
        before = load(record.pid, record.start_time)
    except NoSuchTarget:
        before = None
    except OSError as error:
        raise _cannot(folder, error) from None
    if before is not None:
        record = _merged(before, record)
    path = folder / _name(record.pid, record.start_time)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(part, flags, 0o600), "w", encoding="ascii") as file:
            json.dump(_content(record), file)
        part.replace(path)
    except OSError as error:
        raise _cannot(folder, error) from None
    return path


def load(pid: int, start_time: int) -> Record:
    """The record of this very process.

    NoSuchTarget if there is none, NotPermitted if it is not ours alone, NotSupported if damaged.
    """
    path = _folder() / _name(pid, start_time)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with open(os.open(path, flags), "rb") as file:
            kind = os.fstat(file.fileno())
            if kind.st_uid != os.geteuid() or not stat.S_ISREG(kind.st_mode) or kind.st_mode & 0o22:
                raise NotPermitted(
                    f"{path} is not believed: others may have written it", f"look at it: cat {path}"
                )
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise NoSuchTarget(
            f"nothing was unblocked in process {pid} by you, or it was undone",
            f"the records are in {_folder()}",
        ) from None
    except OSError as error:
        raise _cannot(path, error) from None
    record = _record(data)
    if record is None or (record.pid, record.start_time) != (pid, start_time):
        raise NotSupported(f"{path} is damaged", f"remove it: rm {path}")
    if record.boot != _boot():
        raise NoSuchTarget(f"process {pid} of that record ended with the last boot")
    return record


def forget(record: Record) -> None:
    """It has been undone."""
    with contextlib.suppress(OSError):
        (_folder() / _name(record.pid, record.start_time)).unlink()


def records_folder() -> str:
    """Where the records lie, there already or not."""
    return str(_folder())


def _folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # the specification: relative ones are to be ignored
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "sigscope"


def _name(pid: int, start_time: int) -> str:
    return f"unblock-{pid}-{start_time}.json"


def _boot() -> str:
    try:
        with open(_BOOT, encoding="ascii") as file:
            return file.read(64).strip()
    except OSError:
        return ""


def _content(record: Record) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "boot": record.boot or _boot(),
        "pid": record.pid,
        "start_time": record.start_time,
        "comm": record.comm,
        "opened": {str(tid): signals.hex for tid, signals in record.opened},
    }


def _record(data: bytes) -> Record | None:
    if len(data) > MOST_BYTES:
        return None
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    match content:
        case {
            "schema": "sigscope-unblock/1",
            "boot": str(boot),
            "pid": int(pid),
            "start_time": int(start_time),
            "comm": str(comm),
            "opened": dict(opened),
        } if len(opened) < MOST_THREADS:
            try:
                pairs = tuple(
                    (int(tid), SignalSet(int(mask, 16) & (1 << 64) - 1))
                    for tid, mask in opened.items()
                )
            except (TypeError, ValueError):
                return None
            return Record(pid, start_time, comm, pairs, boot)
    return None


def _merged(before: Record, now: Record) -> Record:
    opened = dict(before.opened)
    for tid, signals in now.opened:
        opened[tid] = opened.get(tid, SignalSet()) | signals
    return Record(now.pid, now.start_time, now.comm, tuple(opened.items()), now.boot)


def _sweep(folder: Path) -> None:
    """Forget the records of processes that have ended."""
    for path in folder.glob("unblock-*-*.json"):
        _, pid, start_time = path.stem.split("-", 2)
        try:
            with open(f"/proc/{int(pid)}/stat", "rb") as file:
                alive = decode_stat(file.read(4096)).start_time == int(start_time)
        except (ValueError, DecodeError):
            continue
        except OSError:
            alive = False
        if not alive:
            with contextlib.suppress(OSError):
                path.unlink()


def _cannot(path: Path, error: OSError) -> NotPermitted:
    return NotPermitted(
        f"cannot keep or read the record for --undo: {path}: {error.strerror}",
        "name another place: XDG_STATE_HOME=/var/tmp/you sigscope unblock",
    )
