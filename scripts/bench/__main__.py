"""How fast is sigscope, and does it keep its promises?  ``python3 scripts/bench``

Every number is a ratio to something that runs beside it in the same round, so it means
the same on a slow machine. Status 0 says that it was measured, not that goals were met.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from build import archive, compile_c, environment
from errors import BenchError
from measurements import MEASUREMENTS, Measurement, Stage
from population import Population
from report import FORMATS, Setting
from rounds import Result, measure


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _arguments() -> argparse.Namespace:
    names = [measurement.name for measurement in MEASUREMENTS]
    parser = argparse.ArgumentParser(
        prog="python3 scripts/bench",
        description=(__doc__ or "").partition("\n\n")[2],
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"what to measure: {', '.join(names)} (default: all)",
    )
    parser.add_argument(
        "--sigscope",
        type=Path,
        metavar="PATH",
        help="a sigscope command, a virtual environment or a checkout"
        " (default: this checkout, installed into a temporary place)",
    )
    parser.add_argument(
        "--processes",
        type=_positive,
        default=1000,
        metavar="N",
        help="of the population (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        type=_positive,
        default=20,
        metavar="N",
        help="of each of them (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds",
        type=_positive,
        default=7,
        metavar="N",
        help="after one to warm up (default: %(default)s)",
    )
    parser.add_argument(
        "--harmless",
        type=_positive,
        metavar="N",
        help="instead: N looks at blocked, busy and checking programs, beside strace and gdb",
    )
    parser.add_argument(
        "--restarts",
        action="store_true",
        help="instead: every blocking call under every filter and interruption, as predicted?",
    )
    parser.add_argument(
        "--verdicts",
        type=_positive,
        metavar="N",
        help="instead: N random situations, judged by sigscope, by simpler rules and by the kernel",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the first situation of --verdicts (default: %(default)s)",
    )
    parser.add_argument(
        "--fcgi",
        action="store_true",
        help="instead: every length of a message, as nginx answers and as sigscope says",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="instead: what following a FastCGI worker costs it, beside strace",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="instead: what watching a storm of signals costs, beside perf, bpftrace and strace",
    )
    parser.add_argument(
        "--engine",
        action="append",
        metavar="NAME",
        help="with --watch: an engine of sigscope watch, may be given several times"
        " (default: auto)",
    )
    parser.add_argument(
        "--containers",
        type=_positive,
        metavar="N",
        help="instead: what tree --by container costs with N containers of five processes",
    )
    for name in ("markdown", "json"):
        parser.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            default="text",
            help=f"print {name} instead of a table",
        )
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in names:
            parser.error(f"no measurement is called {name!r}: choose from {', '.join(names)}")
    return arguments


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _measure_all(
    chosen: Sequence[Measurement],
    arguments: argparse.Namespace,
    scratch: Path,
) -> list[Result]:
    _say("building")
    floor, crowd = compile_c("floor", scratch), compile_c("population", scratch)
    under = {False: (), True: (str(compile_c("filtered", scratch)),)}
    under_test = environment(arguments.sigscope, scratch)
    one_file = archive(scratch) if any(m.archived for m in chosen) else ""
    found: dict[str, Result] = {}
    for crowded, filtered in ((False, False), (True, False), (True, True)):
        group = [m for m in chosen if (m.crowded, m.filtered) == (crowded, filtered)]
        if not group:
            continue
        processes, threads = (arguments.processes, arguments.threads) if crowded else (1, 1)
        with Population(crowd, processes, threads, under[filtered]) as population:
            stage = Stage(
                under_test.python, under_test.sigscope, one_file, str(floor), population.pid
            )
            for result in measure(group, stage, arguments.rounds, 1, scratch, _say):
                found[result.measurement.name] = result
    return [found[measurement.name] for measurement in chosen]


def _stop(*_: object) -> NoReturn:
    """An ordinary exit on SIGTERM, so that the population and the directory go too."""
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    if arguments.harmless:
        import harmless  # needs the tests, too, and strace and gdb to compare with

        return harmless.main(arguments.harmless)
    if arguments.restarts:
        import restarts  # needs the tests, as verdicts does

        return restarts.main()
    if arguments.verdicts:
        import verdicts  # needs the tests and what they need (scripts/test makes it)

        return verdicts.main(arguments.verdicts, arguments.seed)
    if arguments.fcgi:
        import front_end  # needs the tests, nginx and php-fpm, too

        return front_end.main()
    if arguments.watch:
        import watching  # compares with what is installed of perf, bpftrace and strace

        return watching.main(arguments.engine or ["auto"])
    if arguments.containers:
        import boxes  # needs runc, and root

        return boxes.main(arguments.containers)
    if arguments.follow:
        import following  # needs the tests, nginx, php-fpm, ab and strace, too

        return following.main()
    chosen = [m for m in MEASUREMENTS if not arguments.names or m.name in arguments.names]
    setting = Setting(arguments.processes, arguments.threads, arguments.rounds)
    try:
        with tempfile.TemporaryDirectory(prefix="sigscope-bench-") as scratch:
            results = _measure_all(chosen, arguments, Path(scratch))
    except BenchError as error:
        _say(error.message)
        _say(f"try: {error.hint}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; the population is gone")
        return 130
    for line in FORMATS[arguments.format](results, setting):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
