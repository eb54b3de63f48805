"""``--fcgi``: every length of message through a real php-fpm and nginx, beside the model.

Needs the tests of this checkout and what they need (``scripts/test`` makes it), nginx and
php-fpm. 432,000 requests: some minutes.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sigscope.analysis.fcgi.php import Settings, answer_of
from sigscope.analysis.fcgi.reader import front_end
from tests.harness.fastcgi import SHAPES, SIZES, Pool, Shop, query, shop

LONGEST = 9000
POOLS = (Pool("short", 1024), Pool("long", 65535), Pool("tcp", 65535, tcp=True))


def compared(real: Shop) -> Iterator[tuple[Pool, str, str, Counter[str]]]:
    """How each combination of pool, shape and size came out."""
    for pool in POOLS:
        settings = Settings(log_limit=pool.limit)
        for name, shape in SHAPES.items():
            for size in SIZES:
                found: Counter[str] = Counter()
                for length in range(LONGEST + 1):
                    steps = shape(length)
                    front = front_end(answer_of(steps, settings), int(size[:-1]) * 1024)
                    status = real.status(pool.name, size, query(steps))
                    right = status in {one.status for one in front.outcomes}
                    found["race" if right and front.race else "same" if right else "other"] += 1
                    found["502"] += status == 502
                yield pool, name, size, found


def main() -> int:
    """Print the table; 0 says that it was measured."""
    started, total = time.monotonic(), Counter[str]()
    print(f"messages of 0 to {LONGEST} bytes, as nginx answers and as the model says")
    print("  pool   log_limit  script   buffer    502   same  race  other")
    with shop(POOLS) as real:
        for pool, name, size, found in compared(real):
            total += found
            row = f"{pool.name:>6} {pool.limit:>10}  {name:<8} {size:>6} {found['502']:>6}"
            print(f"{row} {found['same']:>6} {found['race']:>5} {found['other']:>6}", flush=True)
    many = sum(total.values()) - total["502"]
    print(f"{many} requests in {time.monotonic() - started:.0f} s: {total['other']} disagree,")
    print(f"{total['race']} may be either (told so)")
    return 0
