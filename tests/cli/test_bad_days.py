"""What goes wrong on a bad day ends in a sentence and a status, and never in a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.decode import samples
from tests.harness import proc
from tests.kernel.command import command, environment, no_traceback, sigscope

LAST_PID = 1 << 22
"""No process has this number: it is the limit of the kernel itself (PID_MAX_LIMIT)."""

REFUSED = {
    "no-such-pid": (("pid", LAST_PID), 3, b"no process 4194304"),
    "pid-zero": (("pid", 0), 3, b"no process 0"),
    "pid-beyond-32-bits": (("pid", 9999999999), 3, b"no process"),
    "no-such-thread": (("pid", f"1/{LAST_PID}"), 3, b"has no thread 4194304"),
    "no-such-name": (("pid", "no-such-program"), 3, b"no process is called 'no-such-program'"),
    "no-such-name-in-tree": (("tree", "no-such-program"), 3, b"no process is called"),
    "no-such-pid-in-tree": (("tree", LAST_PID), 3, b"4194304"),
    "no-such-pid-in-snapshot": (("snapshot", LAST_PID, "-o", "/dev/null/x"), 3, b"4194304"),
    "a-path": (("pid", "/bin/sh"), 2, b"no target"),
    "an-empty-name": (("pid", ""), 2, b"no target"),
    "no-target": (("pid",), 2, b"TARGET"),
    "not-hex": (("decode", "xyz"), 2, b"neither a mask in hex nor"),
    "seventeen-digits": (("decode", "1" * 17), 2, b"not a signal mask"),
    "empty-mask": (("decode", ""), 2, b"empty mask"),
    "unknown-option": (("pid", "--no-such-option", 1), 2, b"--no-such-option"),
    "unknown-command": (("frobnicate",), 2, b"frobnicate"),
    "a-pid-for-a-command": ((4285,), 2, b"sigscope pid 4285"),
    "a-signal-as-kill-takes-it": (("explain", "-9", 1), 2, b"sigscope explain KILL TARGET"),
    "a-signal-as-kill-names-it": (("unblock", "-ALRM", 1), 2, b"sigscope unblock ALRM TARGET"),
    "a-signal-and-no-target": (("unblock", "TERM"), 3, b"sigscope unblock TERM TARGET"),
    "force-without-live": (("restart", "--force", 1), 2, b"--live"),
    "the-signal-behind": (("explain", 4285, "TERM"), 2, b"sigscope explain TERM 4285"),
    "an-option-and-no-signal": (("explain", "--frob", 1), 2, b"sigscope explain --help"),
    "no-such-check": (("audit", "--ignore", "foo"), 2, b"sigscope audit --list-checks"),
    "bad-choice": (("pid", "--fail-on", "never", 1), 2, b"never"),
    "no-such-procfs": (("pid", 1, "--procfs", "/nonexistent"), 5, b"/nonexistent"),
    "no-such-snapshot": (("pid", 1, "--from", "/nonexistent"), 2, b"/nonexistent"),
    "two-sources": (("pid", 1, "--from", "/dev/null", "--procfs", "/"), 2, b"exclude"),
    "unwritable": (("snapshot", 1, "-o", "/proc/x"), 2, b"cannot write /proc/x"),
}


@pytest.mark.parametrize(("words", "status", "says"), REFUSED.values(), ids=REFUSED)
def test_a_call_that_cannot_be_answered_says_why(
    words: tuple[object, ...], status: int, says: bytes
) -> None:
    done = sigscope(*words)
    assert (done.returncode, done.stdout) == (status, b"")
    assert says in done.stderr


def test_a_slip_in_a_name_is_answered_with_a_suggestion(target: TARGET_FIXTURE) -> None:
    target("all_threads_block")
    done = sigscope("pid", "all_threads_blok")
    assert done.returncode == 3
    assert b"did you mean" in done.stderr


def test_a_name_that_many_have_gives_them_all(target: TARGET_FIXTURE) -> None:
    pids = [target("stopped").pid for _ in range(3)]
    shown = sigscope("pid", "stopped", "--json").stdout
    assert all(f'"pid": {pid}'.encode() in shown for pid in pids)
    assert sigscope("pid", "stopped", "--fail-on", "warning").returncode == 1


def test_one_missing_of_several_costs_the_status_and_not_the_answer(
    target: TARGET_FIXTURE,
) -> None:
    one, other = target("ignores", ""), target("ignores", "")
    for asked in ((one.pid, LAST_PID, other.pid), (LAST_PID, one.pid, other.pid, "no-such-name")):
        done = sigscope("pid", *asked)
        assert done.returncode == 3
        assert f"ignores {one.pid}".encode() in done.stdout
        assert f"ignores {other.pid}".encode() in done.stdout
        assert b"no process 4194304" in done.stderr


def test_an_error_found_is_status_1_and_a_missing_target_is_worse(target: TARGET_FIXTURE) -> None:
    stuck = target("blocked_pending")
    assert sigscope("pid", stuck.pid).returncode == 1
    assert sigscope("pid", stuck.pid, LAST_PID).returncode == 3
    assert sigscope("pid", os.getpid()).returncode == 0


class TestOutput:
    ANSWERS = (("decode", "4000"), ("pid", "1"), ("pid", "1", "--json"), ("tree", "--all"))
    LONG = (*ANSWERS, ("snapshot", "1", "-o", "-"))

    @pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
    def test_a_reader_that_went_away_is_no_error(self, words: tuple[str, ...]) -> None:
        done = self._unread(words)
        assert done.returncode in (0, 1)
        assert b"pipe" not in done.stderr.lower()

    @pytest.mark.parametrize("words", [("snapshot", "1", "-o", "-"), ("--help",)], ids=" ".join)
    def test_a_reader_that_went_away_is_no_answer_no(self, words: tuple[str, ...]) -> None:
        assert self._unread(words).returncode == 0

    def _unread(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            return sigscope(*words, stdout=theirs)
        finally:
            os.close(theirs)

    def test_head_gets_its_line_and_nothing_is_said(self) -> None:
        words = command("tree", "--all")
        asked = ["sh", "-c", '"$@" | head -n 1', "sh", *words]
        done = subprocess.run(asked, env=environment(), capture_output=True, timeout=60)
        assert len(done.stdout.splitlines()) == 1
        no_traceback(0, done.stderr)

    @pytest.mark.parametrize("words", [*LONG, ("--help",)], ids=" ".join)
    def test_a_full_disk_is_told_as_what_it_is(self, words: tuple[str, ...]) -> None:
        with open("/dev/full", "wb") as full:
            done = sigscope(*words, stdout=full)
        assert done.returncode != 0
        assert b"No space left" in done.stderr

    @pytest.mark.parametrize(
        ("words", "closed"),
        [
            (("pid", "1"), (1,)),
            (("pid", "1"), (1, 2)),
            (("decode", "-"), (0,)),
            (("--help",), (1,)),
        ],
        ids=str,
    )
    def test_closed_standard_streams_are_no_bug(
        self, words: tuple[str, ...], closed: tuple[int, ...]
    ) -> None:
        def close() -> None:
            for stream in closed:
                os.close(stream)

        done = sigscope(*words, preexec_fn=close)
        assert done.returncode in ((2,) if closed == (0,) else (0, 5))


class TestInterrupted:
    @pytest.mark.parametrize(
        "words", [("tree",), ("pid", "1"), ("snapshot", "-o", "-")], ids=" ".join
    )
    def test_a_scan_that_is_interrupted_ends_with_130(
        self, words: tuple[str, ...], tmp_path: Path
    ) -> None:
        """A /proc whose first file never comes: the command waits in open(2) until we interrupt."""
        os.mkfifo(tmp_path / "uptime")
        (tmp_path / "1").mkdir()
        for name, text in (
            ("status", samples.status(pid=1, ppid=0)),
            ("stat", samples.stat(pid=1)),
        ):
            (tmp_path / "1" / name).write_bytes(text)
        (tmp_path / "1" / "task").mkdir()
        self._interrupt((*words, "--procfs", str(tmp_path)), ("openat", 257, 56), None)

    def test_a_decode_that_waits_for_input_ends_with_130(self) -> None:
        self._interrupt(("decode",), ("read", 0, 63), subprocess.PIPE)

    def _interrupt(
        self, words: tuple[str, ...], call: tuple[str, int, int], stdin: int | None
    ) -> None:
        running = subprocess.Popen(
            command(*words),
            env=environment(),
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_take_interrupts,
        )
        try:
            number = call[1 + (os.uname().machine == "aarch64")]
            path = Path(f"/proc/{running.pid}")

            def waits() -> bool:
                """Asleep in the call; a Python that is still starting never sleeps in an open."""
                return (
                    proc.syscall(running.pid, running.pid) == number
                    and proc.state(running.pid) == "S"
                    and b"sigscope" in (path / "cmdline").read_bytes()
                )

            proc.eventually(waits, saying=f"it waits in {call[0]}")
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
            running.wait()
        assert running.returncode == 130
        assert out == b""
        assert err.strip() == b"sigscope: interrupted"


def _take_interrupts() -> None:
    """A background job of a script, and so all that it starts, ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_the_package_is_the_one_under_test() -> None:
    asked = [sys.executable, "-c", "import sigscope; print(sigscope.__file__)"]
    told = subprocess.run(asked, env=environment(), capture_output=True, text=True, check=True)
    assert Path(told.stdout.strip()).parent.parent == Path(__file__).parent.parent.parent
