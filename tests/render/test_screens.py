"""Whole screens of answers made by hand, line by line, and their width."""

from __future__ import annotations

from typing import Any

import pytest

from sigscope.analysis.tree import grow
from sigscope.model.signals import SignalSet
from sigscope.render.decode import decoded_lines
from sigscope.render.line import Role
from sigscope.render.pid import process_screen
from sigscope.render.signal_table import HEADERS
from sigscope.render.tree import tree_lines
from tests.analysis.makers import signals
from tests.render.scenes import MOST, every_line, incident

WIDTHS = (40, 80, 200)


def screen(pid: int, width: int = 80, **options: Any) -> list[str]:
    answer = incident()
    lines = process_screen(answer, answer.host.processes[pid], width, **options)
    return [str(line) for line in lines]


def test_the_stuck_process_is_told_with_its_finding_first_and_the_table_below() -> None:
    shown = screen(20)
    assert shown[0].startswith("hping3 20 · sleeping in poll(…, -1) · root")
    assert "started by uwsgi 10, thread 12" in " ".join(shown[:3])
    assert "  hping3 -c 1" in shown[:4]
    errors = [line for line in shown if line.startswith("ERROR")]
    assert len(errors) == 1
    assert errors[0].startswith("ERROR    SIGALRM is pending and blocked in its only thread:")
    assert any("inherited from uwsgi 10, thread 12, which forked it" in line for line in shown)
    assert "         now:      sigscope unblock ALRM 20" in shown
    table = [line.split("  ") for line in shown[shown.index("") :] if line.count("  ") > 3]
    rows = [[part.strip() for part in row if part] for row in table]
    begin = rows.index(list(HEADERS))
    assert rows[begin + 1] == ["SIGALRM", "handler", "yes", "process", "uwsgi 10/12"]
    assert shown[-1] == "signals queued for user root, in all processes: 63000 of 63458"


def test_a_zombie_a_kernel_thread_and_a_healthy_process_say_so() -> None:
    assert any("a zombie" in line and "uwsgi 10" in line for line in screen(21))
    assert any("a kernel thread" in line for line in screen(2))
    assert "nothing wrong with its signals" in screen(1)
    assert screen(1)[-1] == "all signals: default and open (--all lists them)"


def test_masks_that_were_not_read_are_never_fine() -> None:
    shown = "\n".join(screen(23))
    assert "not assessed" in shown
    assert "nothing wrong" not in shown
    assert "not known" in shown


def test_the_signalfd_that_takes_a_signal_is_named() -> None:
    assert any("yes, signalfd 5" in line for line in screen(24))


def test_all_lists_every_signal_on_a_line_of_its_own() -> None:
    shown = screen(20, everything=True)
    named = [line.split()[0] for line in shown if line.startswith("SIG")]
    assert len(named) == len(set(named)) == 64
    assert [named[0], named[8], named[31], named[63]] == [
        "SIGHUP",
        "SIGKILL",
        "SIGCANCEL",
        "SIGRTMIN+30",
    ]


def test_threads_are_listed_with_what_they_block() -> None:
    shown = screen(10, threads=True)
    assert "  11  worker: sleeping" in shown
    assert "  10  worker: sleeping, main thread" in shown
    assert sum("all but SIGKILL SIGSTOP SIGCANCEL" in line for line in shown) == 3
    assert "      blocked: none" in shown


def test_the_tree_draws_twigs_and_names_the_source() -> None:
    answer = incident()
    branches = grow(answer, (1, 10, 20, 22), (10,))
    shown = [str(line) for line in tree_lines(answer, branches, 200)]
    assert shown[0] == "init 1"
    assert shown[1].startswith("└─ uwsgi 10 · 4 threads")
    assert shown[2] == (
        "   │  3 of 4 threads block 60 signals (11 12 13); what they start inherits that: 20 did"
    )
    assert any(line.startswith("   ├─ hping3 20 · from thread 12") for line in shown)
    assert any(line.startswith("   └─ hping3 22") for line in shown)
    assert any(line.startswith("   │     ERROR    SIGALRM") for line in shown)


def test_decoded_masks_are_aligned_and_a_full_one_is_told_by_what_it_lacks() -> None:
    rows = [("SigBlk", MOST), ("SigCgt", signals("INT", "ALRM")), ("ShdPnd", SignalSet())]
    assert [str(line) for line in decoded_lines(rows, 100)] == [
        "SigBlk  fffffffe7ffbfeff  all but SIGKILL SIGSTOP SIGCANCEL SIGSETXID",
        "SigCgt  0000000000002002  SIGINT SIGALRM",
        "ShdPnd  0000000000000000  none",
    ]
    assert str(next(decoded_lines([(None, signals("INT"))], 80))) == "0000000000000002  SIGINT"


@pytest.mark.parametrize("width", WIDTHS)
def test_findings_gaps_and_masks_keep_to_the_width(width: int) -> None:
    """Tables, commands that are to be copied, and one long word have a right to be longer."""
    answer = incident()
    lines = list(process_screen(answer, answer.host.processes[20], width))
    for line in lines[1:]:
        text = str(line)
        copied = any(span.role in (Role.COMMAND, Role.FAINT) for span in line.spans)
        in_table = text.startswith(("SIG", "signal", "the other", "signals queued"))
        if not copied and not in_table:
            assert len(text) <= width, text


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_but_commands_and_tables_is_longer_than_the_width(width: int) -> None:
    for line in every_line(incident(), width):
        text = str(line)
        copied = any(span.role is Role.COMMAND for span in line.spans)
        indented = len(text) - len(text.lstrip()) > width - 20
        if not copied and not indented and "  " not in text.strip():
            assert len(text) <= width, text
