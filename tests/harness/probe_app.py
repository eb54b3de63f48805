"""The application of the uWSGI service: data for the daemon, not imported by any test.

It behaves as naively as applications do: a request starts a program and waits for it. What it
knows about itself goes to the log, one JSON line a fact: which native thread forked which child.

    /probe    run hping3 against a closed port, answer with its exit status
    /sleep    start a child that lives as long as the service, answer with its pid
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterable
from typing import Any

LOG = "SIGSCOPE_TEST_LOG"
LOWEST_PORT, PORTS = 61000, 4500  # above those that Linux gives away by itself


def _log(**fact: object) -> None:
    line = json.dumps({"worker": os.getpid(), "tid": threading.get_native_id(), **fact}) + "\n"
    with open(os.environ[LOG], "a") as log:
        log.write(line)


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/sleep":
        child = subprocess.Popen(["sleep", "1000"])
        _log(child=child.pid, program="sleep")
        answer: dict[str, int] = {"pid": child.pid}
        child.returncode = 0  # we shall not wait for it, and mean it
    else:
        # A port that nobody else uses: a hung hping3 takes any packet of that port for its
        # answer, and divides by the number of packets that it never sent.
        quiet = str(LOWEST_PORT + threading.get_native_id() % PORTS)
        command = [os.environ["HPING3"], "127.0.0.1", "-p", quiet]
        with open(f"{os.environ[LOG]}.replies", "a") as replies:
            child = subprocess.Popen(
                [*command, "--syn", "-c", "1"], stdout=replies, stderr=subprocess.DEVNULL
            )
        _log(child=child.pid, program="hping3")
        answer = {"pid": child.pid, "status": child.wait()}
        _log(ended=child.pid, status=answer["status"])
    body = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
