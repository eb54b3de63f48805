"""The names of signals, against those of the C library and of the shell."""

from __future__ import annotations

import signal as libc
import subprocess
from pathlib import Path

import pytest

from sigscope.model.signals import ALIASES, NAMES, NUMBERS, Signal
from tests.harness.build import compiler
from tests.model.strategies import NUMBERS as ALL

ABBREVIATIONS = """
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
    for (int number = 1; number <= 64; number++) {
        const char *name = sigabbrev_np(number);
        if (name)
            printf("%d %s\\n", number, name);
    }
    printf("%d RTMIN\\n%d RTMAX\\n", SIGRTMIN, SIGRTMAX);
}
"""


@pytest.fixture(scope="module")
def abbreviations(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """What glibc calls each signal, by number."""
    gcc = compiler()
    if gcc is None:
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    source: Path = tmp_path_factory.mktemp("names") / "names.c"
    source.write_text(ABBREVIATIONS)
    program = source.with_suffix("")
    built = subprocess.run([gcc, "-o", str(program), str(source)], capture_output=True, check=False)
    if built.returncode:
        pytest.skip("this C library has no sigabbrev_np (glibc has it since 2.32)")
    rows = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")
    pairs = [row.split() for row in rows if row]
    return {int(number): name for number, name in pairs}


def test_names_are_those_of_the_c_library(abbreviations: dict[int, str]) -> None:
    """But for two: kill(1) and signal(7) put IO before POLL, and we count up from RTMIN."""
    ours = {number: Signal(number).short for number in abbreviations}
    assert ours == {**abbreviations, Signal.named("SIGIO"): "IO", 64: "RTMIN+30"}


def test_every_name_of_the_c_library_is_understood(abbreviations: dict[int, str]) -> None:
    for number, name in abbreviations.items():
        assert Signal.named(f"SIG{name}") == number


def test_numbers_are_those_of_the_standard_library() -> None:
    for member in libc.Signals:
        assert Signal.named(member.name) == member.value
    for name, member in libc.Signals.__members__.items():
        assert Signal.named(name) == member.value


def test_the_shell_calls_them_the_same() -> None:
    """bash counts the upper half of the real-time signals from RTMAX."""
    numbers = [*range(1, 32), *range(34, 50)]
    asked = ["bash", "-c", 'kill -l "$@"', "bash", *map(str, numbers)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert told == [Signal(number).short for number in numbers]


def test_each_of_the_64_has_a_name_of_its_own_that_leads_back() -> None:
    assert sorted(NAMES) == list(ALL)
    assert len(set(NAMES.values())) == 64
    for number in ALL:
        signal = Signal(number)
        assert Signal.named(signal.name) == NUMBERS[signal.name] == number
        assert signal.name == f"SIG{signal.short}"
        assert repr(signal) == str(signal) == f"<{signal.name}>"


def test_aliases_lead_to_the_preferred_name() -> None:
    assert {alias: Signal.named(alias).name for alias in ALIASES} == ALIASES


def test_a_name_that_there_is_not_is_a_key_error() -> None:
    for name in ("SIGTREM", "TERM", "sigterm", "", "SIGRTMIN+31"):
        with pytest.raises(KeyError):
            Signal.named(name)


def test_signals_that_describe_themselves_to_the_c_library_are_real() -> None:
    """strsignal() knows each of 1 to 31, so none of them may be an invented name of ours."""
    for number in range(1, 32):
        assert libc.strsignal(number)
        assert not Signal(number).name.removeprefix("SIG").isdigit()
