"""``sigscope audit``: what is wrong on this host?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import click

from sigscope import __version__
from sigscope.analysis import tree as growing
from sigscope.analysis.audit import RULES
from sigscope.analysis.audit.judge import confirmed, doubtful, judge, needed, waived
from sigscope.analysis.audit.scene import Scene
from sigscope.cli.look import PAUSES
from sigscope.cli.options import (
    engine_option,
    fail_on_option,
    json_option,
    source_options,
    target_arguments,
)
from sigscope.cli.output import put, put_json, put_remarks, width
from sigscope.cli.progress import Progress
from sigscope.cli.source import open_source
from sigscope.cli.target import resolve_all
from sigscope.decode.waivers import parse_waiver, parse_waivers
from sigscope.errors import ExitStatus, SigscopeError, UsageError
from sigscope.kernel.details import read_machine
from sigscope.kernel.further import read_again, read_further
from sigscope.kernel.placement import read_placements
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from sigscope.model.audit import Audit, Waiver
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Severity
from sigscope.model.host import Host
from sigscope.model.value import dataclass
from sigscope.render.audit import audit_document, audit_lines, rule_document, rule_lines
from sigscope.render.gaps import gap_count, gap_lines
from sigscope.render.line import Line
from sigscope.render.nagios import headed, nagios_line, nagios_state
from sigscope.render.sarif import sarif

IDS = tuple(rule.id for rule in RULES)
LONGEST_CONFIG = 1 << 20
CONFIG = "it holds a section [ID] or [ID:PROGRAM] for each, and in it: reason = ..."
PROBLEM, UNKNOWN = 1, 2
"""Of node-problem-detector's custom plugins; 0 is "no problem"."""
NAGIOS_UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Style:
    """How the answer is written, and what the exit status means."""

    form: str
    npd: bool
    fail_on: Severity
    everything: bool


@click.command(short_help="What is wrong on this host?")
@target_arguments(required=False)
@click.option("-a", "--all", "everything", is_flag=True, help="Show the notes, and every gap.")
@json_option
@click.option("--sarif", "as_sarif", is_flag=True, help="Answer in SARIF 2.1.0.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "nagios")),
    default="text",
    show_default=True,
    help="nagios: one line with performance data, exit status 0 to 3.",
)
@click.option(
    "--exit-style",
    type=click.Choice(("sigscope", "npd")),
    default="sigscope",
    show_default=True,
    help="npd: 0 no problem, 1 a problem, 2 unknown (node-problem-detector).",
)
@fail_on_option
@click.option("--ignore", metavar="ID[:PROGRAM]", multiple=True, help="Leave this finding out.")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Findings that are accepted, each with a reason.",
)
@click.option("--list-checks", is_flag=True, help="Show what is checked, and exit.")
@engine_option
@source_options
def audit(
    targets: tuple[str, ...],
    everything: bool,
    as_json: bool,
    as_sarif: bool,
    form: str,
    exit_style: str,
    fail_on: str,
    ignore: tuple[str, ...],
    config: str | None,
    list_checks: bool,
    engine: str,
    procfs: str,
    snapshot: str | None,
) -> int:
    """What is wrong with the signals of this host? Every check on every process.

    Reads only. Findings by service (container, systemd unit, else program), the worst
    first. With a TARGET, that process and all its descendants.

    \b
    sigscope audit                     the whole host
    sigscope audit --from FILE         a recorded one
    sigscope audit --list-checks       what is looked for
    """
    chosen = [name for name, given in (("json", as_json), ("sarif", as_sarif)) if given]
    if len(chosen) + (form != "text") > 1:
        raise UsageError("--json, --sarif and --format exclude each other", "choose one of them")
    if list_checks:
        return _list_checks(as_json)
    form = chosen[0] if chosen else form
    style = Style(form, exit_style == "npd", Severity(fail_on), everything)

    def ask() -> int:
        ignored = [parse_waiver(word, IDS, where="--ignore: ") for word in ignore]
        accepted = _accepted(config)
        source = open_source(procfs, snapshot, engine)
        found, status = resolve_all(source, targets)
        if targets and not found:
            return _nobody(style, status)
        answer = _look(source, {target.pid for target in found})
        return _show(waived(answer, ignored, accepted), style, status)

    return _guarded(ask, style)


