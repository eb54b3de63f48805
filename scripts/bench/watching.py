"""``--watch``: what it costs to watch a storm of signals, and what of it was seen.

A program sends itself signals, which it handles, at several rates; beside it runs ``sigscope
watch``, and what else of perf, bpftrace and strace is installed, in turn. Of each: the CPU
that the watcher used, how many signals it told of, and what a kill() with its handler took more
than in the run without a watcher just before. Then: how soon sigscope tells.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from build import CHECKOUT, compile_c

RATES = (100, 10_000, 200_000, 0)
SECONDS, ROUNDS = 1.0, 3
CPU_GOAL = {100: 0.01, 200_000: 1.0}
ADDED_GOAL = 1000.0
FIRST_GOAL, LATE_GOAL = 0.3, 0.05
PATIENCE = 30
PRINTS = 'tracepoint:signal:signal_generate { printf("%d %d %d\\n", pid, args->sig, args->pid); }'


@dataclass(frozen=True, slots=True)
class Watcher:
    """``argv`` writes to a file whose name is appended; ``count`` finds the signals from that pid
    in it. It is given a while to settle, unless it starts the storm itself."""

    name: str
    argv: tuple[str, ...]
    count: Callable[[Path, int], int]
    starts: bool = False
    settles: float = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One storm: what was sent, and how long one took (ns); what was told; the watcher's CPU
    seconds for each second."""

    sent: int
    took: float
    told: int = 0
    cpu: float = 0.0


def _ours(out: Path, pid: int) -> int:
    total = 0
    with out.open() as file:
        for line in file:
            story = json.loads(line)
            if story.get("signal") == "SIGUSR1" and (story.get("target") or {}).get("pid") == pid:
                total += story["times"]
    return total


def _lines(pattern: str) -> Callable[[Path, int], int]:
    def count(out: Path, pid: int) -> int:
        wanted = re.compile(pattern.format(pid=pid))
        with out.open(errors="replace") as file:
            return sum(wanted.search(line) is not None for line in file)

    return count


def _recorded(out: Path, pid: int) -> int:
    words = ["perf", "script", "-i", str(out), "-F", "event,trace"]
    text = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return len(re.findall(rf"signal:signal_generate:.* pid={pid} ", text))


def watchers(engines: Sequence[str]) -> list[Watcher]:
    """Those that are here, our own with each of these engines first."""
    ours = (sys.executable, "-m", "sigscope", "watch", "--json", "--engine")
    found = [
        Watcher("sigscope" if name == "auto" else f"sigscope {name}", (*ours, name), _ours)
        for name in engines
    ]
    if shutil.which("perf"):
        events = ("-e", "signal:signal_generate", "-e", "signal:signal_deliver")
        record = ("perf", "record", "-q", "-a", *events, "-m", "8M", "-o")
        found.append(Watcher("perf record", record, _recorded))
        trace = ("perf", "trace", "-a", "-e", "signal:*", "-o")
        found.append(
            Watcher("perf trace", trace, _lines(r"signal:signal_generate\(.*pid: {pid}\b"))
        )
    if shutil.which("bpftrace"):
        found.append(
            Watcher(
                "bpftrace",
                ("bpftrace", "-e", PRINTS, "-o"),
                _lines(r"^{pid} 10 {pid}$"),
                settles=5.0,
            )
        )
    if shutil.which("strace"):
        traced = ("strace", "-e", "trace=none", "-o")
        found.append(
            Watcher("strace", traced, _lines(r"^--- SIGUSR1 .*si_pid={pid},"), starts=True)
        )
    return found


def _storm(program: Path, rate: int, before: Sequence[str] = ()) -> tuple[int, Seen]:
    cpu = max(os.sched_getaffinity(0))
    words = [
        *before,
        str(program),
        str(SECONDS if rate != 100 else 3 * SECONDS),
        str(rate),
        str(cpu),
    ]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    pid, sent, _, took = text.split()
    return int(pid), Seen(int(sent), float(took))


