"""Looks at the wrong moment, from the wrong place, at the wrong kind of program."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sigscope.errors import NoSuchTarget, NotPermitted, SigscopeError, WouldHarm
from sigscope.kernel.place import here
from sigscope.kernel.ptrace import refusing
from sigscope.kernel.ptrace.asking import Permission
from sigscope.kernel.ptrace.refusing import refusal
from sigscope.kernel.ptrace.session import trace
from sigscope.model.subject import Subject
from tests.conftest import TARGET_FIXTURE
from tests.differential.freezer import Freezer, mounted
from tests.harness import proc
from tests.harness.build import TARGETS, directory, required
from tests.harness.inspecting import done, in_a_child, look
from tests.kernel.command import ROOT, command, environment
from tests.kernel.test_tracer import masks


def narrow(call: int) -> Path:
    """The 32-bit program; skips the test where it cannot be made or run."""
    gcc = required("gcc", "gcc")
    program = directory() / f"narrow{call}"
    flags = ["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie", "-O1"]
    flags += ["-fno-stack-protector", "-mno-sse", f"-DCALL={call}"]
    run = subprocess.run(
        [gcc, *flags, "-o", program, TARGETS / "narrow.c"], capture_output=True, text=True
    )
    if run.returncode:
        pytest.skip(f"no 32-bit program can be made here: {run.stderr[-200:]}")
    return program


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="i386 programs run on x86-64")
@pytest.mark.parametrize(("call", "number"), [(1, 256), (2, 102), (3, 162)])
def test_a_32_bit_program_does_not_notice(call: int, number: int) -> None:
    try:
        process = subprocess.Popen([narrow(call)], stdout=subprocess.PIPE)
    except OSError as error:
        pytest.skip(f"this kernel runs no 32-bit programs: {error}")
    with process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"r\n"
        proc.wait_syscall(process.pid, process.pid, number)
        for _ in range(3):
            seen = look(process.pid)
            assert seen.threads[0].depth is not None
            assert seen.threads[0].depth.blocked is not None
            assert 15 in seen.threads[0].depth.blocked
        assert process.wait(60) == 0


def test_a_program_that_is_replaced_all_the_time(target: TARGET_FIXTURE) -> None:
    """An execve waits for its dead siblings to be reaped by their tracer, and holds a lock that
    the next SEIZE wants: neither must wait for ever.
    """
    process = target("exec_storm", 300)

    def looks() -> None:
        while proc.state(process.pid) != "Z":
            try:
                trace(process.pid, masks)
            except (SigscopeError, ProcessLookupError):  # it is replaced in our hands
                time.sleep(0.001)

    child = in_a_child(looks)
    told = process.hear(120)
    assert told == {"execs": 300}
    assert process.wait(60) == 0
    assert done(child) == 0


def test_a_target_that_dies_at_any_moment(target: TARGET_FIXTURE) -> None:
    dice = random.Random(3)
    for _ in range(25):
        process = target("all_threads_block", {15}, 6)

        def looks(pid: int = process.pid) -> None:
            try:
                while True:
                    look(pid)
            except (NoSuchTarget, NotPermitted):
                return

        child = in_a_child(looks)
        time.sleep(dice.random() * 0.06)
        process.send(signal.SIGKILL)
        assert done(child) == 0
        assert process.wait() == -signal.SIGKILL
        process.stop()


def test_threads_by_the_dozen_that_come_and_go(target: TARGET_FIXTURE) -> None:
    process = target("churn", 48, 0)
    for _ in range(5):
        seen = look(process.pid)
        missing = [gap.why for gap in seen.gaps if f"thread {process.pid} of" in gap.what]
        assert seen.threads[0].depth is not None or missing
    process.close_input()
    told = process.hear()
    assert told is not None
    assert told["threads"] > 48
    assert process.wait() == 0


def test_our_own_parent_shell_waits_for_us_as_ever() -> None:
    said = subprocess.run(
        ["/bin/sh", "-c", '"$@" $$; echo "after $?"', "sh", *command("pid", "--attach")],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(),
    )
    assert said.stdout.endswith("after 0\n"), said.stdout + said.stderr


def test_a_filter_of_our_own_that_refuses_ptrace_is_named(target: TARGET_FIXTURE) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the filter is written for x86-64")
    process = target("all_threads_block", {15}, 1)
    heard, said = os.pipe()

    def filtered() -> None:
        _forbid(101)  # ptrace
        try:
            look(process.pid)
        except NotPermitted as error:
            os.write(said, error.message.encode())

    assert done(in_a_child(filtered)) == 0
    os.close(said)
    with os.fdopen(heard) as pipe:
        assert "a seccomp filter of our own refuses ptrace" in pipe.read()


def _forbid(number: int) -> None:
    """EPERM for this call, in this process, for good."""
    program = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    filters = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.create_string_buffer(filters), 0, 0) == 0


def test_a_user_namespace_of_our_own_is_named(target: TARGET_FIXTURE) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: apt-get install util-linux")
    process = target("all_threads_block", {15}, 1)
    enter = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*enter, "true"], capture_output=True).returncode:
        pytest.skip("no user namespace may be made here")
    said = subprocess.run(
        [*enter, *command("pid", "--attach", process.pid)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        cwd=ROOT,
    )
    assert said.returncode == 4, said.stderr
    assert "user namespace" in said.stderr


def test_a_user_namespace_below_ours_is_no_obstacle() -> None:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: apt-get install util-linux")
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", "echo; read x"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != b"\n":
                pytest.skip("no user namespace may be made here")
            assert look(process.pid, actions=False).depth is not None
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        (1, "only a parent may trace its children"),
        (2, "only CAP_SYS_PTRACE may trace"),
        (3, "nobody may trace until the next boot"),
    ],
)
def test_yama_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, scope: int, says: str
) -> None:
    """Where it is not there, a place that has it is: the rest is this process."""
    place = replace(here(), yama=scope, effective=0)
    monkeypatch.setattr(refusing, "here", lambda: place)
    other = os.getppid()  # none of our own children: those may be traced with 1
    error = refusal(other, other, OSError(errno.EPERM, "refused"))
    assert isinstance(error, NotPermitted)
    assert f"is {scope}: {says}" in error.message


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_frozen_process_stays_frozen(target: TARGET_FIXTURE, version: str) -> None:
    if mounted(version) is None:
        pytest.skip(f"no freezer {version} may be used here")
    process = target("blocking_call", "read_pipe", 1000, "plain")
    freezer = Freezer(version, process.pid)
    try:
        freezer.freeze()
        proc.eventually(lambda: freezer.frozen)
        if version == "v1":  # there it is in D, and does not stop
            with pytest.raises(WouldHarm, match="uninterruptible"):
                look(process.pid)
        else:
            seen = look(process.pid)
            assert seen.threads[0].depth is not None
            assert ["frozen" in gap.why for gap in seen.gaps] == [True] * len(Subject)
        assert proc.status(process.pid)["TracerPid"] == "0"
        proc.eventually(lambda: freezer.frozen, saying="it is frozen as before")
        freezer.thaw()
        proc.wait_syscall(process.pid, process.pid, "read")
        process.send(signal.SIGUSR1)
        told = process.hear()
        assert told is not None
        assert (told["ret"], told["errno"], told["handled"]) == (-1, errno.EINTR, 1)
    finally:
        process.stop()
        freezer.close()


def test_a_parent_in_vfork_is_left_alone(target: TARGET_FIXTURE) -> None:
    """Nothing is stopped that would be harmed, and the reason is given."""
    process = target("vfork_parent")
    with pytest.raises(NotPermitted, match="waits for the child of its vfork"):
        look(process.pid, permission=Permission())
    assert proc.status(process.pid)["TracerPid"] == "0"


def test_python_with_warnings_as_errors_can_load_it(target: TARGET_FIXTURE) -> None:
    """python-ptrace warns of its own code from Python 3.12 on."""
    process = target("all_threads_block", {15}, 1)
    script = (
        "import sys; from sigscope.kernel.ptrace.session import trace;"
        "trace(int(sys.argv[1]), lambda session: session.hold())"
    )
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(process.pid)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert (said.returncode, said.stderr) == (0, "")
