"""The model of nginx's reader against nginx, and that of PHP's writer against php-fpm.

A step of 7 lengths here; ``python3 scripts/bench --fcgi`` tries every length.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from sigscope.analysis.fcgi.php import Do, Settings, Step, answer_of
from sigscope.analysis.fcgi.reader import front_end
from sigscope.decode.fastcgi import encode
from sigscope.model.fcgi import Answer, Arrival, Record
from tests.daemons import answers
from tests.harness.fastcgi import SHAPES, SIZES, Pool, Shop, query, shop
from tests.harness.puppet import Puppet

STEP, LONGEST = 7, 9000
POOLS = (Pool("short", 1024), Pool("long", 65535), Pool("tcp", 65535, tcp=True))
SWEEPS = [
    *((pool, shape, size) for pool in POOLS[:2] for shape in list(SHAPES)[:3] for size in SIZES),
    (POOLS[2], "one", "1k"),
    (POOLS[2], "flushed", "4k"),
    (POOLS[1], "flushed", "1k"),
]
SCRIPTS, STRANGE = 250, 2500


@pytest.fixture(scope="module")
def real() -> Iterator[Shop]:
    with shop(POOLS, puppet=True) as made:
        yield made


@pytest.mark.parametrize(
    ("pool", "shape", "size"), SWEEPS, ids=lambda part: getattr(part, "name", part)
)
def test_nginx_answers_as_the_model_says(real: Shop, pool: Pool, shape: str, size: str) -> None:
    settings = Settings(log_limit=pool.limit)
    races = failures = 0
    for length in range(0, LONGEST, STEP):
        steps = SHAPES[shape](length)
        front = front_end(answer_of(steps, settings), int(size[:-1]) * 1024)
        status = real.status(pool.name, size, query(steps))
        assert status in {one.status for one in front.outcomes}, (length, status, front)
        races += front.race
        failures += status == 502
    assert races < 20
    assert (
        failures
        or (size, pool.limit) not in (("1k", 65535), ("2k", 65535), ("4k", 65535))
        or (shape == "before")
    )


def test_php_fpm_writes_the_records_that_the_model_writes(real: Shop) -> None:
    dice = random.Random(7)
    settings = Settings(log_limit=65535)
    for _ in range(SCRIPTS):
        steps = [_step(dice) for _ in range(dice.randint(1, 5))]
        told = [_shape(one) for one in real.records("long", query(steps))]
        assert told == [_shape(one) for one in answer_of(steps, settings).records], steps


def _step(dice: random.Random) -> Step:
    do = dice.choice((Do.MESSAGE, Do.MESSAGE, Do.OUTPUT, Do.OUTPUT, Do.FLUSH))
    near = dice.choice((300, 9000, 8300, 16600, 70000))
    low = {8300: 8000, 16600: 16200}.get(near, 0)
    return Step(do, 0 if do is Do.FLUSH else dice.randint(low, near))


def _shape(record: Record) -> tuple[int, int, int]:
    return record.kind, record.length, record.padding


def test_nginx_answers_as_the_model_says_whatever_a_worker_sends(real: Shop) -> None:
    dice = random.Random(7)
    seen = set()
    with Puppet(real.home / "puppet.sock") as puppet:
        for number in range(STRANGE):
            records = answers.records(dice)
            puppet.pieces = answers.pieces(dice, b"".join(map(encode, records)))
            arrivals = tuple(Arrival(len(piece), settled=True) for piece in puppet.pieces)
            size = dice.choice(SIZES)
            front = front_end(Answer(tuple(records), arrivals), int(size[:-1]) * 1024)
            status = real.status("puppet", size, str(number))
            seen.add(front.outcomes[0].reason)
            if not status:  # nginx knew its status, and closed for what came behind the header
                assert any(not one.failed for one in front.outcomes), (number, front)
                continue
            assert status in {one.status for one in front.outcomes}, (number, front)
    assert len(seen) >= 8
