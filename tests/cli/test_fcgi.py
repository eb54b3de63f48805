"""``sigscope fcgi``: what it says, and what it says when it cannot."""

from __future__ import annotations

import pytest

from tests.harness.command import sigscope

SIMULATE = ("fcgi", "--simulate")


def test_the_incident_is_told_and_is_a_no() -> None:
    said = sigscope(*SIMULATE, "--stderr", 936, "--header", 66, "--buffer", "1k")
    assert said.status == 1
    assert "fastcgi_buffer_size 1k: 502" in said.out
    assert '"upstream sent too big header": after 1024 bytes' in said.out
    assert "no signal is to blame" in said.out
    assert "none with 2k, 4k, 8k" in said.out
    assert said.err == ""


def test_one_byte_less_is_fine() -> None:
    said = sigscope(*SIMULATE, "--stderr", 935, "--header", 66, "--buffer", "1k")
    assert said.status == 0
    assert "fastcgi_buffer_size 1k: 200" in said.out
    assert "no signal is to blame" not in said.out


def test_a_race_is_told_as_one_and_in_json_has_no_status() -> None:
    words = (*SIMULATE, "--php-fpm", "--log-limit", 65535, "--stderr", 8163, "--buffer", "1k")
    said = sigscope(*words)
    assert said.status == 1
    assert "fastcgi_buffer_size 1k: 200 or 502" in said.out
    assert "depends on whether nginx reads between two writes" in said.out
    (front,) = sigscope(*words, "--json").document["simulated"]["front_ends"]
    assert (front["status"], front["says"]) == (None, "200 or 502")
    assert {one["reason"] for one in front["outcomes"]} == {None, "upstream sent too big header"}


def test_a_sweep_prints_the_intervals() -> None:
    words = (*SIMULATE, "--php-fpm", "--log-limit", 65535, "--sweep", "0:3100", "--buffer", "1k")
    said = sigscope(*words)
    assert said.status == 0
    assert " 924 - 1002  502  (79 lengths)" in said.out
    (swept,) = sigscope(*words, "--json").document["sweeps"]
    bad = [(one["first"], one["last"]) for one in swept["intervals"] if one["says"] == "502"]
    assert bad == [(924, 1002), (1948, 2026), (2972, 3050)]


def test_with_its_default_limit_php_fpm_makes_every_longer_message_a_502() -> None:
    said = sigscope(*SIMULATE, "--php-fpm", "--sweep", "0:5000", "--buffer", "1k", "--json")
    (swept,) = said.document["sweeps"]
    assert [(one["first"], one["says"]) for one in swept["intervals"]] == [(0, "200"), (924, "502")]


def test_pieces_that_arrive_apart_are_no_race() -> None:
    words = (*SIMULATE, "--raw", "--stderr", 1015, "--buffer", "1k", "--header", 30)
    assert "1k: 502" in sigscope(*words).out
    assert "1k: 200" in sigscope(*words, "--arrive", "1000,100").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fcgi",), "give a TARGET, --from-pcap or --simulate"),
        ((*SIMULATE, "--buffer", "4kb"), "'4kb' is no size of a buffer"),
        ((*SIMULATE, "--buffer", "0"), "'0' is no size"),
        ((*SIMULATE, "--sweep", "9:0"), "9:0 has 0 lengths"),
        ((*SIMULATE, "--sweep", "0:99999999"), "lengths"),
        ((*SIMULATE, "--sweep", "all"), "'all' is no range"),
        ((*SIMULATE, "--header", "3"), "no header has 3 bytes"),
        ((*SIMULATE, "--arrive", "8,0"), "no sizes of pieces"),
        ((*SIMULATE, "--php-fpm", "--raw"), "at odds"),
        ((*SIMULATE, "--log-limit", "100"), "512"),
        ((*SIMULATE, "--stderr", "-1"), "-1"),
    ],
)
def test_words_that_do_not_fit_are_a_usage_error(words: tuple[str, ...], said: str) -> None:
    ran = sigscope(*words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
