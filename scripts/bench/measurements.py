"""What is measured: one entry for each question. A new one is an entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from command import Command, Run

READ_THE_HOST = """\
import time
import sigscope
from sigscope.kernel import ProcFS
procfs = ProcFS(engine="proc")
start = time.perf_counter()
host = sigscope.read_all(procfs)
print(time.perf_counter() - start)
"""
WALK_THE_HOST = """\
import time
import sigscope
from sigscope.kernel import ProcFS
procfs = ProcFS(engine="bpf")
sigscope.read_all(procfs)
start = time.perf_counter()
host = sigscope.read_all(procfs)
print(time.perf_counter() - start)
"""
"""The programs are loaded once; that is a part of "cold"."""
WALK_THE_ACTIONS = """\
import time
from sigscope.kernel.bpf.depth import read_all_deep
from sigscope.kernel.bpf.opening import open_tasks
tasks = open_tasks()
read_all_deep(tasks)
tasks.forget()
start = time.perf_counter()
host = read_all_deep(tasks)
print(time.perf_counter() - start)
"""
PS = """\
import subprocess
import time
start = time.perf_counter()
subprocess.run(
    ("ps", "-eLo", "pid,lwp,ppid,pending,blocked,ignored,caught,comm"),
    stdout=subprocess.DEVNULL,
    check=True,
)
print(time.perf_counter() - start)
"""

RECORDED = Path(__file__).resolve().parents[2] / "tests" / "procfs" / "old-docker-sleep.gz"
"""A container under the filter that runc made of Docker's policy: 976 instructions."""
SIMULATE = f"""\
import time
from sigscope.analysis.seccomp import survey
from sigscope.decode.call_tables import call_names
from sigscope.kernel.closer import look_closer
from sigscope.kernel.scan import read_family
from sigscope.kernel.snapshot import open_snapshot
from sigscope.model.abi import X86_64
source = open_snapshot({str(RECORDED)!r})
host = look_closer(source, read_family(source, [16]), [16])
filters = host.processes[16].threads[0].depth.filters
start = time.perf_counter()
survey(filters, tuple(call_names(X86_64)), X86_64.arch)
print(time.perf_counter() - start)
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What commands are made of: the sigscope under test, the floor, a small process."""

    python: str
    sigscope: str
    archive: str
    """The same as one file, sigscope.pyz; "" where it is not measured."""
    floor: str
    target: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """``subject`` is held against ``base``, side by side in each round; without a base the
    value itself counts. ``read`` takes the value from a run, less is better, and ``goal`` is
    the most that the median may be. ``crowded``: measured with the population around;
    ``filtered``: all of that under a seccomp filter."""

    name: str
    what: str
    read: Callable[[Run], float]
    goal: float
    subject: Callable[[Stage], Command]
    base: Callable[[Stage], Command] | None = None
    unit: str = ""
    crowded: bool = True
    filtered: bool = False
    archived: bool = False
    """sigscope.pyz is needed for it."""
    over: bool = False
    """Not the ratio to the base counts, but by how many milliseconds it is exceeded."""


def wall(run: Run) -> float:
    return run.wall


def wall_milliseconds(run: Run) -> float:
    return 1000 * run.wall


def peak(run: Run) -> float:
    return run.peak


def printed(run: Run) -> float:
    """The seconds that the command printed: its own start-up does not count."""
    assert run.printed is not None
    return run.printed


def milliseconds(run: Run) -> float:
    return 1000 * printed(run)


