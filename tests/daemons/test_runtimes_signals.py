"""What Node.js, Java, Go and Python do by themselves, in programs that ask for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sigscope.model.catalog import Said
from tests.daemons.serving_signals import gone, home, sayings
from tests.harness import proc
from tests.harness.build import directory, required
from tests.harness.daemons import Daemon
from tests.harness.targets import PATIENCE

NODE = "%s; console.log('ready'); setTimeout(() => 0, 1e6)"
PYTHON = "import time; %s; print('ready', flush=True)\ntry: time.sleep(1000)\nfinally: print('end')"
JAVA = """
public class Held {
    public static void main(String[] words) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.out.println("ready");
        Thread.sleep(1000000);
    }
}
"""
GO = """
package main

import (
    "fmt"
    "time"
)

func main() {
    fmt.Println("ready")
    time.Sleep(1000 * time.Second)
}
"""


@contextmanager
def ready(*command: str) -> Iterator[Daemon]:
    with Daemon(command) as daemon:
        proc.eventually(lambda: "ready" in daemon.said(), PATIENCE, f"{command[0]} is ready")
        yield daemon


def send(daemon: Daemon, name: str) -> Said:
    """What is said of it, and then the signal."""
    number = signal.Signals[f"SIG{name}"]
    (said,) = sayings(daemon.pid, number)
    os.kill(daemon.pid, number)
    assert said.holds, said
    return said


def taken(daemon: Daemon) -> None:
    """It has been delivered and the process lives."""
    proc.eventually(lambda: not proc.masks(daemon.pid).shared_pending, PATIENCE, "it is taken")
    assert not gone(daemon.pid)


def node(code: str = "0") -> tuple[str, ...]:
    return (required("node", "nodejs"), "--inspect-port=0", "-e", NODE % code)


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_node_ends_where_nobody_listens(name: str) -> None:
    with ready(*node()) as daemon:
        assert "ends" in send(daemon, name).does
        proc.wait_dead(daemon.pid)


def test_node_usr1_starts_the_debugger_and_pipe_does_nothing() -> None:
    with ready(*node()) as daemon:
        assert "takes no notice" in send(daemon, "PIPE").does
        assert "debugger" in send(daemon, "USR1").does
        proc.eventually(lambda: "Debugger listening" in daemon.said(), PATIENCE, "it listens")
        assert not gone(daemon.pid)


def test_node_with_a_listener_decides_itself() -> None:
    with ready(*node("process.on('SIGHUP', () => console.log('heard'))")) as daemon:
        assert "listener" in send(daemon, "HUP").does
        proc.eventually(lambda: "heard" in daemon.said(), PATIENCE, "the listener runs")


@pytest.fixture(scope="module")
def java() -> Iterator[tuple[str, ...]]:
    program = required("java", "default-jdk-headless")
    with home() as place:
        (place / "Held.java").write_text(JAVA)
        compiler = required("javac", "default-jdk-headless")
        subprocess.run([compiler, "-d", str(place), str(place / "Held.java")], check=True)
        yield (program, "-Xshare:auto", "-cp", str(place), "Held")


def test_java_quit_is_a_thread_dump_and_term_runs_the_hooks(java: tuple[str, ...]) -> None:
    with ready(*java) as daemon:
        assert "stacks of all threads" in send(daemon, "QUIT").does
        proc.eventually(lambda: "Full thread dump" in daemon.said(), PATIENCE, "the dump")
        assert not gone(daemon.pid)
        assert "shutdown hooks" in send(daemon, "TERM").does
        proc.wait_dead(daemon.pid)
        assert "hook" in daemon.said()


def test_java_without_its_handlers_ends_without_hooks(java: tuple[str, ...]) -> None:
    with ready(java[0], "-Xrs", *java[1:]) as daemon:
        assert "without shutdown hooks" in send(daemon, "TERM").does
        proc.wait_dead(daemon.pid)
        assert "hook" not in daemon.said()


@pytest.fixture(scope="module")
def golang() -> str:
    program = required("go", "golang-go")
    source = Path(directory(), "held.go")
    source.write_text(GO)
    built = str(source.with_suffix(""))
    environment = {**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0", "GOFLAGS": ""}
    environment |= {"GOCACHE": str(directory() / "go-cache"), "GOTOOLCHAIN": "local"}
    command = [program, "build", "-o", built, str(source)]
    subprocess.run(command, check=True, env=environment, timeout=300)
    return built


def test_go_dumps_its_goroutines_with_quit(golang: str) -> None:
    with ready(golang) as daemon:
        said = send(daemon, "QUIT")
        proc.wait_dead(daemon.pid)
        assert "goroutine 1" in daemon.said()
    assert said.program == "Go program"


@pytest.mark.parametrize("name", ["USR1", "USR2", "ALRM", "WINCH", "PIPE", "URG"])
def test_go_takes_no_notice_of_most(golang: str, name: str) -> None:
    with ready(golang) as daemon:
        send(daemon, name)
        taken(daemon)


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_go_ends_with_three(golang: str, name: str) -> None:
    with ready(golang) as daemon:
        assert send(daemon, name).does.startswith("ends")
        proc.wait_dead(daemon.pid)


def python(code: str = "0") -> tuple[str, ...]:
    return (required("python3", "python3"), "-c", PYTHON % code)


def test_python_int_runs_what_is_final_and_term_does_not() -> None:
    with ready(*python()) as daemon:
        assert "KeyboardInterrupt" in send(daemon, "INT").does
        proc.wait_dead(daemon.pid)
        assert "KeyboardInterrupt" in daemon.said()
        assert "end\n" in daemon.said()
    with ready(*python()) as daemon:
        assert "no finally" in send(daemon, "TERM").does
        proc.wait_dead(daemon.pid)
        assert "end\n" not in daemon.said()


def test_python_ignores_pipe() -> None:
    with ready(*python()) as daemon:
        assert "BrokenPipeError" in send(daemon, "PIPE").does
        taken(daemon)
