"""``--follow``: what following a worker costs it, beside strace of its reads and writes.

A small script behind a real nginx and php-fpm, asked as fast as it answers (ab, of apache2-utils);
rounds of each in turn. Needs the tests of this checkout and what they need, and strace.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.harness.fastcgi import Pool, Shop, shop

REQUESTS, AT_ONCE, ROUNDS = 3000, 2, 5
QUERY = "m:30;o:200"
GOAL = 1 / 3


def rate(real: Shop) -> float:
    """Requests a second."""
    url = f"http://127.0.0.1:{real.port}/long/4k?{QUERY}"
    words = ["ab", "-q", "-n", str(REQUESTS), "-c", str(AT_ONCE), url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests per second: +([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


@contextlib.contextmanager
def beside(words: list[str], out: Path) -> Iterator[None]:
    """A follower, that has begun when the block does."""
    with out.open("wb") as file:
        run = subprocess.Popen(words, stdout=file, stderr=subprocess.PIPE)
        try:
            assert run.stderr is not None
            while b"following" not in (line := run.stderr.readline()) and b"attached" not in line:
                assert run.poll() is None, line
            yield
            time.sleep(1)
        finally:
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=60)


def main() -> int:
    """Print what was measured; 0 says that it was."""
    free, followed, straced, seen = [], [], [], 0
    with tempfile.TemporaryDirectory() as scratch, shop([Pool("long", 65535)], ("4k",)) as real:
        out, worker = Path(scratch) / "out", str(real.worker("long"))
        ours = [sys.executable, "-m", "sigscope", "fcgi", worker, "--json"]
        theirs = ["strace", "-f", "-p", worker, "-e", "trace=read,write", "-o", f"{out}.strace"]
        rate(real)
        for _ in range(ROUNDS):
            free.append(rate(real))
            with beside(ours, out):
                followed.append(rate(real))
            lines = out.read_text().splitlines()
            seen += sum(json.loads(line)["complete"] for line in lines)
            with beside(theirs, out):
                straced.append(rate(real))
    costs = [
        (plain - ours) / (plain - strace)
        for plain, ours, strace in zip(free, followed, straced, strict=True)
    ]
    for name, values in (("alone", free), ("sigscope fcgi", followed), ("strace", straced)):
        print(f"{name:>14} {statistics.median(values):8.0f} requests/s")
    print(f"{seen} of {ROUNDS * REQUESTS} requests were told whole")
    middle = statistics.median(costs)
    verdict = "met" if middle <= GOAL else "missed"
    print(f"cost against strace's: {middle:.2f} (goal {GOAL:.2f}, {verdict})")
    return 0
