"""A JVM with many threads under load, whose answers are known, looked at again and again."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.harness.build import TARGETS, directory, required
from tests.harness.inspecting import done, in_a_child, look

PATIENCE = 120.0
QUESTIONS = {2: 0, 10: 4, 1000: 168, 10_000: 1229, 100_000: 9592, 300_000: 25997}
CLIENTS = 6


@dataclass
class Load:
    """What the clients got while it ran: how many answers, and the wrong ones."""

    answers: int = 0
    wrong: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def machine() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server and its port; it is killed in the end."""
    java = required("java", "default-jdk-headless")
    compiler = required("javac", "default-jdk-headless")
    classes = directory() / "classes"
    subprocess.run([compiler, "-d", classes, TARGETS / "Answering.java"], check=True)
    server = subprocess.Popen(
        [java, "-Xmx96m", "-XX:+UseSerialGC", "-cp", classes, "Answering"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line.strip().isdigit(), line
            yield server, int(line)
        finally:
            server.kill()


def _client(port: int, load: Load) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            stream = connection.makefile("rw", newline="\n")
            while not load.over.is_set():
                for limit, expected in QUESTIONS.items():
                    stream.write(f"{limit}\n")
                    stream.flush()
                    answer = stream.readline().strip()
                    with load.lock:
                        load.answers += 1
                        if answer != str(expected):
                            load.wrong.append(f"{limit}: {answer!r} instead of {expected}")
    except OSError as error:
        with load.lock:
            load.wrong.append(f"a connection broke: {error}")


def inspected(times: int) -> Load:
    """The answers of a server that is looked at so many times, sigactions and all."""
    with machine() as (server, port):
        load = Load()

        def looks() -> None:
            for _ in range(times):
                look(server.pid)

        # A child is forked while there is but one thread of ours.
        child = in_a_child(looks)
        clients = [threading.Thread(target=_client, args=(port, load)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        status = done(child)
        before = load.answers
        while not load.wrong and load.answers < before + 2 * CLIENTS:
            threading.Event().wait(0.01)
        load.over.set()
        for client in clients:
            client.join(PATIENCE)
        if status:
            load.wrong.append(f"the looks ended with {status}")
        if server.poll() is not None:
            load.wrong.append(f"the server ended with {server.returncode}")
    return load
