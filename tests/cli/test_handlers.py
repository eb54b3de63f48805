"""``sigscope handlers``: what the kernel knows of each signal, named by the program's own file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.snapshot import take_snapshot, write_snapshot
from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.build import required
from tests.harness.command import Said, sigscope
from tests.harness.containers import Container
from tests.harness.targets import PATIENCE
from tests.kernel.bpf.engine import need_engine

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def engine() -> None:
    need_engine()


def actions(said: Said, pid: int) -> dict[str, dict[str, Any]]:
    """The actions of one process, by signal."""
    (found,) = [one for one in said.document["handlers"] if one["pid"] == pid]
    return {one["signal"]: one for one in found["actions"]}


@pytest.mark.usefixtures("engine")
def test_addresses_flags_and_masks_are_the_kernels(target: TARGET_FIXTURE) -> None:
    child = target("handler_places")
    said = sigscope("handlers", child.pid, "--json")
    assert said.status == 0
    found = actions(said, child.pid)
    truth = child.truth
    told = {name: int(one["handler"], 16) for name, one in found.items() if one["handler"]}
    assert told == {
        "SIGUSR1": truth["own"],
        "SIGUSR2": truth["inside"],
        "SIGHUP": truth["library"],
        "SIGTERM": truth["made"],
        "SIGALRM": truth["nowhere"],
        "SIGIO": truth["data"],
        "SIGPROF": truth["mapped"],
    }
    assert found["SIGUSR1"]["function"] == "own_handler"
    assert found["SIGUSR2"]["function"] == "own_handler+0x4"
    assert found["SIGUSR2"]["place"]["into"] == 4
    assert found["SIGHUP"]["place"]["symbol"] == "abort"
    assert found["SIGTERM"]["function"] is None
    assert found["SIGTERM"]["place"]["because"].startswith("JIT or generated code")
    assert "SIGINT" not in found


@pytest.mark.usefixtures("engine")
def test_the_screen_fits_and_says_what_it_is(target: TARGET_FIXTURE) -> None:
    child = target("handler_places")
    for columns in (40, 80):
        out = sigscope("handlers", child.pid, columns=columns).out
        assert all(len(line) <= columns or "/" in line for line in out.splitlines()), out
    out = sigscope("handlers", child.pid).out
    assert re.search(r"^SIGUSR1\n  handler  own_handler\n           in /", out, re.MULTILINE)
    assert "JIT or generated code in anonymous memory" in out
    assert "default: the other 57 (--all lists them)" in out


@pytest.mark.usefixtures("engine")
def test_all_lists_every_signal_once(target: TARGET_FIXTURE) -> None:
    child = target("handler_places")
    out = sigscope("handlers", child.pid, "--all").out
    rows = out.split("\n\n", 1)[1].splitlines()
    assert len(rows) == 65
    assert rows[0].split() == ["signal", "disposition", "function", "flags"]
    assert all(len(row) <= 80 for row in rows)


@pytest.mark.usefixtures("engine")
def test_equal_signals_share_a_block(target: TARGET_FIXTURE) -> None:
    child = target("stopped")
    assert "\nall 64 signals: default (--all lists them)\n" in sigscope("handlers", child.pid).out
    wrapper = "import signal, time\n"
    wrapper += "for n in (1, 10, 12, 15): signal.signal(n, print)\n"
    wrapper += "print('ready', flush=True)\ntime.sleep(1000)\n"
    command = [sys.executable, "-c", wrapper]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            out = sigscope("handlers", process.pid).out
            assert "\nSIGHUP SIGUSR1 SIGUSR2 SIGTERM\n  handler  signal_handler\n" in out
            assert "owner    CPython: " in out
        finally:
            process.kill()


@pytest.fixture
def ordinary() -> Iterator[int]:
    """A process with a handler, to be looked at by somebody without rights."""
    with subprocess.Popen(["sh", "-c", "trap : TERM; echo; read line"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.kill()


def test_without_the_engine_it_is_not_readable_and_why(ordinary: int) -> None:
    """Started without the three capabilities that would open it, as root or not."""
    drop = (
        "import ctypes, os, sys\n"
        "for bit in (21, 38, 39): ctypes.CDLL(None).prctl(24, bit, 0, 0, 0)\n"
        f"os.execv(sys.executable, [sys.executable, '-m', 'sigscope', 'handlers', '{ordinary}'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", drop], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert ran.returncode in (4, 5), ran.stderr
    assert re.search(r"^SIG.*SIGTERM.*\n  handler  not readable$", ran.stdout, re.MULTILINE)
    said = " ".join(ran.stderr.split())
    assert f"handlers of {ordinary}: " in said
    assert "/proc shows only that there are some" in said


def test_a_zombie_and_a_kernel_thread_have_none(target: TARGET_FIXTURE) -> None:
    child = target("zombie")
    (zombie,) = child.children.values()
    assert "a zombie: it has no handlers" in sigscope("handlers", zombie).out
    kernel = next(
        (int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _kernel_thread(pid)), None
    )
    if kernel is None:
        pytest.skip("no kernel thread is to be seen here")
    assert "a kernel thread: it has no handlers" in sigscope("handlers", kernel).out


def _kernel_thread(pid: str) -> bool:
    try:
        return "\nKthread:\t1" in Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return False


def test_no_such_target_is_said() -> None:
    said = sigscope("handlers", 2**22 + 7)
    assert (said.status, said.out) == (3, "")


@pytest.mark.usefixtures("engine")
def test_a_snapshot_gives_the_same_answer_without_the_files(
    target: TARGET_FIXTURE, tmp_path: Path
) -> None:
    child = target("handler_places")
    live = sigscope("handlers", child.pid, "--json", "--all")
    kept = tmp_path / "one.gz"
    assert sigscope("snapshot", child.pid, "-o", str(kept)).status == 0
    child.stop()
    again = sigscope("handlers", child.pid, "--json", "--all", "--from", str(kept))
    assert again.document["handlers"] == live.document["handlers"]
    shown = sigscope("handlers", child.pid, "--from", str(kept))
    assert (shown.status, "own_handler" in shown.out) == (0, True)
    assert "own_handler handles SIGUSR1" in sigscope("pid", child.pid, "--from", str(kept)).out


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("content", [None, b"{", b"{}", b'{"code": [[1]], "deferred": []}'])
def test_a_snapshot_without_names_says_so(
    target: TARGET_FIXTURE, tmp_path: Path, content: bytes | None
) -> None:
    """One that was taken before they were kept, or whose part about them is damaged."""
    pid = target("handler_places").pid
    tape = take_snapshot(ProcFS(), (pid,), redact=False)
    if content is None:
        del tape.answers[f"{pid}/code"]
    else:
        tape.answers[f"{pid}/code"] = content
    kept = tmp_path / "one.gz"
    with open(kept, "wb") as out:
        write_snapshot(tape, out)
    said = sigscope("handlers", pid, "--from", str(kept))
    assert re.search(r"^SIGUSR1\n  handler  not readable at 0x", said.out, re.MULTILINE)
    assert f"names of handlers of {pid}: " in " ".join(said.err.split())


@pytest.mark.usefixtures("engine")
def test_a_dead_leader_is_answered_for_by_the_others(target: TARGET_FIXTURE) -> None:
    child = target("handler_places", "dead")
    assert actions(sigscope("handlers", child.pid, "--json"), child.pid)["SIGUSR1"]["function"] == (
        "own_handler"
    )


@pytest.mark.usefixtures("engine")
def test_pid_shows_which_function_handles_what(target: TARGET_FIXTURE) -> None:
    child = target("handler_places")
    out = sigscope("pid", child.pid).out
    assert "\nown_handler handles SIGUSR1\n" in out
    assert "\nown_handler+0x4 handles SIGUSR2\n" in out
    assert f"\nwith which flags: sigscope handlers {child.pid}\n" in out
    assert "own_handler" not in sigscope("pid", child.pid, "--engine", "proc").out


@pytest.mark.usefixtures("engine")
def test_a_program_in_a_container_is_not_the_hosts_of_the_same_path(tmp_path: Path) -> None:
    """Inside it is bash; on the host another program lies at that path."""
    if os.geteuid() != 0:
        pytest.skip("a container needs root: sudo scripts/test")
    bash = required("bash", "bash")
    program = tmp_path / "program"
    shutil.copy(required("cat", "coreutils"), program)
    trap = "trap : TERM; while :; do sleep 0.1; done"
    script = f"mkdir -p {tmp_path} && cp {bash} {program} && exec {program} -c '{trap}'"
    with Container(["sh", "-c", script]) as container:
        pid = container.init
        proc.eventually(lambda: 15 in proc.masks(pid).caught, PATIENCE, "its trap is set")
        found = actions(sigscope("handlers", pid, "--json"), pid)["SIGTERM"]
    assert found["function"] == "trap_handler"
    assert found["place"]["module"].endswith(str(program))
