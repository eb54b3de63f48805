"""Trees in tests/procfs, written by hand in the kernel's form: what cannot be made here.

``gvisor`` has no Sig lines in any status file, and no syscall, fd or children;
``truncated`` has one status file of four that ends within its masks.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sigscope.errors import DecodeError, NoSuchTarget
from sigscope.kernel.closer import look_closer
from sigscope.kernel.process import read_status
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_host
from tests.kernel.command import answer, sigscope

TREES = Path(__file__).parent.parent / "procfs"
GVISOR, TRUNCATED = TREES / "gvisor", TREES / "truncated"


def test_a_sandbox_without_sig_lines_is_read_and_its_masks_are_missing() -> None:
    host = read_host(ProcFS(str(GVISOR)))
    assert (host.name, sorted(host.processes)) == ("sandbox", [1, 7])
    server = host.processes[7]
    assert (server.comm, server.ppid, len(server.threads)) == ("server", 1, 2)
    assert server.blocked_by_all is server.blocked_by_some is None
    assert server.pending is server.ignored is server.caught is None
    assert all(thread.blocked is None for thread in server.threads)
    (gap,) = server.gaps
    assert gap.what == "signal masks of 7"
    assert "gVisor" in gap.why
    assert gap.hint


def test_a_sandbox_is_never_called_fine() -> None:
    shown = sigscope("pid", 7, "--procfs", GVISOR)
    assert shown.returncode == 0
    assert b"not assessed" in shown.stdout
    assert b"nothing wrong" not in shown.stdout
    assert b"no Sig lines" in shown.stderr
    assert b"default and open" not in shown.stdout


def test_a_sandboxs_json_has_null_where_nothing_is_known() -> None:
    (process,) = answer("pid", 7, "--procfs", GVISOR)["processes"]
    for name in ("blocked_by_all", "blocked_by_some", "pending", "ignored", "caught", "signalfds"):
        assert process[name] is None
    assert process["cmdline"] == ["server", "--port", "80"]


def test_the_tree_of_a_sandbox_is_not_called_fine() -> None:
    shown = sigscope("tree", "--procfs", GVISOR)
    assert b"nothing wrong" not in shown.stdout


def test_files_that_a_sandbox_does_not_have_are_gaps_with_a_reason() -> None:
    procfs = ProcFS(str(GVISOR))
    host = look_closer(procfs, read_host(procfs), (7,))
    gaps = {gap.what: gap for gap in host.processes[7].gaps}
    assert set(gaps) >= {"fd of 7", "task/7/syscall of 7"}
    assert all(gap.why for gap in gaps.values())


def test_one_damaged_status_file_costs_that_process_and_no_other() -> None:
    host = read_host(ProcFS(str(TRUNCATED)))
    assert sorted(host.processes) == [1, 10, 12]
    (gap,) = [gap for gap in host.gaps if gap.what == "process 11"]
    assert "cut off" in gap.why
    assert 15 in (host.processes[12].blocked_by_all or ())


def test_the_damaged_process_itself_is_an_error_that_says_why() -> None:
    procfs = ProcFS(str(TRUNCATED))
    with pytest.raises(DecodeError, match="cut off"):
        read_status(procfs, 11)
    with pytest.raises(NoSuchTarget):
        read_status(procfs, 13)
    done = sigscope("pid", 11, "--procfs", TRUNCATED)
    assert (done.returncode, done.stdout) == (5, b"")
    assert b"cut off" in done.stderr


def test_others_are_answered_beside_the_damaged_one() -> None:
    done = sigscope("pid", 10, 11, 12, "--procfs", TRUNCATED)
    assert done.returncode == 5
    assert b"nginx 10" in done.stdout
    assert b"nginx 12" in done.stdout
    assert b"cut off" in done.stderr


def test_others_of_its_name_are_answered_beside_the_damaged_one() -> None:
    done = sigscope("pid", "--json", "nginx", "--procfs", TRUNCATED)
    assert b'"pid": 12' in done.stdout


def test_processes_of_one_name_without_masks_are_not_called_fine(tmp_path: Path) -> None:
    """Two of one name in a sandbox: neither could be assessed."""
    shutil.copytree(GVISOR, tmp_path / "proc")
    twin = Path(shutil.copytree(GVISOR / "7", tmp_path / "proc" / "9"))
    (twin / "task" / "7").rename(twin / "task" / "9")
    for status in twin.rglob("status"):
        status.write_text(status.read_text().replace("id:\t7\n", "id:\t9\n"))
    shown = sigscope("pid", "server", "--procfs", tmp_path / "proc")
    assert b"nothing wrong" not in shown.stdout
