"""The catalogue of what programs document: well formed, and held against a process."""

from __future__ import annotations

import re

import pytest

from sigscope.analysis.catalog import PROGRAMS, documented, recognized
from sigscope.model.catalog import Documented, Program, Setting, Settings, Taken
from sigscope.model.gap import Gap
from sigscope.model.process import Process
from sigscope.model.signals import EVERYTHING, Signal, SignalSet
from tests.analysis.makers import process, signals

ENTRIES = [(program, entry) for program in PROGRAMS for entry in program.entries]
SETTINGS = frozenset(
    "process_control_timeout worker_shutdown_timeout daemon GracefulShutdownTimeout master-worker"
    " hard-stop-after die-on-term graceful_timeout save appendonly shutdown-timeout".split()
)
"""What sigscope.decode.settings reads."""
FPM = process(
    10,
    comm="php-fpm8.2",
    cmdline=("php-fpm: master process (/etc/php-fpm.conf)",),
    caught=SignalSet(0x14A07),
)
QUIT, TERM, KILL, INT = (Signal.named(f"SIG{name}") for name in ("QUIT", "TERM", "KILL", "INT"))
GO = SignalSet(0xFFFFFFFD7FC1FEFF)


def _timeout(value: float) -> Settings:
    return Settings((Setting("process_control_timeout", value, "/c:1"),))


@pytest.mark.parametrize(
    ("program", "entry"),
    ENTRIES,
    ids=[f"{one.name}-{one.role}-{e.does[:20]}" for one, e in ENTRIES],
)
def test_every_entry_is_a_plain_sentence_with_a_source(program: Program, entry: Documented) -> None:
    assert entry.signals
    assert entry.source
    assert entry.does[0].islower()
    assert not entry.does.endswith(".")
    assert not {"  ", "\n"} & {entry.does, entry.loses}
    named = {entry.condition.setting} if entry.condition else set()
    assert (named | set(entry.also)) <= SETTINGS


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: f"{one.name}-{one.role}")
def test_two_entries_of_a_program_never_hold_at_once(program: Program) -> None:
    """For each signal they differ in how it is taken, or in what a setting says."""
    for signal in EVERYTHING:
        entries = [one for one in program.entries if signal in one.signals]
        for number, one in enumerate(entries):
            for other in entries[number + 1 :]:
                a, b = one.condition, other.condition
                exclusive = a and b and (a.setting == b.setting) and a.on is not b.on
                assert exclusive or a != b or one.taken is not other.taken, (signal, one, other)
                assert Taken.ANY not in (one.taken, other.taken) or (a and b), (one, other)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: f"{one.name}-{one.role}")
def test_the_patterns_are_patterns(program: Program) -> None:
    re.compile(program.comm)
    re.compile(program.title)


def test_the_setting_decides_which_sentence_holds() -> None:
    (graceful,) = documented(FPM, QUIT, _timeout(10.0))
    (cut,) = documented(FPM, QUIT, _timeout(0.0))
    assert graceful.holds
    assert "gracefully" in graceful.does
    assert cut.loses == "requests in flight"
    assert str(cut.settings[0]) == "process_control_timeout is 0 (/c:1)"


def test_without_the_setting_both_are_said_and_neither_is_claimed() -> None:
    gap = Gap("process_control_timeout", "permission denied")
    said = documented(FPM, QUIT, Settings(gaps=(gap,)))
    assert [one.holds for one in said] == [None, None]
    assert said[0].condition == "process_control_timeout is not 0"
    assert said[0].because == (
        "depends on process_control_timeout, which could not be read: permission denied"
    )


def test_what_the_process_does_not_take_as_documented_does_not_hold() -> None:
    """Upstream's PHP-FPM has no handler for SIGHUP; and nohup leaves others ignored."""
    bare = process(10, comm="php-fpm8.2", cmdline=FPM.cmdline, caught=signals("TERM"))
    (said,) = documented(bare, Signal.named("SIGHUP"), _timeout(0.0))
    assert said.holds is False
    assert said.because == "this process has no handler for SIGHUP"
    deaf = process(10, comm="php-fpm8.2", cmdline=FPM.cmdline, ignored=signals("INT"))
    assert documented(deaf, INT)[0].because == "this process ignores SIGINT"


def test_an_init_without_a_handler_takes_nothing_but_kill() -> None:
    shell = process(9, comm="sh", cmdline=("sh", "-c", "daemon"), nspid=(9, 1))
    (term,), (kill,) = documented(shell, TERM), documented(shell, KILL)
    assert "init of its pid namespace" in term.because
    assert kill.holds


def test_dispositions_that_could_not_be_read_do_not_count_against_an_entry() -> None:
    hidden = process(10, comm="php-fpm8.2", cmdline=FPM.cmdline, caught=None, ignored=None)
    assert documented(hidden, TERM)[0].holds