def _guarded(ask: Callable[[], int], style: Style) -> int:
    """A monitoring system takes every failure for a verdict, unless it is told otherwise."""
    if style.form != "nagios" and not style.npd:
        return ask()
    try:
        return ask()
    except SigscopeError as error:
        put([Line.of(headed(NAGIOS_UNKNOWN, error.message))])
        return UNKNOWN if style.npd else NAGIOS_UNKNOWN


def _accepted(config: str | None) -> tuple[Waiver, ...]:
    if config is None:
        return ()
    try:
        with open(config, encoding="utf-8") as file:
            text = file.read(LONGEST_CONFIG)
    except OSError as error:
        raise UsageError(f"cannot read {config}: {error.strerror}", CONFIG) from None
    except UnicodeDecodeError:
        raise UsageError(f"{config}: this is not text in UTF-8", CONFIG) from None
    return parse_waivers(text, config, IDS)


def _look(source: ProcFS, pids: set[int]) -> Audit:
    """The whole host, or these processes with all that came from them."""
    with Progress("reading the host") as progress:
        host = read_host(source, progress)
    audited = frozenset(host.processes)
    if pids:
        audited = growing.with_descendants(Diagnosis(host, (), (), (), ()), pids)
    return _examine(source, host, audited)


def _examine(source: ProcFS, host: Host, pids: frozenset[int]) -> Audit:
    """What is more than a note rests on several looks; a recorded host is as it is."""
    host = read_machine(source, read_placements(source, host, host.processes))
    answer = judge(_prepared(source, Scene(host, pids)))
    for pause in PAUSES if source.live else ():
        again = doubtful(answer)
        if not again:
            break
        time.sleep(pause)
        later = read_again(source, host, again)
        answer = confirmed(
            answer, judge(_prepared(source, Scene(later, again, before=answer.host)))
        )
    return answer


def _prepared(source: ProcFS, scene: Scene) -> Scene:
    """With all that the checks ask for, read of those whom it concerns."""
    host = read_further(source, scene.host, **needed(scene).by_name())
    return Scene(host, scene.audited, scene.before)


def _show(answer: Audit, style: Style, status: int) -> int:
    """Write the answer; the exit status."""
    if style.form == "nagios":
        state = NAGIOS_UNKNOWN if status else 0
        state = nagios_state(answer, style.fail_on) or state
        put([Line.of(nagios_line(answer, state))])
        return _npd(answer, style, status) if style.npd else state
    if style.form == "json":
        put_json(audit_document(answer))
    elif style.form == "sarif":
        put_json(sarif(answer, RULES, __version__))
    else:
        put(audit_lines(answer, width(), style.everything))
        gaps = answer.gaps
        put_remarks(gap_lines(gaps, width()) if style.everything else gap_count(gaps))
    if style.npd:
        return _npd(answer, style, status)
    return max(status, int(answer.reaches(style.fail_on)))


def _npd(answer: Audit, style: Style, status: int) -> int:
    if answer.reaches(style.fail_on):
        return PROBLEM
    return UNKNOWN if status or answer.unknown else int(ExitStatus.FINE)


def _nobody(style: Style, status: int) -> int:
    """None of the targets is there; that was said on standard error."""
    if style.form == "nagios":
        put([Line.of(headed(NAGIOS_UNKNOWN, "no such target"))])
    if style.npd:
        return UNKNOWN
    return NAGIOS_UNKNOWN if style.form == "nagios" else status


def _list_checks(as_json: bool) -> int:
    if as_json:
        here = Host(os.uname().nodename, time.time(), 0.0, 0, engines=())
        put_json(rule_document(RULES, here))
    else:
        put(rule_lines(RULES, width()))
    return int(ExitStatus.FINE)
