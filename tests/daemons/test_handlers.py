"""The handlers of real daemons by name, as their distribution ships them: mostly stripped.

Names that these tests expect are those of the programs' sources.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sigscope.analysis.handlers import handlers
from sigscope.kernel.closer import look_closer
from sigscope.kernel.handlers import read_handlers
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family
from sigscope.model.handler import Handler
from tests.daemons import test_nginx_signals as nginx
from tests.daemons import test_php_fpm_signals as php
from tests.daemons import test_runtimes_signals as runtimes
from tests.daemons import test_stores_signals as stores
from tests.daemons import test_uwsgi_signals as uwsgi
from tests.daemons.serving_signals import scene
from tests.harness import proc
from tests.harness.build import directory, required
from tests.harness.command import sigscope
from tests.harness.targets import PATIENCE
from tests.kernel.bpf.engine import need_engine

database = stores.database
java = runtimes.java


@pytest.fixture(autouse=True)
def _engine() -> None:
    need_engine()


def seen(pid: int) -> dict[str, Handler]:
    """The handlers of a process by signal, without SIG; only those that are caught."""
    procfs = ProcFS()
    host = look_closer(procfs, read_family(procfs, (pid,)), (pid,))
    process = read_handlers(procfs, host, (pid,)).processes[pid]
    assert process.depth is not None
    assert process.depth.code is not None, process.gaps
    found = handlers(process)
    return {one.signal.short: one for one in found if one.disposition == "caught"}


def names(pid: int) -> dict[str, str]:
    """Signal -> function; "" where it has no name."""
    return {name: one.function for name, one in seen(pid).items()}


def test_nginx_names_its_own_signal_handler() -> None:
    with scene(nginx.PLAIN) as serving:
        (worker,) = serving.before
        said = sigscope("handlers", serving.master)
        master, inner = seen(serving.master), seen(worker)
    assert "\n  handler  ngx_signal_handler\n           in /" in said.out
    for found in (master, inner):
        assert {"HUP", "TERM", "QUIT", "USR1", "USR2", "WINCH", "CHLD", "INT"} <= found.keys()
        assert {one.function for one in found.values()} == {"ngx_signal_handler"}
        assert all(one.location and one.location.module_name == "nginx" for one in found.values())
        assert all(one.owner and one.owner.name == "nginx" for one in found.values())


def test_php_fpm_names_its_handlers_and_those_behind_zend_signal() -> None:
    with scene(php.DEFAULT, worker=True) as serving:
        busy = serving.target
        idle = next(pid for pid in serving.before if pid != busy)
        master, at_rest, at_work = names(serving.master), names(idle), seen(busy)
    for name in ("TERM", "INT", "QUIT", "USR1", "USR2", "CHLD"):
        assert master[name] == "sig_handler"
    assert at_rest["QUIT"] == "sig_soft_quit"
    for name in ("PROF", "TERM", "QUIT", "HUP"):
        assert at_work[name].function == "zend_signal_handler_defer"
    behind = {name: one.behind for name, one in at_work.items()}
    assert isinstance(behind["PROF"], Handler)
    assert behind["PROF"].function == "zend_timeout_handler"
    assert isinstance(behind["QUIT"], Handler)
    assert behind["QUIT"].function == "sig_soft_quit"
    assert behind["TERM"] == "default"


def test_uwsgi_names_its_handlers() -> None:
    with scene(uwsgi.RELOADS, worker=True) as serving:
        master, worker = names(serving.master), names(serving.target)
    assert (master["HUP"], master["TERM"]) == ("grace_them_all", "reap_them_all")
    assert master["INT"] == master["QUIT"] == "kill_them_all"
    assert (worker["HUP"], worker["INT"]) == ("gracefully_kill", "end_me")


def test_redis_names_its_handlers() -> None:
    with stores.redis() as (pid, _):
        found = seen(pid)
    assert found["TERM"].function == found["INT"].function == "sigShutdownHandler"
    assert found["SEGV"].function == "sigsegvHandler"
    assert found["SEGV"].derived is None
    assert any("RESETHAND" in sentence for sentence in found["SEGV"].means)


def test_postgres_names_its_handlers(database: Path) -> None:
    with stores.postgres(database) as (master, sessions):
        top, session = names(master), names(sessions.pids[0])
    assert session["TERM"] == "die"
    assert session["INT"] == "StatementCancelHandler"
    assert session["HUP"] == "SignalHandlerForConfigReload"
    assert session["ALRM"] == "handle_sig_alarm"
    # From PostgreSQL 16 on the postmaster's have other names, and are not known by their code.
    assert (top["TERM"], top["CHLD"]) in (("pmdie", "reaper"), ("", ""))


PYTHON = "import faulthandler, signal, time\nfaulthandler.enable()\nsignal.signal(15, print)\n"
PYTHON += "print('ready', flush=True)\ntime.sleep(1000)\n"


@pytest.mark.parametrize("python", ["/usr/bin/python3", sys.executable])
def test_cpython_names_its_handlers(python: str) -> None:
    """Debian's is stripped; most others are not."""
    if not os.path.exists(python):
        pytest.skip(f"there is no {python}")
    with runtimes.ready(python, "-c", PYTHON) as daemon:
        found = seen(daemon.pid)
    assert found["TERM"].function == found["INT"].function == "signal_handler"
    assert found["SEGV"].function == "faulthandler_fatal_error"
    for name, word in (("TERM", "signal.signal()"), ("INT", "KeyboardInterrupt")):
        owner = found[name].owner
        assert owner is not None
        assert owner.name == "CPython"
        assert word in owner.does


