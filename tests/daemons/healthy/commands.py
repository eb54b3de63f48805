"""What people start from shells and scripts, and what stands above other programs."""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.daemons.healthy.service import Healthy, Place, Service, below, family
from tests.daemons.healthy.stores import redis
from tests.harness.build import required

BASH = """\
trap 'echo caught' TERM HUP
trap '' USR1
sleep 600 & sleep 600 &
while :; do sleep 0.05; done
"""
MAKE = "all: one two\none two:\n\tsleep 600\n"
BUSY_MAKE = "all: $(shell seq 9999)\n%:\n\t@env true; true\n"
RENAMED = """\
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    open("/proc/self/comm", "w").write("worker")
signal.pause()
"""
BUSY_PYTHON = "import os\nwhile True: os.system('sleep 0.01; true')"
BUSY_SUBPROCESS = "import subprocess\nwhile True: subprocess.run(['true'])"
BUSY_THREADS = """\
import subprocess, threading
def work():
    while True: subprocess.run(["sleep", "0.01"])
for _ in range(3): threading.Thread(target=work).start()
"""
BUSY_NODE = """\
const {execFile} = require("child_process");
const again = () => execFile("true", again);
again(); again();
"""


def shell(name: str, script: str, *programs: tuple[str, str], **wanted: int) -> Healthy:
    """A script of sh; `programs` are what it needs, with their packages."""

    def describe(place: Place) -> Service:
        for program, package in programs:
            required(program, package)
        return Service(["sh", "-c", script], below(**wanted))

    return Healthy(name, describe)


def busy(name: str, program: str, package: str, *arguments: str) -> Healthy:
    """Something that starts one program after the other, at full speed."""

    def describe(place: Place) -> Service:
        path = sys.executable if program == "python" else required(program, package)
        return Service([path, *arguments], at_work)

    return Healthy(f"busy-{name}", describe)


def at_work(keeper: int) -> bool:
    return len(family(keeper)) > 1


def renamed(place: Place) -> Service:
    """A master that wants no exit statuses, and its worker, which has named itself."""
    return Service([sys.executable, "-c", RENAMED], below(worker=1))


def under_tini(place: Place) -> Service:
    program = required("tini", "tini")
    inner = redis(place)
    return replace(inner, command=[program, "-s", "--", *inner.command])


def bash(place: Place) -> Service:
    program = required("bash", "bash")
    return Service([program, place.file("script", BASH)], below(bash=1, sleep=3))


def job_control(place: Place) -> Service:
    program = required("bash", "bash")
    return Service([program, "-m", "-c", "sleep 600 & sleep 600 & wait"], below(bash=1, sleep=2))


def terminal(place: Place) -> Service:
    """An interactive shell at its prompt, with a job in the background that nobody stopped."""
    program = required("script", "bsdutils")
    typed = place.file("typed", "sleep 600 &\nsleep 599\n")
    shell = f"bash --rcfile {typed} -i"
    return Service([program, "-q", "-c", shell, "/dev/null"], below(bash=1, sleep=2))


def tmux(place: Place) -> Service:
    program = required("tmux", "tmux")
    command = [program, "-S", place.path("socket"), "-f", "/dev/null", "new-session", "-d"]
    return Service([*command, "sh -c 'sleep 600; true'"], below(sleep=1))


def inotifywait(place: Place) -> Service:
    program = required("inotifywait", "inotify-tools")
    return Service([program, "-m", "-q", str(place.directory)], below(inotifywait=1))


def make(place: Place) -> Service:
    program = required("make", "make")
    makefile = place.file("Makefile", MAKE)
    return Service([program, "-j2", "-f", makefile], below(make=1, sleep=2))


def busy_make(place: Place) -> Service:
    program = required("make", "make")
    return Service([program, "-j3", "-f", place.file("Makefile", BUSY_MAKE)], at_work)


COMMANDS = (
    Healthy("bash-traps", bash),
    Healthy("bash-job-control", job_control),
    Healthy("interactive-bash", terminal),
    Healthy("tmux", tmux),
    Healthy("inotifywait", inotifywait),
    Healthy("make", make),
    Healthy("tini", under_tini),
    shell("dumb-init", "exec dumb-init sleep 600", ("dumb-init", "dumb-init"), sleep=1),
    shell("nohup", "nohup sleep 600 & wait", sleep=1),
    shell("timeout", "timeout 600 sleep 600; true", timeout=1, sleep=1),
    shell("xargs", "seq 4 | sed s/./600/ | xargs -n1 -P4 sleep", xargs=1, sleep=4),
    shell("sudo", "sudo -n sleep 600; true", ("sudo", "sudo"), sudo=1, sleep=1),
    shell("pipeline", "sleep 600 | cat | cat", sleep=1, cat=2),
    shell(
        "strace", "strace -f -o /dev/null sh -c 'sleep 600; true'", ("strace", "strace"), sleep=1
    ),
    Healthy("renamed-worker", renamed),
    Healthy("busy-make", busy_make),
    busy("sh", "sh", "dash", "-c", "while :; do sleep 0.01 | cat; done"),
    busy("bash", "bash", "bash", "-c", "while :; do env true | env true | cat; done"),
    busy("perl", "perl", "perl", "-e", "system 'sleep 0.01; true' while 1"),
    busy("ruby", "ruby", "ruby", "-e", "loop { system 'env true' }"),
    busy("node", "node", "nodejs", "-e", BUSY_NODE),
    busy("os-system", "python", "", "-c", BUSY_PYTHON),
    busy("subprocess", "python", "", "-c", BUSY_SUBPROCESS),
    busy("threads", "python", "", "-c", BUSY_THREADS),
)
