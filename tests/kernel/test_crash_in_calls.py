"""sigscope killed at the steps of each thing that it does to a process, in many blocking calls.

``scripts/bench --harmless`` does it at every step, in all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.blocked import calls
from tests.harness.killing import ACTIONS, killed_at_every_step

WINDOW = 6
"""Steps between PTRACE_INTERRUPT and the rewritten result: there the stop can be seen."""


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_dies_hangs_or_stays_stopped(action: str) -> None:
    stride = 13 if action == "inject" else 3
    seen = [killed_at_every_step(action, name, stride=stride) for name in calls()[::5]]
    assert sum(one.kills for one in seen) > 30
    assert not any(one.killed for one in seen)


@pytest.mark.parametrize("action", ["inspect", "unblock"])
@pytest.mark.parametrize("call", ["epoll_wait_endless", "recvfrom_timeo"])
def test_a_stop_is_seen_only_before_it_is_undone(action: str, call: str) -> None:
    seen = killed_at_every_step(action, call)
    assert seen.kills > WINDOW
    assert seen.interrupted <= WINDOW
    assert seen.killed == 0


@pytest.mark.parametrize("call", ["nanosleep", "poll_endless"])
def test_so_with_a_filter_that_kills_for_restart_syscall(call: str) -> None:
    """That it dies at all, if we are killed just there, is in CAVEATS: the kernel, not we, lets
    a thread go on whose tracer is gone, and it goes on through that call.
    """
    seen = killed_at_every_step("unblock", call, "kill")
    assert seen.kills > WINDOW
    assert 0 < seen.killed <= WINDOW
    assert seen.interrupted == 0


def test_elsewhere_such_a_filter_kills_nobody() -> None:
    for call in ("epoll_wait_endless", "read_pipe", "pause", "semtimedop_endless"):
        for action in ("unblock", "live stop"):
            assert killed_at_every_step(action, call, "kill", stride=2).killed == 0
