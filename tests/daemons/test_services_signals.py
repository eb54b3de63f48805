"""sshd, cron, rsyslogd, dnsmasq, supervisord: what ends, and what goes on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sigscope.model.catalog import Said
from tests.daemons.serving_signals import gone, home, listens, sayings
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.targets import PATIENCE

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sudo scripts/test")


def send(pid: int, name: str) -> Said:
    """What is said of it, and then the signal."""
    number = signal.Signals[f"SIG{name}"]
    (said,) = sayings(pid, number)
    os.kill(pid, number)
    assert said.holds, said
    return said


def unmoved(pid: int) -> None:
    proc.eventually(lambda: not proc.masks(pid).shared_pending, PATIENCE, "it is taken")
    assert not gone(pid)


def below(pid: int, name: str) -> Callable[[], list[int]]:
    return lambda: [one for one in proc.descendants(pid) if proc.name(one) == name]


@contextmanager
def sshd() -> Iterator[tuple[Daemon, int, int]]:
    """A listener with one session, in which ``sleep`` runs; its daemon, port and the session."""
    program, client = required("sshd", "openssh-server"), required("ssh", "openssh-client")
    Path("/run/sshd").mkdir(exist_ok=True)
    with home() as directory:
        directory.chmod(0o700)
        port, key = free_port(), directory / "key"
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(key)], check=True)
        (directory / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {key}.pub\nStrictModes no\nPermitRootLogin yes\n"
        )
        with Daemon([program, "-D", "-e", "-f", str(directory / "sshd_config")]) as daemon:
            proc.eventually(lambda: listens(port), PATIENCE, "sshd listens")
            options = [
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                f"UserKnownHostsFile={directory}/known",
            ]
            options += ["-o", "BatchMode=yes", "-F", "none", "-i", str(key), "-p", str(port)]
            with Daemon([client, *options, "root@127.0.0.1", "sleep 1000"]):
                (asleep,) = proc.eventually(below(daemon.pid, "sleep"), PATIENCE, daemon.said())
                yield daemon, port, asleep


@root_only
@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_the_listener_ends_alone(name: str) -> None:
    with sshd() as (daemon, port, asleep):
        said = send(daemon.pid, name)
        proc.eventually(lambda: not listens(port), PATIENCE, "nobody listens")
        assert not gone(asleep)
    assert said.role == "listener"


@root_only
def test_hup_makes_a_new_listener_and_keeps_the_session() -> None:
    with sshd() as (daemon, port, asleep):
        send(daemon.pid, "HUP")
        again = "Received SIGHUP; restarting"
        proc.eventually(lambda: again in daemon.said(), PATIENCE, "it restarts")
        proc.eventually(lambda: listens(port), PATIENCE, "it listens again")
        assert not gone(daemon.pid)
        assert not gone(asleep)


@root_only
def test_a_session_ends_without_the_listener() -> None:
    with sshd() as (daemon, port, _):
        session = proc.children(daemon.pid)[0]
        said = send(session, "TERM")
        proc.wait_dead(session)
        assert listens(port)
    assert said.role == "session"


@root_only
def test_rsyslogd_ignores_int_and_quit_though_its_manual_says_that_it_dies() -> None:
    program = required("rsyslogd", "rsyslog")
    with home() as directory:
        conf = directory / "rsyslog.conf"
        conf.write_text(
            f'module(load="imuxsock" SysSock.Use="off")\n'
            f'input(type="imuxsock" Socket="{directory}/socket")\n*.* {directory}/out\n'
        )
        command = [program, "-n", "-f", str(conf), "-i", str(directory / "pid")]
        with Daemon(command) as daemon:
            proc.eventually((directory / "pid").exists, PATIENCE, "rsyslogd is ready")
            for name in ("INT", "QUIT", "HUP"):
                send(daemon.pid, name)
                unmoved(daemon.pid)
            send(daemon.pid, "TERM")
            proc.wait_dead(daemon.pid)


@root_only
def test_dnsmasq_does_not_end_with_int() -> None:
    program = required("dnsmasq", "dnsmasq-base")
    with home() as directory:
        port = free_port()
        options = ["-k", "-u", "root", "-C", "/dev/null", "-R", f"--pid-file={directory}/pid"]
        options += ["-p", str(port), "--listen-address=127.0.0.1", "--bind-interfaces"]
        with Daemon([program, *options]) as daemon:
            proc.eventually(lambda: listens(port), PATIENCE, "dnsmasq listens")
            for name in ("INT", "HUP", "USR1", "USR2"):
                send(daemon.pid, name)
                unmoved(daemon.pid)
            send(daemon.pid, "TERM")
            proc.wait_dead(daemon.pid)


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT", "HUP", "USR2", "KILL"])
def test_supervisord_ends_its_programs_with_itself_and_restarts_them_with_hup(name: str) -> None:
    program = required("supervisord", "supervisor")
    with home() as directory:
        (directory / "conf").write_text(
            f"[supervisord]\nnodaemon=true\nlogfile={directory}/log\npidfile={directory}/pid\n"
            "[program:held]\ncommand=sleep 1000\n"
        )
        with Daemon([program, "-c", str(directory / "conf")]) as daemon:
            sleeps = below(daemon.pid, "sleep")
            (child,) = proc.eventually(sleeps, PATIENCE, "the program runs")
            send(daemon.pid, name)
            if name == "USR2":
                unmoved(daemon.pid)
            elif name == "HUP":
                proc.eventually(lambda: set(sleeps()) - {child}, PATIENCE, "another runs")
                assert gone(child)
            else:
                proc.wait_dead(daemon.pid)
                assert gone(child) == (name != "KILL")


@root_only
def test_cron_ends_at_once_and_hup_does_not_end_it() -> None:
    program = required("cron", "cron")
    with Daemon([program, "-f"]) as daemon:
        proc.eventually(
            lambda: gone(daemon.pid) or signal.SIGHUP in proc.masks(daemon.pid).caught, PATIENCE
        )
        if gone(daemon.pid):
            pytest.skip(f"another cron runs: {daemon.said()}")
        send(daemon.pid, "HUP")
        unmoved(daemon.pid)
        send(daemon.pid, "TERM")
        proc.wait_dead(daemon.pid)
