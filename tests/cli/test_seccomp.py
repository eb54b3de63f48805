"""``sigscope seccomp`` on real processes: threads that differ, strict mode, a container."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from tests.conftest import TARGET_FIXTURE
from tests.harness import proc
from tests.harness.command import Said, sigscope
from tests.harness.containers import Container
from tests.kernel.bpf.engine import need_engine
from tests.kernel.command import ROOT, as_nobody
from tests.kernel.command import sigscope as sigscope_as
from tests.seccomp.profiles import CONTAINER_CALLS

SENTENCE = (
    "restart_syscall: fails with EPERM any stop (SIGSTOP, a debugger, a freeze) of a thread that"
    " sits in nanosleep, poll or a futex with a timeout ends that wait early, with this error"
)


def words(said: Said) -> str:
    """The screen without its line ends."""
    return " ".join(said.out.split())


@contextlib.contextmanager
def old_docker(*command: str) -> Iterator[Container]:
    """A container whose runtime was told what Docker 1.10 told: restart_syscall is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("it needs root")
    calls = [name for name in CONTAINER_CALLS if name != "restart_syscall"] + ["clone", "socket"]
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [{"names": calls, "action": "SCMP_ACT_ALLOW"}],
    }
    with Container(command, seccomp=profile) as container:
        yield container


def test_a_container_that_denies_restart_syscall_and_the_stop_that_proves_it() -> None:
    need_engine()
    with old_docker("sleep", "3600") as container:
        init = container.init
        proc.wait_syscall(init, init, "clock_nanosleep")
        said = sigscope("seccomp", init)
        assert said.status == 1, said.err
        assert SENTENCE in words(said)
        assert f"sits in such a call now: {init} in clock_nanosleep" in words(said)
        told = sigscope("seccomp", init, "--json").document["stacks"]
        assert [one["restart_syscall"]["errno"] for one in told] == ["EPERM"]
        assert told[0]["processes"][0]["restarting"] == [{"tid": init, "name": "clock_nanosleep"}]
        os.kill(init, signal.SIGSTOP)
        proc.wait_state(init, init, "T")
        os.kill(init, signal.SIGCONT)
        proc.eventually(lambda: not os.path.exists(f"/proc/{init}/task/{init}"), 20, "it ends")


def test_an_audit_warns_of_it() -> None:
    need_engine()
    with old_docker("sleep", "3600") as container:
        init = container.init
        proc.wait_syscall(init, init, "clock_nanosleep")
        found = sigscope("audit", init, "--json").document["findings"]
        (told,) = [one for one in found if one["id"] == "seccomp-restart"]
        assert (told["severity"], told["pid"]) == ("warning", init)
        assert "restart_syscall fails with EPERM" in told["title"]


@pytest.mark.parametrize(("engine", "severity"), [("auto", "warning"), ("proc", "note")])
def test_a_recorded_host_is_audited_with_its_filters(engine: str, severity: str) -> None:
    recorded = f"{ROOT}/tests/procfs/old-docker-sleep.gz"
    said = sigscope("audit", "--from", recorded, "--json", "--engine", engine)
    found = [one for one in said.document["findings"] if one["id"] == "seccomp-restart"]
    assert [(one["severity"], one["pid"]) for one in found] == [(severity, 16)]
    unknown = any("what the filter answers is not known" in one for one in found[0]["evidence"])
    assert unknown is (engine == "proc")


def test_threads_of_one_process_may_have_other_filters(target: TARGET_FIXTURE) -> None:
    need_engine()
    threads = target("filtered_threads")
    one, two = threads.tids["one"], threads.tids["two"]
    said = sigscope("seccomp", threads.pid)
    assert said.status == 1
    assert f"no filter in thread {threads.pid}" in words(said)
    assert f"1 filter in thread {one}: 4 instructions" in words(said)
    assert f"2 filters in thread {two}: 4 and 4 instructions, newest first" in words(said)
    assert "restart_syscall: kills the process" in words(said)
    alone = sigscope("seccomp", f"{threads.pid}/{one}")
    assert "kills" not in alone.out
    assert sigscope("seccomp", f"{threads.pid}/{threads.pid}").status == 0


