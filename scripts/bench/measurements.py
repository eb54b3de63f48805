"""What is measured: one entry for each question. A new one is an entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from command import Command, Run

READ_THE_HOST = """\
import time
import sigscope
start = time.perf_counter()
host = sigscope.read_all()
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


def wall(run: Run) -> float:
    return run.wall


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


def import_click(stage: Stage) -> Command:
    return Command((stage.python, "-I", "-c", "import click"))


def floor(stage: Stage) -> Command:
    return Command((stage.floor,), keep=True)


# Status 1 is an answer of sigscope ("something is wrong there"), and no failure.
def tree(stage: Stage) -> Command:
    return Command((stage.sigscope, "tree"), statuses=(0, 1))


def one_process(stage: Stage) -> Command:
    return Command((stage.sigscope, "pid", str(stage.target), "--json"), statuses=(0, 1))


def audit(stage: Stage) -> Command:
    return Command((stage.sigscope, "audit"), statuses=(0, 1))


def explained(stage: Stage) -> Command:
    words = ("explain", "TERM", str(stage.target), "--json")
    return Command((stage.sigscope, *words), statuses=(0, 1))


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
        "tree",
        "`sigscope tree`, against `ps -eLo` with the same columns",
        wall,
        0.7,
        subject=tree,
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
        "start",
        "`sigscope pid PID --json`, against `python -c 'import click'`",
        wall,
        2.0,
        subject=one_process,
        base=import_click,
        crowded=False,
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
        "seccomp",
        "all calls of x86-64 through a container's filter",
        milliseconds,
        100,
        subject=simulate,
        unit="ms",
        crowded=False,
    ),
)
