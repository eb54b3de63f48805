"""The uWSGI incident is the one that the field knows: by the application's log and by /proc."""

from __future__ import annotations

import signal

import pytest

from tests.harness import proc, uwsgi
from tests.harness.daemons import Daemon

ALL = frozenset(range(1, 65))
# Whoever fills a set with glibc's sigfillset leaves out its own two real-time signals.
FILLED = ALL - {signal.SIGKILL, signal.SIGSTOP, 32, 33}


def test_a_child_of_a_thread_hangs_with_its_alarm_pending(uwsgi_incident: uwsgi.Incident) -> None:
    found = proc.masks(uwsgi_incident.hung)
    assert found.blocked == FILLED
    assert signal.SIGALRM in found.shared_pending
    assert signal.SIGALRM in found.caught
    assert proc.status(uwsgi_incident.hung)["SigBlk"] == "fffffffe7ffbfeff"
    assert proc.status(uwsgi_incident.hung)["SigCgt"] == "0000000000086002"
    proc.wait_syscall(uwsgi_incident.hung, uwsgi_incident.hung, "poll")


def test_the_kernel_names_the_thread_that_forked_it(uwsgi_incident: uwsgi.Incident) -> None:
    parents = [
        tid
        for tid in uwsgi_incident.threads
        if uwsgi_incident.hung in proc.children(uwsgi_incident.worker, tid)
    ]
    assert parents == [uwsgi_incident.forker]
    assert uwsgi_incident.forker != uwsgi_incident.worker


def test_only_the_first_thread_of_the_worker_is_open(uwsgi_incident: uwsgi.Incident) -> None:
    core0, *others = uwsgi_incident.threads
    assert core0 == uwsgi_incident.worker
    assert len(others) == 3
    assert proc.masks(uwsgi_incident.worker, core0).blocked == set()
    for tid in others:
        assert proc.masks(uwsgi_incident.worker, tid).blocked == FILLED


def test_without_threads_the_same_probe_ends(uwsgi_unthreaded: uwsgi.Healthy) -> None:
    assert uwsgi_unthreaded.status in (0, 1)
    assert proc.masks(uwsgi_unthreaded.child).blocked == set()
    worker = uwsgi_unthreaded.worker
    assert proc.tids(worker) == [worker]
    assert proc.children(worker, worker) == [uwsgi_unthreaded.child]


@pytest.mark.parametrize("threads", [2, 4])
def test_without_a_master_it_is_the_same(threads: int) -> None:
    with uwsgi.incident(threads, master=False) as found:
        assert found.service.master is None
        assert len(found.threads) == threads
        assert proc.masks(found.hung).blocked == FILLED
        pids = [found.worker, found.hung]
    for pid in pids:
        assert proc.state(pid) == "gone"


def test_a_daemon_leaves_nobody_behind() -> None:
    """Not even a child that blocks all signals, in a session of its own, without its parent."""
    command = ["sh", "-c", "setsid sleep 60 & setsid sh -c 'sleep 60 & exec sleep 60' & exit 0"]

    def sleepers() -> list[int]:
        """All below the keeper, once the shells are gone and the keeper has adopted the rest."""
        found = proc.descendants(daemon.keeper)
        return found if [proc.name(pid) for pid in found] == ["sleep"] * 3 else []

    with Daemon(command, mask=ALL) as daemon:
        pids = [daemon.keeper, *proc.eventually(sleepers, saying="three sleeps are left")]
    assert [proc.state(pid) for pid in pids] == ["gone"] * 4