def test_all_names_threads_that_differ_and_groups_the_rest(target: TARGET_FIXTURE) -> None:
    need_engine()
    same = [target("filtered_sleep", "pause", "deny") for _ in range(3)]
    document = sigscope("seccomp", "--all", "--json").document
    (stack,) = [
        stack
        for stack in document["stacks"]
        if same[0].pid in [holder["pid"] for holder in stack["processes"]]
    ]
    assert {one.pid for one in same} <= {holder["pid"] for holder in stack["processes"]}
    said = sigscope("seccomp", "--all")
    assert "5 instructions: " in said.out
    assert "restart_syscall: fails with EPERM" in said.out


def test_processes_with_the_same_filters_share_a_screen(target: TARGET_FIXTURE) -> None:
    need_engine()
    one, two = (target("filtered_sleep", "pause", "deny").pid for _ in range(2))
    other = target("filtered_sleep", "pause", "allow").pid
    said = sigscope("seccomp", one, two, other)
    assert said.out.count("1 filter: 5 instructions") == 2
    assert f"and, with the same filters, filtered_sleep {two}" in said.out


def test_strict_mode(target: TARGET_FIXTURE) -> None:
    strict = target("filtered_threads", "strict")
    proc.eventually(lambda: proc.status(strict.pid)["Seccomp"] == "1")
    said = sigscope("seccomp", strict.pid)
    assert said.status == 1
    assert "strict mode: only read, write, _exit and sigreturn are allowed" in words(said)


def test_no_filter(target: TARGET_FIXTURE) -> None:
    said = sigscope("seccomp", target("stopped").pid)
    assert (said.status, "no seccomp filter: every call is allowed" in said.out) == (0, True)


def test_what_is_asked_of_one_call(target: TARGET_FIXTURE) -> None:
    need_engine()
    pid = target("filtered_sleep", "pause", "deny").pid
    said = sigscope("seccomp", pid, "--call", "restart_syscall,read", "--arch", "x86-64")
    assert "restart_syscall (x86-64) fails with EPERM" in said.out
    assert "read (x86-64) is allowed" in said.out
    unclear = target("filtered_sleep", "pause", "unclear").pid
    said = sigscope("seccomp", unclear, "--call", "219")
    assert "restart_syscall (x86-64) could not be followed" in said.out
    assert sigscope("seccomp", unclear).status == 1


def test_a_listing_shows_what_was_loaded(target: TARGET_FIXTURE) -> None:
    need_engine()
    pid = target("filtered_sleep", "pause", "deny").pid
    said = sigscope("seccomp", pid, "--disasm")
    listing = said.out[said.out.index("filter 1 of 1") :].splitlines()
    assert listing == [
        "filter 1 of 1, 5 instructions",
        "0000: 0x20 0x00 0x00 0x00000000  A = nr",
        "0001: 0x15 0x00 0x02 0x000000db  if (A != restart_syscall) goto 0004",
        "0002: 0x20 0x00 0x00 0x00000010  A = args[0]",
        "0003: 0x06 0x00 0x00 0x00050001  return ERRNO(EPERM)",
        "0004: 0x06 0x00 0x00 0x7fff0000  return ALLOW",
    ]
    document = sigscope("seccomp", pid, "--disasm", "--json").document
    program = document["stacks"][0]["filters"][0]["program"]
    assert [one["code"] for one in program] == [0x20, 0x15, 0x20, 0x06, 0x06]


def test_who_may_not_read_filters_is_told_so(target: TARGET_FIXTURE) -> None:
    pid = target("filtered_sleep", "pause", "deny").pid
    ran = sigscope_as("seccomp", pid, **as_nobody())
    out, err = ran.stdout.decode(), ran.stderr.decode()
    assert ran.returncode == 4
    assert "it has seccomp filters, and what they answer could not be read" in " ".join(out.split())
    assert f"seccomp filters of {pid}" in " ".join(err.split())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "a TARGET is missing"),
        (("--all", "1"), "exclude each other"),
        (("1", "--call", "clonee"), "did you mean clone"),
        (("1", "--arch", "z80"), "no table of the calls of 'z80'"),
    ],
)
def test_wrong_words_are_told(asked: tuple[str, ...], said: str) -> None:
    ran = sigscope("seccomp", *asked)
    assert (ran.status, said in ran.err) == (2, True), ran.err