# Isolated (-I), because "-c" would otherwise import sigscope from the current directory.
def read_the_host(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", READ_THE_HOST), keep=True)


def simulate(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", SIMULATE), keep=True)


def walk_the_host(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", WALK_THE_HOST), keep=True)


def walk_the_actions(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", WALK_THE_ACTIONS), keep=True)


def timed_ps(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", PS), keep=True)


def import_click(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", "import click"))


def floor(stage: Stage) -> Command:
    return Command((stage.floor,), keep=True)


# Status 1 is an answer of sigscope ("something is wrong there"), and no failure.
def tree(stage: Stage) -> Command:
    return Command((stage.sigscope, "tree"), statuses=(0, 1))


def tree_by_files(stage: Stage) -> Command:
    return Command((stage.sigscope, "tree", "--engine", "proc"), statuses=(0, 1))


def one_process(stage: Stage) -> Command:
    return Command((stage.sigscope, "pid", str(stage.target), "--json"), statuses=(0, 1))


def one_process_by_files(stage: Stage) -> Command:
    words = ("pid", str(stage.target), "--json", "--engine", "proc")
    return Command((stage.sigscope, *words), statuses=(0, 1))


def one_process_by_archive(stage: Stage) -> Command:
    words = ("pid", str(stage.target), "--json")
    return Command((stage.python, stage.archive, *words), statuses=(0, 1))


def audit(stage: Stage) -> Command:
    return Command((stage.sigscope, "audit"), statuses=(0, 1))


def timers_of_all(stage: Stage) -> Command:
    return Command((stage.sigscope, "timers", "population", "--json"), statuses=(0, 1))


def explained(stage: Stage) -> Command:
    words = ("explain", "TERM", str(stage.target), "--json")
    return Command((stage.sigscope, *words), statuses=(0, 1))


def explained_on_screen(stage: Stage) -> Command:
    return Command((stage.sigscope, "explain", "TERM", str(stage.target)), statuses=(0, 1))


def one_process_on_screen(stage: Stage) -> Command:
    return Command((stage.sigscope, "pid", str(stage.target)), statuses=(0, 1))


def ps(_: Stage) -> Command:
    return Command(("ps", "-eLo", "pid,lwp,ppid,pending,blocked,ignored,caught,comm"))


MEASUREMENTS = (
    Measurement(
        "scan",
        "reading the host, against C that only opens and reads the same files",
        printed,
        1.4,
        subject=read_the_host,
        base=floor,
    ),
    Measurement(
        "masks",
        "all masks of the host by the BPF engine, against the same C",
        printed,
        0.1,
        subject=walk_the_host,
        base=floor,
    ),
    Measurement(
        "masks-ps",
        "the same, against `ps -eLo`",
        printed,
        0.04,
        subject=walk_the_host,
        base=timed_ps,
    ),
    Measurement(
        "actions",
        "masks, all 64 sigactions and pending queues of everybody, against the same C",
        printed,
        0.4,
        subject=walk_the_actions,
        base=floor,
    ),
    Measurement(
        "masks-memory",
        "peak memory of reading the masks so",
        peak,
        60,
        subject=walk_the_host,
        unit="MB",
    ),
    Measurement(
        "tree",
        "`sigscope tree`, against `ps -eLo` with the same columns",
        wall,
        0.7,
        subject=tree,
        base=ps,
    ),
    Measurement(
        "tree-proc",
        "the same without the BPF engine, as one has it without privileges",
        wall,
        0.7,
        subject=tree_by_files,
        base=ps,
    ),
    Measurement("memory", "peak memory of `sigscope tree`", peak, 150, subject=tree, unit="MB"),
    Measurement(
        "audit",
        "`sigscope audit`, against `sigscope tree`",
        wall,
        1.5,
        subject=audit,
        base=tree,
    ),
    Measurement(
        "audit-filtered",
        "the same with a seccomp filter on every process",
        wall,
        1.5,
        subject=audit,
        base=tree,
        filtered=True,
    ),
    Measurement("audit-memory", "peak memory of `sigscope audit`", peak, 150, audit, unit="MB"),
    Measurement(
        "timers",
        "`sigscope timers` on all of these processes, from start to end",
        wall_milliseconds,
        1000,
        subject=timers_of_all,
        unit="ms",
    ),
    Measurement(
        "start",
        "`sigscope pid PID --json`, against `python -c 'import click'`",
        wall,
        2.0,
        subject=one_process,
        base=import_click,
        crowded=False,
    ),
    Measurement(
        "one-file",
        "`sigscope.pyz pid PID --json`, not for the first time, against `sigscope pid PID --json`",
        wall,
        1.3,
        subject=one_process_by_archive,
        base=one_process,
        crowded=False,
        archived=True,
    ),
    Measurement(
        "cold",
        "`sigscope pid PID --json` with the BPF engine, over the same without",
        wall,
        40,
        subject=one_process,
        base=one_process_by_files,
        unit="ms",
        crowded=False,
        over=True,
    ),
    Measurement(
        "explain",
        "`sigscope explain TERM PID --json`, against `sigscope pid PID --json`",
        wall,
        1.1,
        subject=explained,
        base=one_process,
        crowded=False,
    ),
    Measurement(
        "explain-screen",
        "the same two without `--json`",
        wall,
        1.1,
        subject=explained_on_screen,
        base=one_process_on_screen,
        crowded=False,
    ),
    Measurement(
        "seccomp",
        "all calls of x86-64 through a container's filter",
        milliseconds,
        100,
        subject=simulate,
        unit="ms",
        crowded=False,
    ),
)
