"""Snapshot files come from anybody: damaged or foreign, they end in a message and no more."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from sigscope.errors import BadSnapshot, ExitStatus, SigscopeError, UsageError
from sigscope.kernel import snapshot as rooms
from sigscope.kernel.snapshot import open_snapshot
from sigscope.model.diagnosis import Diagnosis
from tests.kernel.files import ENTRIES, HEAD, changed, judged, packed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.gz"


def test_the_healthy_file_is_read(file: Path) -> None:
    told = judged(file, packed(*ENTRIES))
    assert isinstance(told, Diagnosis)
    (process,) = told.processes
    assert (process.comm, process.cmdline, process.exe) == (
        "daemon",
        ("daemon", "-x"),
        "/usr/bin/daemon",
    )
    assert [(fd.fd, fd.signals.hex) for fd in process.signalfds or ()] == [(5, "0000000000004000")]
    assert [thread.tid for thread in process.threads] == [7, 8]


def test_cut_off_anywhere_it_is_refused(file: Path) -> None:
    data = packed(*ENTRIES)
    for end in range(len(data)):
        refused = judged(file, data[:end])
        assert isinstance(refused, BadSnapshot), end
        assert refused.status is ExitStatus.USAGE


def test_cut_off_at_the_end_of_any_line_it_is_refused(file: Path) -> None:
    """As if the writer had ended early, and gzip in good order."""
    lines = gzip.decompress(packed(*ENTRIES)).splitlines(keepends=True)
    for count in range(len(lines)):
        refused = judged(file, gzip.compress(b"".join(lines[:count])))
        assert isinstance(refused, BadSnapshot), count


def test_cut_off_before_its_last_line_it_is_refused(file: Path) -> None:
    data = packed(*ENTRIES)
    for end in range(len(data) - 40):
        assert isinstance(judged(file, data[:end]), BadSnapshot), end


def test_a_flipped_bit_is_noticed_or_changes_nothing(file: Path) -> None:
    """A bit of gzip's own header (a time, say) may do no harm; one of the content must not."""
    whole, healthy = packed(*ENTRIES), judged(file, packed(*ENTRIES))
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        told = judged(file, bytes(data))
        assert isinstance(told, BadSnapshot) or told == healthy, at


FOREIGN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"hello\n",
    "binary": lambda: bytes(range(256)),
    "gzip-of-nothing": lambda: gzip.compress(b""),
    "gzip-of-text": lambda: gzip.compress(b"hello\nworld\n"),
    "gzip-of-other-json": lambda: gzip.compress(b'{"a": 1}\n{"b": 2}\n'),
    "gzip-of-a-list": lambda: gzip.compress(b"[1, 2]\n"),
    "raw-deflate": lambda: zlib.compress(b"hello"),
    "newer-schema": lambda: packed(head={**HEAD, "schema": "sigscope-snapshot/2"}),
    "odd-schema": lambda: packed(head={"schema": [{"\ud800": None}]}),
    "deep-json": lambda: gzip.compress(b"[" * 200_000 + b"\n"),
    "deep-json-below": lambda: gzip.compress(
        json.dumps(HEAD).encode() + b"\n" + b'{"a":' * 100_000 + b"\n"
    ),
    "endless-number": lambda: gzip.compress(b'{"schema": ' + b"9" * 100_000 + b"}\n"),
    "one-endless-line": lambda: gzip.compress(b" " * (20 << 20), 1),
    "wrong-count": lambda: gzip.compress(
        gzip.decompress(packed(*ENTRIES)).replace(b'"end": 16', b'"end": 17')
    ),
    "no-path": lambda: packed({"read": "x"}),
    "no-answer": lambda: packed({"path": "7/status"}),
    "path-of-a-number": lambda: packed({"path": 7, "read": "x"}),
    "letters-that-are-no-bytes": lambda: packed({"path": "7/status", "read": "\u20ac"}),
    "names-that-are-no-names": lambda: packed({"path": ".", "names": [1, None]}),
    "errno-of-a-word": lambda: packed({"path": "7/status", "errno": "ENOENT"}),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused_with_a_reason(make: Callable[[], bytes], file: Path) -> None:
    refused = judged(file, make())
    assert isinstance(refused, BadSnapshot)
    assert refused.message.startswith(str(file))
    assert "sigscope snapshot" in refused.hint
    assert len(refused.message) < len(str(file)) + 200


def test_a_file_of_endless_lines_is_refused_as_too_large(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MOST_LINES", 1000)
    refused = judged(file, packed(*({"path": str(at), "errno": 2} for at in range(2000))))
    assert isinstance(refused, BadSnapshot)
    assert "larger" in refused.message


def test_a_directory_and_a_missing_file_are_the_callers_mistake(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.gz"):
        with pytest.raises(UsageError, match="cannot read"):
            open_snapshot(str(path))


def test_answers_of_the_wrong_kind_are_errors_of_the_file_system(file: Path) -> None:
    """A text where names belong, and so on: gaps, or no such process; never a crash."""
    told = judged(file, changed("7/exe", read="x"))
    assert isinstance(told, Diagnosis)
    assert told.processes[0].exe is None
    assert isinstance(judged(file, changed("uptime", names=["x"])), SigscopeError)
