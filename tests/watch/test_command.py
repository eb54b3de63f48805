"""``sigscope watch`` on this host, and its record read again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.command import sigscope

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="watching all signals needs root")

SENDER = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
    "os.kill(os.getpid(), signal.SIGUSR1)\n"
    "child = os.fork()\n"
    "if not child:\n"
    "    time.sleep(60)\n"
    "os.kill(child, signal.SIGTERM)\n"
    "os.waitpid(child, 0)\n"
    "os._exit(7)\n"
)


def watched(*words: str) -> subprocess.CompletedProcess[str]:
    """A command that signals itself and a child, from its first moment."""
    return subprocess.run(
        [sys.executable, "-m", "sigscope", "watch", *words, "--", sys.executable, "-c", SENDER],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_command_is_watched_from_its_first_moment_and_its_status_is_passed_on(
    tmp_path: Path,
) -> None:
    record, trace = tmp_path / "record", tmp_path / "trace"
    run = watched("--json", "--summary", "--record", str(record), "--trace", str(trace))
    assert run.returncode == 7, run.stderr
    *stories, last = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(one["signal"], one["origin"], one["outcome"]) for one in stories] == [
        ("SIGUSR1", "itself", "handled"),
        ("SIGTERM", "process", "terminated"),
    ]
    assert stories[1]["sender"]["pid"] == stories[0]["target"]["pid"]
    # It is gone by now: of its arguments there is what was copied at its start.
    told = stories[1]["sender"]["cmdline"]
    assert told[:2] == [sys.executable, "-c"]
    assert SENDER.startswith(told[2])
    assert "import os, signal" in told[2]
    assert last["summary"]["total"] == 2
    assert last["summary"]["lost"] == 0
    events = json.loads(trace.read_text())
    assert [one["name"] for one in events if one["ph"] == "X"] == [
        f"USR1 to {stories[0]['target']['pid']}",
        "USR1 handled",
        f"TERM to {stories[1]['target']['pid']}",
        "TERM terminated",
    ]
    assert record.stat().st_mode & 0o777 == 0o600
    pid = str(stories[0]["target"]["pid"])
    again = sigscope("watch", "--from-file", str(record), "--tree", pid, "--json")
    assert again.status == 0, again.err
    told = [json.loads(line) for line in again.out.splitlines()]
    names = ("signal", "outcome", "time", "sender", "target")
    assert [[one[name] for name in names] for one in told] == [
        [one[name] for name in names] for one in stories
    ]
    whole = record.read_bytes()
    record.write_bytes(whole[: len(whole) - 40])
    cut = sigscope("watch", "--from-file", str(record), "--tree", pid)
    assert "TERM" in cut.out
    assert "cut off" in cut.err


def test_of_what_is_shown_while_it_waits_the_end_is_shown_as_well() -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "sys.stdin.readline()\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])\n"
    )
    words = ("--json", "--outcome", "queued", "--", sys.executable, "-c", program)
    with subprocess.Popen(
        [sys.executable, "-m", "sigscope", "watch", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline()]
        told += process.communicate("\n", timeout=120)[0].splitlines()
    found = [(one["outcome"], one["again"]) for one in map(json.loads, told)]
    assert found == [("queued", False), ("handled", True)]


def test_lines_are_aligned_and_fit() -> None:
    run = watched()
    assert run.returncode == 7, run.stderr
    head, *lines = run.stdout.splitlines()
    assert head.split() == ["TIME", "SIGNAL", "FROM", "TO", "BECAME"]
    usr1, term = (next(line for line in lines if f" {name} " in line) for name in ("USR1", "TERM"))
    at = head.index("BECAME")
    assert (usr1[at:], term[at:]) == ("handled", "terminated")
    assert "itself" in usr1
    assert max(map(len, lines)) <= 80


def watching(*words: str) -> subprocess.Popen[str]:
    """One that goes on, and ^C is not ignored in it."""
    return subprocess.Popen(
        [sys.executable, "-m", "sigscope", "watch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_an_interrupt_ends_it_in_order() -> None:
    with watching("--to", str(os.getpid())) as run:
        assert run.stdout is not None
        assert run.stdout.readline().startswith("TIME")  # it watches
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert " signal" in said.splitlines()[-1]


def test_a_reader_that_goes_away_ends_it() -> None:
    with watching("--all") as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["4194303"], 3, "there is no process 4194303"),
        (["no-such-daemon"], 3, "or wait for it: --wait"),
        (["--signal", "TREM"], 2, "did you mean SIGTERM?"),
        (["--outcome", "vanished"], 2, "no outcome"),
        (["--from-file", "/dev/null"], 2, "no record of a watch"),
        (["--for", "soon"], 2, "no time"),
        (["--", "/no/such/command"], 127, "No such file"),
        (["--", "/"], 126, "Permission denied"),
        (["--"], 2, "no command behind --"),
        (["--record", "/no/such/folder/file"], 2, "cannot write"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], status: int, said: str) -> None:
    run = sigscope("watch", *words)
    assert (run.status, said in run.err) == (status, True), run.err
