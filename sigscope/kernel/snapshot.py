"""One file with all that the commands read: gzip, and in it one JSON object a line.

The first line is the head (schema, machine, users, what was redacted), then one line for each
answer that the kernel gave, and at the end the number of lines, by which a file that was
cut off is known. Bytes are written as Latin-1, one letter a byte, so any byte survives.

    {"schema": "sigscope-snapshot/1", "machine": "x86_64", ...}
    {"path": "4285/status", "read": "Name:\\thping3\\n..."}
    {"path": "4285/exe", "link": "/usr/sbin/hping3"}
    {"path": "4285/task", "names": ["4285"]}
    {"path": "1/exe", "errno": 13}
    {"end": 4}
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from sigscope.decode.code import encode_code
from sigscope.decode.depth import encode_depth
from sigscope.errors import BadSnapshot, UsageError
from sigscope.kernel.alarms import read_alarms
from sigscope.kernel.closer import look_closer
from sigscope.kernel.containers import RECORD as CONTAINER
from sigscope.kernel.containers import encode_container, named_pids, read_containers
from sigscope.kernel.depths import RECORD as DEPTH
from sigscope.kernel.details import read_details
from sigscope.kernel.directory import is_number
from sigscope.kernel.handlers import RECORD as CODE
from sigscope.kernel.handlers import read_handlers
from sigscope.kernel.names import read_name
from sigscope.kernel.passive import AUTO
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.recording import Answer, Recorded, Recorder, Tape
from sigscope.kernel.restarting import SOCKET
from sigscope.kernel.scan import read_family, read_host
from sigscope.kernel.signalfds import USED_KINDS
from sigscope.model.host import Host

if TYPE_CHECKING:
    from sigscope.kernel.readers import Progress

SCHEMA = "sigscope-snapshot/1"
REDACTED = frozenset(("cmdline", "environ"))
GZIP = 31
"""zlib's window bits for a gzip header and trailer."""
MOST_LINES = 4_000_000
MOST_ERRNO = 4096
LONGEST_LINE = 8 << 20
MOST_BYTES = 1 << 29
"""Bounds of what is read back: such a file may come from anybody."""

_DESCRIPTOR = re.compile(r"/fd/\d+$")
_KEYS = {bytes: "read", str: "link", list: "names", int: "errno"}


def take_snapshot(
    procfs: ProcFS, pids: Iterable[int] | None, redact: bool, progress: Progress | None = None
) -> Tape:
    """Read as the commands do, and keep every answer: of these processes and their ancestors,
    or of the whole host."""
    tape = Tape(procfs.machine, redacted=REDACTED if redact else frozenset())
    recording = ProcFS(Recorder(procfs.root, tape), procfs.machine, procfs.users)
    recording.passive = procfs.passive
    host = read_host(recording, progress) if pids is None else read_family(recording, pids)
    host = look_closer(recording, host, host.processes)
    host = read_details(recording, host)
    for process in host.processes.values():
        if not process.kernel_thread and not process.zombie:
            read_alarms(recording, host, process)
    _keep_depths(tape, host, redact)
    _keep_code(procfs, host, tape)
    _keep_containers(procfs, host, tape)
    # A snapshot of some processes must not claim, by the list of /proc, that there are more.
    for pid in host.processes:
        read_name(recording, pid)
    tape.answers["."] = [str(pid) for pid in host.processes]
    _forget_files(tape)
    uids = {process.uid for process in host.processes.values()}
    tape.users = {uid: name for uid, name in procfs.users.items() if uid in uids}
    return tape


def _keep_code(procfs: ProcFS, host: Host, tape: Tape) -> None:
    """Where the handlers lie: the files that tell it stay here."""
    for pid, process in read_handlers(procfs, host, host.processes).processes.items():
        if process.depth is not None and process.depth.code is not None:
            tape.answers[f"{pid}/{CODE}"] = encode_code(process.depth)


def _keep_containers(procfs: ProcFS, host: Host, tape: Tape) -> None:
    """What the runtimes say of them stands in files of the host, which stay here."""
    contained = dict(named_pids(host))
    for pid, container in named_pids(read_containers(procfs, host, contained)):
        tape.answers[f"{pid}/{CONTAINER}"] = encode_container(container)


