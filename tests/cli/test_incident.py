"""The story that the tool exists for: a hung hping3, started by a thread of a uWSGI worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.harness.command import sigscope, told_alike
from tests.harness.uwsgi import Healthy, Incident


def test_one_screen_names_the_signal_the_thread_and_the_next_command(
    uwsgi_incident: Incident,
) -> None:
    said = sigscope("pid", uwsgi_incident.hung)
    assert said.status == 1
    words = " ".join(said.out.split())
    worker, thread = uwsgi_incident.worker, uwsgi_incident.forker
    assert "ERROR SIGALRM is pending and blocked in its only thread" in words
    assert f"inherited from uwsgi_python3 {worker}, thread {thread}, which forked it" in words
    assert "3 of its 4 threads block 60 signals" in words
    assert f"now: sigscope unblock ALRM {uwsgi_incident.hung}" in words
    assert len(said.out.splitlines()) <= 40, "one screen"
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_same_in_json(uwsgi_incident: Incident) -> None:
    document = sigscope("pid", uwsgi_incident.hung, "--json").document
    assert document["schema"] == "sigscope/1"
    finding = document["findings"][0]
    assert (finding["id"], finding["severity"]) == ("blocked-pending", "error")
    assert finding["signals"] == ["SIGALRM"]
    (line,) = (line for line in document["lineage"] if line["signal"] == "SIGALRM")
    assert line["confidence"] == "exact"
    assert line["origin"]["pid"] == uwsgi_incident.worker
    assert line["origin"]["tid"] == uwsgi_incident.forker
    assert (line["origin"]["threads_blocking"], line["origin"]["threads"]) == (3, 4)


def test_the_tree_shows_where_the_mask_enters(uwsgi_incident: Incident) -> None:
    said = sigscope("tree", uwsgi_incident.worker, columns=120)
    assert said.status == 1
    words = " ".join(said.out.replace("│", " ").split())
    threads = " ".join(str(tid) for tid in uwsgi_incident.threads[1:])
    assert f"3 of 4 threads block 60 signals ({threads})" in words
    assert f"inherits that: {uwsgi_incident.hung} did" in words
    assert f"hping3 {uwsgi_incident.hung} · from thread {uwsgi_incident.forker}" in words


def test_the_whole_host_shows_the_branch(uwsgi_incident: Incident) -> None:
    document = sigscope("tree", "--json").document
    assert uwsgi_incident.hung in {finding["pid"] for finding in document["findings"]}


def test_a_snapshot_gives_the_same_answer_elsewhere(
    uwsgi_incident: Incident, tmp_path: Path
) -> None:
    file = tmp_path / "incident"

    def told(*words: str) -> dict[str, Any]:
        document = sigscope("pid", uwsgi_incident.hung, "--json", *words).document
        del document["processes"][0]["queue"]  # it is that of the user, and grows with others
        return {name: document[name] for name in ("findings", "lineage", "processes")}

    def recorded() -> dict[str, Any]:
        assert sigscope("snapshot", "-o", file.as_posix()).status == 0
        return told("--from", file.as_posix())

    told_alike(told, recorded)


def test_nothing_bad_is_said_of_a_worker_without_threads(uwsgi_unthreaded: Healthy) -> None:
    service = uwsgi_unthreaded.service
    for pid in (service.worker, uwsgi_unthreaded.child):
        said = sigscope("pid", pid, "--json")
        assert said.status == 0
        assert {finding["severity"] for finding in said.document["findings"]} <= {"note"}
    assert "nothing wrong" in sigscope("pid", uwsgi_unthreaded.child).out