def _role(one: Process, parent: Process | None = None) -> str:
    found = next(recognized(one, parent), None)
    return f"{found.name} {found.role}".strip() if found else ""


INIT = process(1, comm="systemd")


@pytest.mark.parametrize(
    ("comm", "cmdline", "parent", "role"),
    [
        ("nginx", "nginx: master process nginx", "", "nginx master"),
        ("nginx", "nginx: worker process", "nginx", "nginx worker"),
        ("apache2", "/usr/sbin/apache2", "systemd", "Apache parent"),
        ("apache2", "/usr/sbin/apache2", "apache2", "Apache child"),
        ("haproxy", "haproxy -W", "systemd", "HAProxy"),
        ("haproxy", "haproxy -W", "haproxy", "HAProxy worker"),
        ("gunicorn", "python3 gunicorn", "systemd", "Gunicorn master"),
        ("gunicorn", "python3 gunicorn", "gunicorn", "Gunicorn worker"),
        ("postgres", "/usr/bin/postgres -D x", "", "PostgreSQL postmaster"),
        ("postgres", "postgres: checkpointer ", "postgres", "PostgreSQL auxiliary process"),
        ("postgres", "postgres: 15/main: walwriter ", "postgres", "PostgreSQL auxiliary process"),
        ("postgres", "postgres: bob shop [local] idle", "postgres", "PostgreSQL session"),
        ("sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "", "sshd listener"),
        ("sshd", "sshd: root@pts/0", "sshd", "sshd session"),
        ("sshd", "sshd: root [priv]", "sshd", "sshd session"),
        ("systemd", "/sbin/init", "", "systemd system manager"),
        ("systemd", "/lib/systemd/systemd --user", "", "systemd user manager"),
        ("valkey-server", "valkey-server *:6379", "", "Redis"),
        ("python3.11", "python3 app.py", "", "Python"),
        ("sleep", "sleep 5", "", ""),
    ],
)
def test_roles_are_told_by_title_and_parent(
    comm: str, cmdline: str, parent: str, role: str
) -> None:
    above = process(5, comm=parent) if parent else None
    assert _role(process(10, comm=comm, cmdline=(cmdline,)), above) == role


def test_uwsgi_is_a_master_by_its_handler_for_quit() -> None:
    master = process(10, comm="uwsgi", caught=signals("QUIT", "TERM"))
    assert _role(master, INIT) == "uWSGI master"
    assert _role(process(11, comm="uwsgi"), master) == "uWSGI worker"


def test_without_its_parent_a_worker_is_not_taken_for_a_master() -> None:
    assert _role(process(10, comm="haproxy")) == ""


def test_a_go_program_is_told_by_its_handlers_and_speaks_last() -> None:
    anything = process(10, comm="anything", caught=GO)
    assert _role(anything) == "Go program"
    docker = process(10, comm="dockerd", caught=GO)
    assert documented(docker, TERM)[0].program == "dockerd"
    assert documented(docker, QUIT)[0].program == "Go program"


def test_the_executable_tells_what_the_comm_hides() -> None:
    assert _role(process(10, comm="renamed", exe="/usr/bin/memcached (deleted)")) == "memcached"


def test_kernel_threads_and_strangers_document_nothing() -> None:
    assert documented(process(2, comm="nginx", kernel_thread=True), TERM) == ()
    assert documented(process(10, comm="stranger"), TERM) == ()


def test_mariadb_started_as_mysqld_is_no_mysql() -> None:
    usr1 = Signal.named("SIGUSR1")
    maria = process(10, comm="mysqld", exe="/usr/sbin/mariadbd", caught=signals("USR1"))
    assert documented(maria, usr1)[0].program == "MariaDB"
    mysql = process(10, comm="mysqld", exe="/usr/sbin/mysqld", caught=signals("TERM", "HUP"))
    (said,) = documented(mysql, usr1)
    assert (said.program, said.holds) == ("MySQL", True)
    hidden = process(10, comm="mysqld", exe=None, caught=signals("USR1"))
    assert "takes no notice" in documented(hidden, usr1)[0].does


def test_only_the_system_manager_starts_a_target_for_pwr_and_takes_quit_for_a_crash() -> None:
    system = process(1, comm="systemd", cmdline=("/sbin/init",), caught=signals("QUIT"))
    user = process(9, comm="systemd", cmdline=("/lib/systemd/systemd --user",))
    pwr = Signal.named("SIGPWR")
    assert "sigpwr.target" in documented(system, pwr)[0].does
    assert documented(user, pwr)[0].does == "takes no notice"
    assert documented(system, QUIT)[0].holds
    assert documented(user, QUIT) == ()
