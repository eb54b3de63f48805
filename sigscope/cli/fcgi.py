"""``sigscope fcgi``: which FastCGI records pass, and would the front end answer 502?"""

from __future__ import annotations

import re

import click

from sigscope.analysis.fcgi.php import DEFAULT_HEADER, DEFAULT_LOG_LIMIT, Settings, Writer
from sigscope.cli.fcgi_simulate import LONGEST, LONGEST_SWEEP, Script, header_of, simulate
from sigscope.cli.options import history_option, json_option, target_arguments
from sigscope.decode.settings.choosing import size
from sigscope.errors import UsageError
from sigscope.kernel.passive import BPF, PTRACE

DEFAULT_BUFFER = 4096
"""nginx's own default is one page of memory: 4k on x86-64."""
FOLLOWING = (BPF, PTRACE)
LARGEST_BUFFER = 1 << 30
_RANGE = re.compile(r"(\d{1,9}):(\d{1,9})(?::(\d{1,9}))?", re.ASCII)
_LENGTH = click.IntRange(0, LONGEST)


@click.command(short_help="Which FastCGI records pass, and would nginx answer 502?")
@target_arguments(required=False)
@click.option(
    "--count", metavar="N", type=click.IntRange(1), default=None, help="End after N requests."
)
@click.option(
    "--for",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="End after that time.",
)
@click.option(
    "--from-pcap",
    "capture",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="The requests of a capture, of tcpdump on the worker's port.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    default=None,
    help="Of the capture, only what goes to and from the worker's port.",
)
@click.option("--simulate", "simulated", is_flag=True, help="No worker: an answer made up here.")
@click.option(
    "--nginx-buffer-size",
    "--buffer",
    "buffers",
    metavar="SIZE",
    multiple=True,
    help="nginx's fastcgi_buffer_size: 4k (the default). May be given several times.",
)
@click.option(
    "--stderr",
    "messages",
    metavar="LEN",
    type=_LENGTH,
    multiple=True,
    help="The script logs a message of LEN bytes (may be given several times).",
)
@click.option(
    "--header",
    metavar="LEN",
    type=_LENGTH,
    default=None,
    help=f"Bytes of the HTTP header, its empty line included (default: {len(DEFAULT_HEADER)}).",
)
@click.option("--before", metavar="LEN", type=_LENGTH, default=0, help="Output before it logs.")
@click.option(
    "--body", metavar="LEN", type=_LENGTH, default=2, show_default=True, help="Output at the end."
)
@click.option("--php-fpm", is_flag=True, help="Messages as php-fpm writes them, not php-cgi.")
@click.option("--raw", is_flag=True, help="LEN bytes of STDERR, with nothing of PHP's around them.")
@click.option(
    "--log-limit",
    metavar="BYTES",
    type=click.IntRange(512, 65535),
    default=DEFAULT_LOG_LIMIT,
    show_default=True,
    help="php-fpm's log_limit.",
)
@click.option(
    "--arrive",
    metavar="LEN,...",
    default=None,
    help="The answer arrives in pieces of these sizes, one after the other; the last repeats.",
)
@click.option(
    "--sweep",
    "swept",
    metavar="FROM:TO[:STEP]",
    default=None,
    help="Every length of the (first) message, as intervals.",
)
@click.option(
    "--engine",
    type=click.Choice(FOLLOWING),
    default=BPF,
    show_default=True,
    help="How a TARGET is followed: bpf stops nothing; ptrace is for one's own, and stops it"
    " twice at each system call.",
)
@history_option
@json_option
def fcgi(
    targets: tuple[str, ...],
    count: int | None,
    seconds: float | None,
    capture: str | None,
    port: int | None,
    simulated: bool,
    buffers: tuple[str, ...],
    messages: tuple[int, ...],
    header: int | None,
    before: int,
    body: int,
    php_fpm: bool,
    raw: bool,
    log_limit: int,
    arrive: str | None,
    swept: str | None,
    engine: str,
    history: str | None,
    as_json: bool,
) -> int:
    """Which FastCGI records pass to and from TARGET, and would nginx answer 502 for them?

    Reads only: TARGET, a worker or its master, is followed while it runs on (--engine ptrace
    slows it down).

    A worker sends the messages that a script logs before the page. nginx holds both in one
    buffer until it has seen the end of the header: "upstream sent too big header", 502,
    although the request was fully processed.

    \b
    sigscope fcgi php-fpm --for 60
    sigscope fcgi --from-pcap worker.pcap --buffer 4k
    sigscope fcgi --simulate --stderr 936 --header 66 --buffer 1k
    sigscope fcgi --simulate --php-fpm --log-limit 8192 --sweep 0:9000 --buffer 1k
    """
    given = [_size(text) for text in buffers]
    sizes = given or [DEFAULT_BUFFER]
    if bool(targets) + (capture is not None) + simulated != 1:
        raise UsageError(
            "give a TARGET, --from-pcap or --simulate, and one of them only",
            "sigscope fcgi php-fpm",
        )
    if targets:
        from sigscope.cli.fcgi_follow import follow

        return follow(targets, given, count, seconds, as_json, engine, history)
    if engine != BPF:
        raise UsageError("--engine is for a TARGET", "sigscope fcgi --engine ptrace php-fpm")
    if count is not None or seconds is not None:
        raise UsageError("--count and --for are for a TARGET", "sigscope fcgi php-fpm --for 60")
    if capture is not None:
        from sigscope.cli.fcgi_capture import from_capture

        return from_capture(capture, sizes, port, as_json, history)
    if history is not None:
        raise UsageError(
            "--history is for a TARGET or a capture", "sigscope fcgi --history FILE php-fpm"
        )
    if php_fpm and raw:
        raise UsageError("--php-fpm and --raw are at odds", "give one of them")
    writer = Writer.PHP_FPM if php_fpm else Writer.RAW if raw else Writer.PHP_CGI
    head = DEFAULT_HEADER if header is None else header_of(header)
    pieces = () if arrive is None else _pieces(arrive)
    script = Script(messages, before, body, Settings(writer, head, log_limit), pieces)
    return simulate(script, sizes, None if swept is None else _range(swept), as_json)


def _size(text: str) -> int:
    found = size(text)
    if found is None or not 0 < found <= LARGEST_BUFFER:
        raise UsageError(f"{text!r} is no size of a buffer", "as nginx writes it: 4k, 8192, 1m")
    return found


def _range(text: str) -> range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no range of lengths", "write it so: --sweep 0:9000")
    found = range(int(match[1]), int(match[2]) + 1, int(match[3] or 1) or 1)
    if not 0 < len(found) <= LONGEST_SWEEP or found[-1] > LONGEST:
        raise UsageError(f"{text} has {len(found)} lengths", f"1 to {LONGEST_SWEEP} may be swept")
    return found


def _pieces(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= LONGEST for part in parts):
        raise UsageError(f"{text!r} are no sizes of pieces", "write them so: --arrive 8,936,104")
    return tuple(map(int, parts))
