"""php-cgi, whose messages end with a newline: the worker of the intervals that were published."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sigscope.analysis.fcgi.php import Do, Settings, Step, Writer, answer_of
from sigscope.decode.fastcgi import decode_all
from sigscope.model.fcgi import Record
from tests.harness import proc
from tests.harness.build import required
from tests.harness.daemons import Daemon, free_port
from tests.harness.fastcgi import SCRIPT, connected, query, question
from tests.harness.targets import PATIENCE

SCRIPTS = 100


@pytest.fixture(scope="module")
def listens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    program = required("php-cgi8.2", "php8.2-cgi")
    script = tmp_path_factory.mktemp("cgi") / "steps.php"
    script.write_text(SCRIPT)
    listen = f"127.0.0.1:{free_port()}"
    with Daemon([program, "-n", "-b", listen]):

        def answers() -> bool:
            try:
                connected(listen).close()
            except OSError:
                return False
            return True

        proc.eventually(answers, PATIENCE, "php-cgi listens")
        yield listen, script


def asked(listens: tuple[str, Path], steps: list[Step]) -> list[tuple[int, int, int]]:
    listen, script = listens
    with connected(listen) as peer:
        peer.sendall(question(script, query(steps)))
        return shapes(decode_all(b"".join(iter(lambda: peer.recv(1 << 20), b""))))


def shapes(records: list[Record]) -> list[tuple[int, int, int]]:
    return [(one.kind, one.length, one.padding) for one in records]


def test_it_writes_the_records_that_the_model_writes(listens: tuple[str, Path]) -> None:
    dice = random.Random(3)
    settings = Settings(Writer.PHP_CGI)
    for _ in range(SCRIPTS):
        steps = []
        for _ in range(dice.randint(1, 5)):
            do = dice.choice((Do.MESSAGE, Do.MESSAGE, Do.OUTPUT, Do.OUTPUT, Do.FLUSH))
            longest = dice.choice((300, 9000, 70000))
            steps.append(Step(do, 0 if do is Do.FLUSH else dice.randint(0, longest)))
        told = shapes(list(answer_of(steps, settings).records))
        assert asked(listens, steps) == told, steps
