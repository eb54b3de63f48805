"""php-fpm's slow log stops a worker to read its stack: under a filter, its sleep ends too early.

A container by runc, with a filter that answers EPERM to restart_syscall and allows the rest, as
Docker's did before 1.11 (moby issue 20818). ``restart`` says what will happen before it does.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import proc
from tests.harness.build import required
from tests.harness.command import sigscope
from tests.harness.containers import Container
from tests.harness.fastcgi import connected, question
from tests.harness.targets import PATIENCE
from tests.kernel.bpf.engine import need_engine

SLOW = 5
"""Seconds after which a request is slow. Before that we must have asked."""
SLEEP = 14
TRIES = 3
SCRIPT = (
    f"<?php $begin = hrtime(true); sleep({SLEEP}); echo 'slept ', (hrtime(true) - $begin) / 1e9;"
)
CONF = """\
[global]
error_log = {home}/log
daemonize = no
[www]
user = 0
group = 0
listen = {home}/socket
pm = static
pm.max_children = 1
slowlog = {home}/slow
request_slowlog_timeout = {slow}s
"""
DENIES = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["restart_syscall"], "action": "SCMP_ACT_ERRNO"}],
}
ALLOWS = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO"}],
}


@dataclass
class Fpm:
    """php-fpm in a container: its only worker, by its pid on this host."""

    home: Path
    container: Container

    @property
    def worker(self) -> int:
        return proc.eventually(lambda: proc.children(self.container.init), PATIENCE)[0]

    @property
    def slow(self) -> str:
        """The slow log so far."""
        file = self.home / "slow"
        return file.read_text() if file.exists() else ""


@contextmanager
def fpm(seccomp: Mapping[str, object]) -> Iterator[Fpm]:
    if os.geteuid() != 0:
        pytest.skip("runc needs root: sudo scripts/test")
    program = required("php-fpm8.2", "php8.2-fpm")
    with tempfile.TemporaryDirectory(prefix="sigscope-slowlog-") as folder:
        home = Path(folder)
        (home / "sleep.php").write_text(SCRIPT)
        (home / "fpm.conf").write_text(CONF.format(home=home, slow=SLOW))
        command = [program, "-F", "-R", "-n", "-y", f"{home}/fpm.conf"]
        with Container(command, seccomp, (home,)) as container:
            try:
                proc.eventually((home / "socket").exists, PATIENCE, "it listens")
            except AssertionError as error:
                log = home / "log"
                said = container.said() + (log.read_text() if log.exists() else "")
                raise AssertionError(f"{error}\n{said}") from None
            yield Fpm(home, container)


@dataclass(frozen=True)
class Request:
    """What was predicted while it slept, and how long it slept then."""

    predicted: dict[str, object]
    screen: str
    slept: float
    in_time: bool


def request(running: Fpm) -> Request:
    """One request; asked about while its worker sleeps, and before the slow log strikes."""
    before = running.slow
    with connected(str(running.home / "socket")) as peer:
        peer.sendall(question(running.home / "sleep.php", ""))
        worker = running.worker
        proc.wait_syscall(worker, worker, "clock_nanosleep", PATIENCE)
        (predicted,) = sigscope("restart", worker, "--json").document["restarts"]
        screen = sigscope("restart", worker, columns=200).out
        in_time = running.slow == before
        peer.settimeout(SLEEP + PATIENCE)
        answer = b"".join(iter(lambda: peer.recv(1 << 16), b"")).decode(errors="replace")
    found = re.search(r"slept ([\d.]+)", answer)
    assert found is not None, answer
    assert running.slow != before, "the slow log has seen it"
    return Request(predicted, screen, float(found[1]), in_time)


def request_in_time(running: Fpm) -> Request:
    """On a busy machine the slow log may have been faster than we: then once more."""
    for _ in range(TRIES):
        found = request(running)
        if found.in_time:
            return found
    pytest.skip(f"the machine is too busy: {TRIES} times not asked within {SLOW} s")


def test_a_sleep_under_the_filter_ends_early_and_that_was_said_before() -> None:
    need_engine()
    with fpm(DENIES) as running:
        found = request_in_time(running)
        assert found.predicted["after_attach"] == "fails"
        assert found.predicted["errno"] == "EPERM"
        assert found.predicted["filter"] == "errno"
        assert "answers EPERM" in found.screen
        assert f"whose filter: docker container {running.container.id[:12]}" in found.screen
        assert "Docker before 1.11 denied it" in found.screen
        assert SLOW <= found.slept < SLEEP - 1


def test_a_sleep_without_that_rule_lasts_in_spite_of_the_slow_log() -> None:
    need_engine()
    with fpm(ALLOWS) as running:
        found = request_in_time(running)
        assert found.predicted["after_attach"] == "resumes"
        assert found.predicted["filter"] == "allow"
        assert found.slept >= SLEEP