def _keep_depths(tape: Tape, host: Host, redact: bool) -> None:
    """What no file of /proc shows stands beside those of its process."""
    for pid, process in host.processes.items():
        if process.depth is not None:
            tape.answers[f"{pid}/{DEPTH}"] = encode_depth(process, host.names, redact)
    if host.shallow is not None:
        tape.answers[DEPTH] = host.shallow.why.encode()


def _forget_files(tape: Tape) -> None:
    """Which files, sockets and pipes are open is nobody's business: only the kinds we use stay.

    That it is a socket matters for restarts; which one does not.
    """
    for path, answer in tape.answers.items():
        if isinstance(answer, str) and _DESCRIPTOR.search(path) and answer not in USED_KINDS:
            tape.answers[path] = SOCKET if answer.startswith(SOCKET) else "-"


def write_snapshot(tape: Tape, out: BinaryIO) -> None:
    """The tape as a file; the caller opened it, and closes it."""
    head: dict[str, object] = {
        "schema": SCHEMA,
        "machine": tape.machine,
        "redacted": sorted(tape.redacted),
        "users": {str(uid): name for uid, name in tape.users.items()},
    }
    # Not GzipFile: it writes once more when it is forgotten, to a disk that is full.
    packer = zlib.compressobj(6, zlib.DEFLATED, GZIP)
    out.write(packer.compress(_line(head)))
    for path, answer in tape.answers.items():
        value = answer.decode("latin-1") if isinstance(answer, bytes) else answer
        out.write(packer.compress(_line({"path": path, _KEYS[type(answer)]: value})))
    out.write(packer.compress(_line({"end": len(tape.answers)})))
    out.write(packer.flush())


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode("ascii") + b"\n"


def open_snapshot(path: str, engine: str = AUTO) -> ProcFS:
    """The /proc that a snapshot recorded; BadSnapshot if the file is cut off or not ours."""
    try:
        with gzip.open(path, "rb") as packed:
            return _load(path, _lines(path, packed), engine)
    except (EOFError, zlib.error):
        raise _bad(path, "it is cut off or damaged") from None
    except gzip.BadGzipFile:
        raise _bad(path, "it is not a file of 'sigscope snapshot'") from None
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", "sigscope snapshot -o FILE makes one"
        ) from None


def _lines(path: str, packed: BinaryIO | gzip.GzipFile) -> Iterator[dict[str, object]]:
    total = 0
    for count in range(MOST_LINES):
        line = packed.readline(LONGEST_LINE)
        total += len(line)
        if not line:
            return
        if len(line) >= LONGEST_LINE or total > MOST_BYTES:
            break
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            where = (
                "it is not a file of 'sigscope snapshot'"
                if count == 0
                else f"line {count + 1} is damaged"
            )
            raise _bad(path, where)
        yield content
    raise _bad(path, "it is larger than any snapshot")


def _load(path: str, lines: Iterator[dict[str, object]], engine: str) -> ProcFS:
    head = next(lines, {})
    schema = head.get("schema")
    if schema != SCHEMA:
        reason = (
            f"it is of {schema!r}, this sigscope reads {SCHEMA}" if schema else "it has no head"
        )
        raise _bad(path, reason)
    tape, ended = Tape(str(head.get("machine", ""))), False
    for content in lines:
        if "end" in content:
            ended = content["end"] == len(tape.answers)
            break
        name, answer = content.get("path"), _answer(content)
        if not isinstance(name, str) or answer is None:
            raise _bad(path, f"entry {len(tape.answers) + 1} is damaged")
        tape.answers[name] = answer
    if not ended:
        raise _bad(path, "it is cut off: its last line is missing")
    if next(lines, None) is not None:  # reading to the end also checks gzip's checksum
        raise _bad(path, "something stands behind its last line")
    return ProcFS(Recorded(tape), tape.machine, _users(head.get("users")), engine)


def _answer(content: dict[str, object]) -> Answer | None:
    match content:
        case {"read": str(text)}:
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError:
                return None
        case {"link": str(text)}:
            return text
        case {"names": list(names)} if all(isinstance(name, str) for name in names):
            return names
        case {"errno": int(number)} if 0 < number < MOST_ERRNO:
            return number
    return None


def _users(content: object) -> dict[int, str]:
    if not isinstance(content, dict):
        return {}
    return {int(uid): str(name) for uid, name in content.items() if is_number(str(uid))}


def _bad(path: str, why: str) -> BadSnapshot:
    return BadSnapshot(f"{path}: {why}", "take it again on the host: sigscope snapshot -o FILE")
