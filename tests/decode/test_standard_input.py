"""``sigscope decode`` reads what is pasted: whole status files, masks, and all that is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.kernel.command import sigscope


def test_a_status_file_gives_its_masks(target: TARGET_FIXTURE) -> None:
    one = target("all_threads_block", {15}, 1)
    data = Path(f"/proc/{one.pid}/status").read_bytes()
    done = sigscope("decode", input=data)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [b"SigPnd", b"ShdPnd", b"SigBlk", b"SigIgn", b"SigCgt"]
    assert rows[2][1:] == [b"0000000000004000", b"SIGTERM"]


BAD = {
    "empty": b"",
    "only-blank": b" \n\n",
    "binary": bytes(range(256)) * 10,
    "zeros": b"\0" * 5000,
    "words": b"once upon a time\n",
    "no-masks": b"Name:\tx\nVmRSS:\t5 kB\n",
    "one-long-line": b"f" * (2 << 20),
    "a-long-name": b"A" * (2 << 20),
    "many-names": b"TERM," * (1 << 18) + b"NOT",
    "damaged": b"SigBlk:\t00000000000040zz\n",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_mask_is_a_usage_error(data: bytes) -> None:
    done = sigscope("decode", input=data)
    assert (done.returncode, done.stdout) == (2, b"")
    assert 0 < len(done.stderr) < 1000


def test_an_input_that_is_too_long_is_not_cut_in_silence() -> None:
    """The cut would be within a mask: it would be told as another one."""
    lines = b"\n" * 6 + b"SigBlk:\t0000000000004000\n" * 42_000
    done = sigscope("decode", "--json", input=lines)
    assert done.returncode == 2 or done.stdout.count(b'"SigBlk"') == 42_000