def used(pid: int) -> float:
    """CPU seconds of all threads so far (/proc/PID/task/TID/schedstat)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def beside(watcher: Watcher, program: Path, rate: int, scratch: Path) -> Seen:
    """One storm that is watched."""
    out = scratch / "out"
    if watcher.starts:  # it starts the program itself; what both used is one
        pid, seen = _storm(program, rate, (*watcher.argv, str(out)))
        return Seen(seen.sent, seen.took, watcher.count(out, pid))
    ours = watcher.name.startswith("sigscope")
    target = out.open("wb") if ours else subprocess.DEVNULL
    words = watcher.argv if ours else (*watcher.argv, str(out))
    run = subprocess.Popen(words, stdout=target, stderr=subprocess.DEVNULL, cwd=CHECKOUT)
    try:
        time.sleep(watcher.settles)
        before, begun = used(run.pid), time.perf_counter()
        pid, seen = _storm(program, rate)
        time.sleep(0.5)
        cpu, lasted = used(run.pid) - before, time.perf_counter() - begun
    finally:
        run.send_signal(signal.SIGINT)
        try:
            run.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
    return Seen(seen.sent, seen.took, watcher.count(out, pid), cpu / lasted)


def first_event() -> float:
    """Seconds from its start to its first line, while a process gets signals all the time."""
    loop = "while :; do kill -URG $$; sleep 0.005; done"
    with subprocess.Popen(["sh", "-c", loop]) as noise:
        begun = time.perf_counter()
        words = (sys.executable, "-m", "sigscope", "watch", "--json", "--count", "1")
        subprocess.run(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=CHECKOUT, check=False
        )
        taken = time.perf_counter() - begun
        noise.kill()
    return taken


def lateness(number: int = 20) -> list[float]:
    """Seconds from a kill() to its line, one every 150 ms."""
    words = (sys.executable, "-m", "sigscope", "watch", "--json", "--signal", "URG")
    late = []
    with (
        subprocess.Popen(["sleep", "600"]) as target,
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=CHECKOUT
        ) as run,
    ):
        assert run.stdout is not None
        time.sleep(1.5)
        for _ in range(number):
            begun = time.perf_counter()
            os.kill(target.pid, signal.SIGURG)
            for line in run.stdout:
                if json.loads(line)["target"]["pid"] == target.pid:
                    break
            late.append(time.perf_counter() - begun)
            time.sleep(0.15)
        run.send_signal(signal.SIGINT)
        target.kill()
    return late


def main(engines: Sequence[str] = ("auto",)) -> int:
    """Print what was measured; 0 says that it was."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        program = compile_c("storm", scratch)
        print(
            f"{'signals/s':>10}  {'watcher':<15} {'CPU':>7} {'told':>17} {'added to a kill()':>18}"
        )
        for rate in RATES:
            for watcher in watchers(engines):
                _told(rate, watcher, program, scratch)
    first = statistics.median(first_event() for _ in range(ROUNDS))
    late = lateness()
    print(f"first line after {first * 1e3:.0f} ms (goal {FIRST_GOAL * 1e3:.0f})")
    print(
        f"a line comes {statistics.median(late) * 1e3:.0f} ms after its signal,"
        f" {max(late) * 1e3:.0f} at most (goal {LATE_GOAL * 1e3:.0f})"
    )
    return 0


def _told(rate: int, watcher: Watcher, program: Path, scratch: Path) -> None:
    seen, added = [], []
    for _ in range(ROUNDS):
        _, free = _storm(program, rate)
        one = beside(watcher, program, rate, scratch)
        seen.append(one)
        added.append(one.took - free.took)
    told, sent = sum(one.told for one in seen), sum(one.sent for one in seen)
    cpu = statistics.median(one.cpu for one in seen)
    extra = statistics.median(added)
    shown = "-" if watcher.starts else f"{cpu:.1%}"
    print(
        f"{rate or 'unlimited':>10}  {watcher.name:<15} {shown:>7} {told:>8}/{sent:<8}"
        f" {extra:>15.0f} ns{_goals(rate, watcher, cpu, extra, told == sent)}",
        flush=True,
    )


def _goals(rate: int, watcher: Watcher, cpu: float, added: float, whole: bool) -> str:
    if not watcher.name.startswith("sigscope"):
        return ""
    missed = []
    if cpu > CPU_GOAL.get(rate, 1.0):
        missed.append(f"CPU above {CPU_GOAL.get(rate, 1.0):.0%}")
    if rate >= 10_000 and added > ADDED_GOAL:
        missed.append(f"more than {ADDED_GOAL:.0f} ns")
    if not whole:
        missed.append("not all told")
    return f"  missed: {', '.join(missed)}" if missed else "  met"
