"""Fixtures for tests against real processes, and a word at the start on what is missing here."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator

import pytest

from tests.harness import uwsgi
from tests.harness.build import compiler
from tests.harness.targets import Argument, Target, start

YAMA = "/proc/sys/kernel/yama/ptrace_scope"
TARGET_FIXTURE = Callable[..., Target]


def _missing() -> Iterator[str]:
    if compiler() is None:
        yield "no C compiler, all targets are skipped: apt-get install gcc libc6-dev"
    if os.geteuid() != 0:
        yield "not root, what needs it is skipped: sudo scripts/test"
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        yield "the kernel lists no children (CONFIG_PROC_CHILDREN): run on another kernel"
    try:
        with open(YAMA) as scope:
            if int(scope.read()) > 1 or (os.geteuid() and int(scope.read() or 0)):
                yield f"ptrace is barred: echo 0 >{YAMA}"
    except (FileNotFoundError, ValueError):
        pass
    for program, package in (("uwsgi_python3", "uwsgi-plugin-python3"), ("hping3", "hping3")):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            yield f"no {program}, the uWSGI incident is skipped: apt-get install {package}"


def pytest_report_header() -> list[str]:
    return [f"sigscope: {line}" for line in _missing()] or ["sigscope: all that tests need is here"]


@pytest.fixture
def target() -> Iterator[TARGET_FIXTURE]:
    """`start`, with everything that it has started stopped after the test."""
    with contextlib.ExitStack() as stack:

        def begin(
            name: str,
            *arguments: Argument,
            mask: Collection[int] = frozenset(),
            ignored: Collection[int] = frozenset(),
            **environment: str,
        ) -> Target:
            started = start(name, *arguments, mask=mask, ignored=ignored, **environment)
            return stack.enter_context(started)

        yield begin


@pytest.fixture(scope="module")
def uwsgi_incident() -> Iterator[uwsgi.Incident]:
    """uWSGI with four threads and a hung hping3. Look at it, change nothing: it is shared."""
    with uwsgi.incident() as found:
        yield found


@pytest.fixture(scope="module")
def uwsgi_unthreaded() -> Iterator[uwsgi.Healthy]:
    """uWSGI without threads and a sleeping child. Look at it, change nothing: it is shared."""
    with uwsgi.unthreaded() as found:
        yield found
