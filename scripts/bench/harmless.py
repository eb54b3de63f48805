"""Does a look do harm, and how long does it hold its target? sigscope beside strace and gdb.

The blocking calls of tests/targets/blocking_call.c, each alone, under no filter and under filters
that deny restart_syscall or kill for it; a program that checks its own registers, masks, queues
and timers; a busy JVM; a tracer that is killed in the middle of its work.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from build import compile_c

from sigscope.errors import SigscopeError
from sigscope.kernel.ptrace.preflight import look_first
from sigscope.kernel.ptrace.requests import DETACH, INTERRUPT, Requests
from sigscope.kernel.ptrace.session import Session, trace
from tests.harness import answering, proc
from tests.harness.blocked import ANSWERS, Case, Ending, Looking, calls, looked_at
from tests.harness.inspecting import Dying, done, in_a_child, look, steps
from tests.harness.killing import ACTIONS, killed_at_every_step
from tests.harness.queueing import queue_value
from tests.harness.targets import Target, start

MILLISECONDS = 5000
GDB = ("gdb", "-nx", "-iex", "set debuginfod enabled off", "-batch", "-ex", "detach", "-p")
STRACE = ("strace", "-f", "-o", "/dev/null", "-p")
ROUNDS = 30
GAP = struct.Struct("=Q")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


# --- the ways to look ---------------------------------------------------------------------


def nobody(_: dict[Case, Target]) -> Collection[Case]:
    return ()


def with_sigscope(cycles: int) -> Looking:
    def looking(processes: dict[Case, Target]) -> Collection[Case]:
        alone = {
            case
            for case, process in processes.items()
            if any(not obstacle.absolute for obstacle in look_first(process.pid))
        }

        def looks() -> None:
            for _ in range(cycles):
                for case, process in processes.items():
                    if case not in alone:
                        with contextlib.suppress(SigscopeError):  # it has ended by itself
                            look(process.pid, actions=case.answer == "none")

        if done(in_a_child(looks)) != 0:
            raise AssertionError("a look failed")
        return alone

    return looking


def _attached(pid: int, tracer: int) -> bool:
    """Does it trace it, or has it ended by that?"""
    return proc.state(pid) in ("Z", "gone") or proc.status(pid)["TracerPid"] == str(tracer)


def with_strace(processes: dict[Case, Target]) -> Collection[Case]:
    for process in processes.values():
        with subprocess.Popen([*STRACE, str(process.pid)], stderr=subprocess.DEVNULL) as strace:
            with contextlib.suppress(AssertionError):
                proc.eventually(lambda: _attached(process.pid, strace.pid), 5)  # noqa: B023
            strace.send_signal(signal.SIGINT)
    return ()


def with_gdb(processes: dict[Case, Target]) -> Collection[Case]:
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    for process in processes.values():
        subprocess.run([*GDB, str(process.pid)], stderr=subprocess.DEVNULL, **quiet)  # type: ignore[call-overload]
    return ()


# --- the calls ----------------------------------------------------------------------------


def _became(end: Ending, expected: Ending) -> str:
    if end == expected:
        return "as without"
    if end.died:
        return "killed"
    if end.errno:
        return "an error"
    return "returns early"


COLUMNS = ("as without", "an error", "returns early", "killed", "left alone")


def harm(cycles: int) -> Iterator[str]:
    """Every call under every filter, looked at in three ways."""
    cases = [Case(name, answer) for name in calls() for answer in ANSWERS]
    each = max(1, -(-cycles // len(cases)))
    expected = looked_at([Case(name) for name in calls()], nobody, MILLISECONDS)
    cases = [case for case in cases if Case(case.name) in expected]
    ways: list[tuple[str, Looking, int]] = [(f"sigscope, {each} times", with_sigscope(each), 40)]
    if shutil.which("strace"):
        ways.append(("strace -p, once", with_strace, 24))
    if shutil.which("gdb"):
        ways.append(("gdb -p -batch, once", with_gdb, 8))
    names = {case.name for case in cases}
    yield f"{len(names)} blocking calls, under no filter, one that denies restart_syscall (not with"
    yield "gdb, which takes its time) and one that kills for it: how they end when looked at"
    yield f"{'':24}" + "".join(f"{column:>15}" for column in COLUMNS)
    for name, looking, size in ways:
        _say(f"looking with {name}")
        some = [case for case in cases if looking is not with_gdb or case.answer != "errno:1"]
        seen = looked_at(some, looking, MILLISECONDS, size)
        counts = Counter(_became(end, expected[Case(case.name)]) for case, end in seen.items())
        counts["left alone"] = len(some) - len(seen)
        yield f"{name:24}" + "".join(f"{counts[column] or '.':>15}" for column in COLUMNS)
        if name.startswith("sigscope"):
            for case, end in seen.items():
                if end != expected[Case(case.name)]:
                    without = expected[Case(case.name)]
                    _say(f"HARM: {case}: {end.words}, {without.words} without")


# --- the program that checks itself ----------------------------------------------------------


def _verdict(process: Target, values: int) -> str:
    process.close_input()
    told = process.hear(60)
    if told is None:
        return f"it died: {process.wait()}"
    wrong = told["wrong"] or ("" if told["values"] == values else f"{values - told['values']} lost")
    interrupted = f", {told['interrupted']} waits interrupted" if told["interrupted"] else ""
    return (wrong or "nothing wrong") + interrupted


def self_check(cycles: int) -> Iterator[str]:
    """Looks at a busy program, while signals arrive that must come in order."""
    with start("self_checking") as process:
        child = in_a_child(lambda: [look(process.pid) for _ in range(cycles)] and None)
        sent = 0
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            sent += 1
            queue_value(process.pid, process.truth["ordered"], sent)
            time.sleep(0.001)
        status = done(child)
        verdict = _verdict(process, sent) if status == 0 else f"the looks ended with {status}"
    yield f"a program that checks itself, {cycles} looks with sigactions, {sent} signals: {verdict}"


def crashes(points: int) -> Iterator[str]:
    """The tracer is killed at chosen steps of a look, and at random moments."""
    with start("self_checking") as process:
        last, killed, number = steps(process.pid), 0, 0
        while killed < points:  # a look that is shorter than that one ends by itself
            step = number * last // points % last
            number += 1
            killed += done(in_a_child(lambda: look(process.pid, requests=Dying(step)))) != 0  # noqa: B023
            queue_value(process.pid, process.truth["ordered"], number)
        yield f"killed at {killed} chosen steps of a look: {_verdict(process, number)}"
    dice = random.Random(1)
    with start("self_checking") as process:
        for number in range(points):
            child = in_a_child(lambda: [look(process.pid) for _ in iter(int, 1)] and None)
            time.sleep(dice.random() * 0.03)
            queue_value(process.pid, process.truth["ordered"], number + 1)
            os.kill(child, signal.SIGKILL)
            done(child)
        yield f"killed at {points} random moments: {_verdict(process, points)}"


def crashes_in_calls(points: int) -> Iterator[str]:
    """Killed at each step of each action, over the blocking calls: with 300 points over all."""
    stride = max(1, 300 // points)
    yield "killed at each step over the blocking calls; what became of the program:"
    yield f"{'':24}{'kills':>15}{'waits on':>15}{'EINTR':>15}{'killed':>15}"
    with tempfile.TemporaryDirectory(prefix="sigscope-bench-") as records:
        os.environ["XDG_STATE_HOME"] = records
        for answer, names in (("none", calls()[::stride]), ("kill", calls()[:: 3 * stride])):
            under = " (filter)" if answer == "kill" else ""
            for action in ACTIONS:
                _say(f"killed in {action}{under}")
                seen = [killed_at_every_step(action, name, answer) for name in names]
                totals = (sum(column) for column in zip(*seen, strict=True))
                yield f"{action + under:24}" + "".join(f"{n or '.':>15}" for n in totals)


# --- how long ------------------------------------------------------------------------------


class Gaps:
    """A program that notes for how long it did not run; see gaps.c."""

    def __init__(self, program: Path, threads: int, scratch: Path) -> None:
        path = scratch / "gap"
        path.write_bytes(bytes(4096))
        self._file = path.open("r+b")
        self._memory = mmap.mmap(self._file.fileno(), 4096)
        self.process = subprocess.Popen(
            [program, path, str(threads)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.pid = int(self.process.stdout.readline())

    def during(self, what: Callable[[], object]) -> float:
        """Microseconds: its longest gap while ``what`` was done."""
        time.sleep(0.005)
        self._memory[: GAP.size] = bytes(GAP.size)
        what()
        time.sleep(0.002)
        return float(GAP.unpack_from(self._memory)[0]) / 1000

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._memory.close()
        self._file.close()


def _look_at(tid: int) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        with session.visit(tid) as thread:
            thread.registers()
            thread.mask()
            thread.queue(shared=True)
            thread.queue(shared=False)

    return work


class Timed(Requests):
    """Notes when the first request is made, when the last one has been, and the ``stops``:
    microseconds from each PTRACE_INTERRUPT to the next PTRACE_DETACH.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = self.last = self._asked = 0.0
        self.stops: list[float] = []

    def __call__(self, request: int, tid: int, address: int = 0, data: int = 0) -> int:
        now = time.perf_counter()
        self.first = self.first or now
        if request == INTERRUPT:
            self._asked = now
        result = super().__call__(request, tid, address, data)
        self.last = time.perf_counter()
        if request == DETACH:
            self.stops.append((self.last - self._asked) * 1e6)
        return result


