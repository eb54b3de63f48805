"""Fixtures for tests against real processes, and a word at the start on what is missing here."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator

import hypothesis
import pytest

from tests.harness import uwsgi
from tests.harness.build import compiler
from tests.harness.targets import Argument, Target, start

YAMA = "/proc/sys/kernel/yama/ptrace_scope"
AGE = 62.0
"""Seconds: a minute, and what the clock of the scheduler may be late."""
TARGET_FIXTURE = Callable[..., Target]


# How long an example takes says more about the machine's other work than about ours.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks at the old zombie comes last: until then it grows old by itself."""
    items.sort(key=_needs_age)


def _needs_age(item: pytest.Item) -> bool:
    return "old_zombie" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def _grows_old(request: pytest.FixtureRequest) -> Iterator[tuple[Target, float] | None]:
    """A parent whose child has ended, begun with the first test; None if nobody will look."""
    if compiler() is None or not any(map(_needs_age, request.session.items)):
        yield None
        return
    with start("zombie") as parent:
        yield parent, time.monotonic()


@pytest.fixture
def old_zombie(_grows_old: tuple[Target, float] | None) -> int:
    """The parent of a zombie that has been dead for a minute; waits for what is left of that."""
    if _grows_old is None:
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    if not os.path.exists("/proc/self/sched"):
        pytest.skip("this kernel does not tell when a thread last ran (CONFIG_SCHED_DEBUG)")
    parent, since = _grows_old
    time.sleep(max(0.0, since + AGE - time.monotonic()))
    return parent.pid


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