@pytest.fixture(scope="module", params=["plain", "stripped", "pie and stripped"])
def golang(request: pytest.FixtureRequest) -> str:
    """A program of Go; stripped it has no symbols, and keeps its own table."""
    program = required("go", "golang-go")
    source = directory() / "waits.go"
    source.write_text(runtimes.GO)
    built = directory() / f"waits-{request.param.split()[0]}"
    flags = {
        "plain": [],
        "stripped": ["-ldflags=-s -w"],
        "pie and stripped": ["-ldflags=-s -w", "-buildmode=pie"],
    }
    environment = {**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0", "GOFLAGS": ""}
    environment |= {"GOCACHE": str(directory() / "go-cache"), "GOTOOLCHAIN": "local"}
    command = [program, "build", *flags[request.param], "-o", str(built), str(source)]
    subprocess.run(command, check=True, env=environment, timeout=300)
    return str(built)


def test_a_go_program_names_the_runtimes_own(golang: str) -> None:
    with runtimes.ready(golang) as daemon:
        found = seen(daemon.pid)
    for name in ("TERM", "INT", "HUP", "QUIT", "URG"):
        assert found[name].function == "runtime.sigtramp", found[name].location
        owner = found[name].owner
        assert owner is not None
        assert owner.name == "the Go runtime"


def test_node_names_its_handlers() -> None:
    listening = runtimes.node("process.on('SIGHUP', () => 0)")
    with runtimes.ready(*listening) as daemon:
        found = seen(daemon.pid)
    assert found["HUP"].function == "uv__signal_handler"
    assert found["HUP"].owner is not None
    assert found["HUP"].owner.name == "libuv"
    assert found["HUP"].action is not None
    assert "RESTART" in found["HUP"].action.flag_names


def test_a_jvm_names_its_handlers(java: tuple[str, ...]) -> None:
    with runtimes.ready(*java) as daemon:
        found = proc.eventually(lambda: _with(daemon.pid, "QUIT"), PATIENCE, "it has its handlers")
    for name in ("TERM", "INT", "HUP", "QUIT", "SEGV"):
        owner = found[name].owner
        assert owner is not None
        assert owner.name == "HotSpot"
    if found["TERM"].function:  # a libjvm without symbols is known by its name only
        assert found["TERM"].function.startswith("UserHandler(")
        assert found["SEGV"].function.startswith(("javaSignalHandler(", "signalHandler("))


def _with(pid: int, name: str) -> dict[str, Handler]:
    found = seen(pid)
    return found if name in found else {}


def test_the_c_librarys_own_are_its_own() -> None:
    """SIGSETXID is caught in a program of several threads that has started one."""
    with stores.redis() as (pid, _):
        found = seen(pid)
    handler = found.get("SETXID")
    if handler is None:
        pytest.skip("this C library installs no handler for SIGSETXID")
    assert handler.owner is not None
    assert handler.owner.name in ("glibc", "musl")
    assert handler.function in ("__nptl_setxid_sighandler", "sighandler_setxid", "")


CANCELS = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *body(void *unused) { for (;;) pause(); return unused; }
int main(void)
{
    pthread_t one, two;
    pthread_create(&one, NULL, body, NULL);
    pthread_create(&two, NULL, body, NULL);
    pthread_cancel(one);
    pthread_join(one, NULL);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
"""


@pytest.mark.parametrize("how", ["-static", "-dynamic"])
def test_musls_own_is_not_taken_for_glibcs(how: str) -> None:
    """musl cancels threads with signal 33, which glibc uses for something else."""
    gcc = required("musl-gcc", "musl-tools")
    source = directory() / "cancels.c"
    source.write_text(CANCELS)
    program = str(directory() / f"cancels{how}")
    flags = ["-static"] if how == "-static" else []
    subprocess.run([gcc, *flags, "-o", program, str(source)], check=True, timeout=60)
    with runtimes.ready(program) as daemon:
        found = seen(daemon.pid)
    (handler,) = found.values()
    assert handler.signal == 33
    assert handler.function in ("cancel_handler", "")
    assert handler.owner is not None
    assert handler.owner.name == "musl"