def _stop(process: int) -> float:
    """Microseconds of a plain look, as the tracer counts them."""
    timed = Timed()
    trace(process, _look_at(process), requests=timed)
    return timed.stops[0]


def _asking(process: int) -> float:
    """The same of the longest stop, where ten sigactions are asked for."""
    timed = Timed()
    look(process, requests=timed)
    return max(timed.stops)


def _stand_all(session: Session) -> None:
    """Hold a process as a whole, and read every thread."""
    session.hold()
    for thread in session.held:
        thread.registers()
        thread.mask()
        thread.queue(shared=False)
    session.release()


def _whole(pid: int) -> float:
    """Milliseconds from the first request (before any thread stands) to the last (all run)."""
    timed = Timed()
    trace(pid, _stand_all, requests=timed)
    return (timed.last - timed.first) * 1000


def pauses(scratch: Path) -> Iterator[str]:
    """What the target sees of it, in the same run."""
    program = compile_c("gaps", scratch)
    gaps = Gaps(program, 1, scratch)
    try:
        for _ in range(3):
            gaps.during(lambda: trace(gaps.pid, _look_at(gaps.pid)))
        ours = statistics.median(
            gaps.during(lambda: trace(gaps.pid, _look_at(gaps.pid))) for _ in range(ROUNDS * 3)
        )
        asked = statistics.median(gaps.during(lambda: look(gaps.pid)) for _ in range(ROUNDS))
        stop = statistics.median(_stop(gaps.pid) for _ in range(ROUNDS * 3))
        asking = statistics.median(_asking(gaps.pid) for _ in range(ROUNDS))
        idle = statistics.median(gaps.during(lambda: time.sleep(0.01)) for _ in range(ROUNDS))
        yield f"longest pause of a busy thread, median; {idle:.0f} us when nobody looks:"
        yield f"  sigscope, mask, queues and registers   {ours:9.0f} us"
        yield f"  sigscope, ten sigactions as well       {asked:9.0f} us"
        yield "from PTRACE_INTERRUPT to PTRACE_DETACH, as the tracer counts it, median:"
        yield f"  sigscope, mask, queues and registers   {stop:9.0f} us"
        yield f"  sigscope, ten sigactions               {asking:9.0f} us"
        if shutil.which("gdb"):
            command = [*GDB, str(gaps.pid)]
            theirs = statistics.median(
                gaps.during(
                    lambda: subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
                )
                for _ in range(7)
            )
            yield "longest pause of that thread, median:"
            yield f"  gdb -p -batch -ex detach               {theirs:9.0f} us"
            yield f"  sigscope / gdb                         {ours / theirs:9.3f}"
    finally:
        gaps.close()
    many = Gaps(program, 200, scratch)
    try:
        whole = statistics.median(_whole(many.pid) for _ in range(ROUNDS))
        yield f"200 threads stopped, read and let go: {whole:.1f} ms"
    finally:
        many.close()


def main(cycles: int) -> int:
    """Measure and print; 0 says that it was measured. What did harm is told on stderr at once."""
    points = max(30, min(300, cycles // 33))
    with tempfile.TemporaryDirectory(prefix="sigscope-bench-") as scratch:
        parts: list[Callable[[], Iterator[str]]] = [
            lambda: pauses(Path(scratch)),
            lambda: self_check(max(50, cycles // 20)),
            lambda: crashes(points),
            lambda: crashes_in_calls(points),
            lambda: load(max(50, cycles // 10)),
            lambda: harm(cycles),
        ]
        for part in parts:
            for line in part():
                print(line, flush=True)
            print(flush=True)
    return 0


def load(times: int) -> Iterator[str]:
    """A JVM that answers meanwhile."""
    if shutil.which("javac") is None:
        yield "no JVM: apt-get install default-jdk-headless"
        return
    told = answering.inspected(times)
    wrong = "; ".join(told.wrong[:3]) or "not one of them wrong"
    yield f"a JVM under load, {times} looks with sigactions, {told.answers} answers: {wrong}"
