"""Full disks, hostile files and names, two watchers, and processes that come and go."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from sigscope.decode.watch_record import Closed, Header, decode_entry, entry_line, header_line
from sigscope.errors import DecodeError, UsageError
from sigscope.kernel.watch.recording import Recorder, Recording
from sigscope.model.siginfo import SigInfo
from sigscope.model.signals import Signal
from sigscope.model.watch import Result, Sent, Task
from tests.harness.command import sigscope
from tests.harness.watching import Watching

RECORD = Path(__file__).parent / "records" / "php-fpm-cron.watch"
HEADER = Header("web1", "", "", "bpf", 0, 1)
root = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")


def sent(comm: str) -> Sent:
    info = SigInfo(Signal(15), 0, 7, 0)
    return Sent(5, Task(7, 7, comm), Task(8, 8, comm), info, True, Result.PENDING)


def test_a_full_disk_ends_the_record_and_what_was_written_stays_readable() -> None:
    recorder = Recorder("/dev/full", HEADER)
    recorder.add(sent("a"))
    recorder.flush()
    assert recorder.failed == "No space left on device"
    recorder.add(sent("b"))
    recorder.close(Closed(6, 0))


@root
def test_a_watch_goes_on_when_its_record_cannot_be_written() -> None:
    run = sigscope("watch", "--record", "/dev/full", "--trace", "/dev/full", "--", "true")
    assert run.status in (0, 2)
    assert "No space left on device" in run.err
    run = sigscope("watch", "--record", "/dev/full", "--", "true")
    assert run.status == 0
    assert "the record /dev/full ends here: No space left on device" in run.err


@pytest.mark.parametrize("comm", ["\x1b[31mred\x1b]0;x\x07", "a\nb", "\u202egnp", "\ud800", ""])
def test_names_reach_no_terminal_as_they_are(comm: str, tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_bytes(header_line(HEADER) + entry_line(sent(comm)))
    run = sigscope("watch", "--from-file", str(path), "--summary")
    assert run.status == 0
    assert all(line.isprintable() for line in run.out.split("\n"))
    assert "merged" in run.out
    for line in sigscope("watch", "--from-file", str(path), "--json").out.splitlines():
        json.loads(line)


def test_damaged_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "record"
    lines = [
        b"\x00\xff\n",
        b"[" * 70000 + b"\n",
        b"[" * 5000 + b"\n",
        b'["S",' + b"9" * 5000 + b"]\n",
        b'["L",1,2,[[1]],0,0,0,0,false]\n',
        b'["S",1]\n',
        b'["?",1]\n',
        b"{}\n",
        b'["D",1,[7,7,"a",0,0,""],99,0,0,0,1]\n',
        entry_line(sent("whole")),
    ]
    path.write_bytes(header_line(HEADER) + b"".join(lines))
    run = sigscope("watch", "--from-file", str(path))
    assert run.status == 0, run.err
    assert "whole 7" in run.out
    assert "9 lines are damaged" in run.err


def test_any_change_of_a_record_is_survived(tmp_path: Path) -> None:
    """Bytes are changed at random, with a known seed; no traceback, no other exit status."""
    dice, whole = random.Random(7), RECORD.read_bytes()
    path = tmp_path / "record"
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.randrange(1, 40)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data[: dice.randrange(1, len(data))])
        try:
            recording = Recording(str(path))
        except UsageError:  # the header is hit: it is none of ours
            continue
        list(recording.entries())
    run = sigscope("watch", "--from-file", str(path))
    assert run.status in (0, 2)


def test_a_number_that_no_clock_has_is_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "record"
    far = sent("a")._replace(time=(1 << 63) - 1)
    path.write_bytes(header_line(HEADER) + entry_line(far))
    assert sigscope("watch", "--from-file", str(path)).status == 0
    assert sigscope("watch", "--from-file", str(path), "--json").status == 0


def test_a_text_where_a_number_belongs_is_no_event() -> None:
    with pytest.raises(DecodeError):
        decode_entry(b'["M","soon",1]')


@root
def test_two_watch_side_by_side_and_tell_the_same() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        words = ("--to", str(sleeper.pid))
        with Watching(*words) as one, Watching(*words) as other:
            subprocess.run(["sh", "-c", f"kill -TERM {sleeper.pid}; true"], check=True)
            told = [watch.until(len)[0] for watch in (one, other)]
    assert told[0]["outcome"] == told[1]["outcome"] == "terminated"
    assert told[0]["sender"]["pid"] == told[1]["sender"]["pid"]


@root
def test_processes_that_come_and_go_by_the_thousand_lose_nothing() -> None:
    """Each is signalled by the shell that forked it, and is gone at once."""
    script = "i=0; while [ $i -lt 300 ]; do sh -c 'kill -USR1 $$'; i=$((i+1)); done; exit 3"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "sigscope", "watch", "--json", "--summary"),
            *("--signal", "USR1", "--", "sh", "-c", script),
        ],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 3, run.stderr
    *stories, last = [json.loads(line) for line in run.stdout.splitlines()]
    assert last["summary"]["lost"] == 0
    assert last["summary"]["total"] == 300
    assert {one["outcome"] for one in stories} == {"terminated"}
    assert {one["origin"] for one in stories} == {"itself"}


@root
def test_a_target_that_ends_ends_the_watch() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeper, Watching(str(sleeper.pid)) as watch:
        sleeper.kill()
        sleeper.wait()
        assert watch.run.wait(60) == 0
        assert f"{sleeper.pid} has ended: killed by signal 9" in watch.said()
        assert watch.stories[0]["outcome"] == "terminated"


@root
def test_a_target_that_is_not_there_yet_is_waited_for() -> None:
    name = f"later-{os.getpid()}"[:15]
    with Watching("--to", name, "--wait", "--count", "1") as watch:
        code = f"printf {name} >/proc/$$/comm; kill -TERM $$"
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["sh", "-c", code], check=True)
        (told,) = watch.until(len)
    assert (told["target"]["comm"], told["outcome"]) == (name, "terminated")
