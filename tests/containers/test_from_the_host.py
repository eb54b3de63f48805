"""--container, tree --by container, and both numbers of a process, on real containers of runc."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import proc
from tests.harness.command import Said, sigscope
from tests.harness.containers import Container, namespace
from tests.harness.daemons import Daemon

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root here")
SHELL = ("sh", "-c", "sleep 901 & sleep 902 & wait")


@pytest.fixture(scope="module")
def box() -> Iterator[Container]:
    with Container(SHELL) as container:
        proc.eventually(lambda: len(proc.descendants(container.init)) == 2)
        yield container


def answer(run: Said) -> Any:
    assert run.status in (0, 1), run
    return json.loads(run.out)


def inside(container: Container) -> dict[int, int]:
    """Pid inside -> pid outside, as the kernel tells it."""
    pids = [container.init, *proc.descendants(container.init)]
    return {int(proc.status(pid)["NSpid"].split()[-1]): pid for pid in pids}


def test_a_pid_is_the_one_inside(box: Container) -> None:
    for number, pid in inside(box).items():
        told = answer(sigscope("pid", "--json", "--container", box.id, str(number)))
        assert [one["pid"] for one in told["processes"]] == [pid]
        assert told["processes"][0]["nspid"] == [pid, number]
        assert told["processes"][0]["container"]["id"] == box.id
        namespace = os.readlink(f"/proc/{pid}/ns/pid")
        assert namespace == f"pid:[{told['processes'][0]['pid_namespace']}]"


def test_a_pid_of_outside_is_not_taken_for_one_inside(box: Container) -> None:
    run = sigscope("pid", "--container", box.id[:12], str(box.init))
    assert run.status == 3
    assert f"docker container {box.id[:12]} has no process {box.init}" in run.err
    assert f"{box.init} outside is 1 in there" in run.err
    assert sigscope("pid", "--container", box.id, str(os.getpid())).status == 3


def test_a_thread_is_the_one_inside(box: Container) -> None:
    number, pid = next((a, b) for a, b in inside(box).items() if a != 1)
    told = answer(
        sigscope("explain", "TERM", f"{number}/{number}", "--json", "--container", box.id)
    )
    assert (told["explanations"][0]["pid"], told["explanations"][0]["tid"]) == (pid, pid)
    run = sigscope("explain", "TERM", f"{number}/{pid}", "--container", box.id)
    assert run.status == 3
    assert "has no thread" in run.err


def test_both_numbers_stand_on_every_screen(box: Container) -> None:
    number, pid = next((a, b) for a, b in inside(box).items() if a != 1)
    both = f"sleep {pid} ({number} in {box.id[:12]})"
    where = (str(number), "--container", box.id)
    for command in (
        ("pid", *where),
        ("tree", "--all", *where),
        ("explain", "TERM", *where),
        ("restart", *where),
        ("timers", *where),
        ("handlers", *where),
    ):
        assert both in sigscope(*command).out, command
    assert both in sigscope("unblock", "--dry-run", "ALRM", *where).out


def test_without_a_pid_it_is_all_of_it(box: Container) -> None:
    told = answer(sigscope("pid", "--json", "--container", box.id[:20]))
    assert {one["pid"] for one in told["processes"]} == set(inside(box).values())
    named = answer(sigscope("pid", "--json", "--container", box.id[:20], "sleep"))
    expected = {pid for number, pid in inside(box).items() if number != 1}
    assert {one["pid"] for one in named["processes"]} == expected
    missing = sigscope("pid", "--container", box.id, "nginx")
    assert missing.status == 3
    assert "it has: sh, sleep" in missing.err


def test_unblock_takes_the_init_of_the_container(box: Container) -> None:
    told = json.loads(sigscope("unblock", "-n", "ALRM", "--container", box.id, "--json").out)
    assert told["pid"] == box.init


def test_an_unknown_container_is_answered_with_those_there_are(box: Container) -> None:
    run = sigscope("pid", "--container", "no-such-container", "1")
    assert run.status == 3
    assert "no container is called 'no-such-container'" in run.err
    assert f"{box.id[:12]} (docker, 3 processes)" in run.err
    assert sigscope("pid", "--container", " ", "1").status == 2
    assert "--container needs" in sigscope("pid", "--container", "").err


@pytest.mark.parametrize(
    ("signal", "sender", "outcome"),
    [
        ("KILL", "--from-inside", "discarded"),
        ("KILL", "--from-outside", "terminated"),
        ("TERM", "--from-inside", "discarded"),
        ("TERM", "--from-outside", "discarded"),
        ("STOP", "--from-outside", "stopped"),
    ],
)
def test_the_init_is_spared_what_its_own_namespace_sends(
    box: Container, signal: str, sender: str, outcome: str
) -> None:
    told = answer(sigscope("explain", signal, sender, "--json", "--container", box.id, "1"))
    assert told["explanations"][0]["outcome"] == outcome


def test_seen_from_inside_pid_1_is_not_the_init_of_the_machine(box: Container) -> None:
    """The /proc of the container, mounted somewhere else: its PID 1 is no host's."""
    mounted = f"/proc/{box.init}/root/proc"
    for sender, outcome in (("inside", "discarded"), ("outside", "terminated")):
        words = ("explain", "KILL", f"--from-{sender}", "--json", "--procfs", mounted, "1")
        told = answer(sigscope(*words))
        assert told["explanations"][0]["outcome"] == outcome
        assert "the host" not in json.dumps(told["explanations"])


@pytest.fixture
def names() -> Iterator[Path]:
    """Where crun writes its configurations; left as it was found."""
    place = Path("/run/crun")
    before = set(place.iterdir()) if place.exists() else None
    place.mkdir(exist_ok=True)
    yield place
    for path in set(place.iterdir()) - (before or set()):
        shutil.rmtree(path)
    if before is None:
        place.rmdir()


def called(place: Path, container: Container, text: str) -> None:
    (place / container.id).mkdir()
    (place / container.id / "config.json").write_text(text)


def test_names_are_those_that_the_runtime_wrote_down(names: Path, tmp_path: Path) -> None:
    with Container(SHELL) as one, Container(["sleep", "903"]) as two:
        for name, container in (("web-1", one), ("web-2", two)):
            notes = {
                "io.kubernetes.cri.container-name": name,
                "io.kubernetes.cri.sandbox-name": "shop-5d9f",
                "io.kubernetes.cri.sandbox-namespace": "prod",
            }
            called(names, container, json.dumps({"annotations": notes}))
        run = sigscope("pid", "--container", "web-2", "1")
        assert run.out.startswith(f"sleep {two.init} (1 in web-2)")
        assert "docker container web-2 of pod prod/shop-5d9f" in run.out.replace("\n  ", " ")
        told = answer(sigscope("pid", "--json", "--container", "shop-5d9f/web-1", "1"))
        container = told["processes"][0]["container"]
        assert (container["name"], container["pod"]) == ("web-1", "prod/shop-5d9f")
        several = sigscope("pid", "--container", "web", "1")
        assert several.status == 2
        assert "'web' may mean 2 containers" in several.err
        assert f"web-1 = {one.id[:12]}" in several.err
        assert sigscope("pid", "--container", "shop-5d9f").status == 2
        file = tmp_path / "snapshot.gz"
        assert sigscope("snapshot", "-o", str(file), "--container", "web-2").status == 0
        kept = sigscope("pid", "--from", str(file), "--container", "web-2", "1")
        assert "(1 in web-2)" in kept.out


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 9999, '{"annotations": {"nerdctl/name": "\\u001b[31m\\u202e\\n"}}']
)
def test_a_hostile_file_of_a_runtime_does_no_harm(names: Path, box: Container, text: str) -> None:
    called(names, box, text)
    run = sigscope("pid", "--container", box.id, "1")
    assert run.status == 0
    assert "\x1b" not in run.out
    assert run.out.splitlines()[0].startswith(f"sh {box.init} (1 in ")


def test_a_link_out_of_the_runtimes_folder_leads_nowhere(names: Path, box: Container) -> None:
    """Links are followed within the root of PID 1 only, and what is no file is not opened."""
    (names / box.id).mkdir()
    (names / box.id / "config.json").symlink_to("/proc/self/environ")
    assert sigscope("pid", "--container", box.id, "1").status == 0


def test_the_hostname_of_a_container_finds_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "hostname").write_text("shop-web-7\n")

    def with_hostname(config: dict[str, Any]) -> None:
        config["mounts"].append(
            {"destination": "/etc", "source": str(folder), "type": "bind", "options": ["bind"]}
        )

    with Container(["sleep", "904"], change=with_hostname) as container:
        told = answer(sigscope("pid", "--json", "--container", "shop-web-7", "1"))
        assert told["processes"][0]["pid"] == container.init
        assert told["processes"][0]["container"]["hostname"] == "shop-web-7"
        secret = tmp_path / "secret"
        secret.write_text("not-of-the-container")
        (folder / "hostname").unlink()
        (folder / "hostname").symlink_to(secret)  # leads out of its root
        told = answer(sigscope("pid", "--json", "--container", container.id, "1"))
        assert told["processes"][0]["container"]["hostname"] is None


def test_a_runtime_that_we_do_not_know_is_told_by_its_cgroup() -> None:
    place = f"sigscope-tests-{os.getpid()}-odd"
    with Container(["sleep", "905"], cgroup=place) as container:
        told = answer(sigscope("pid", "--json", str(container.init)))["processes"][0]
        assert (told["container"]["runtime"], told["container"]["id"]) == ("unknown", container.id)
        again = answer(sigscope("pid", "--json", "--container", container.id[:9], "1"))
        assert again["processes"][0]["pid"] == container.init


def test_a_pid_namespace_alone_is_told_by_its_number() -> None:
    with namespace("sleep", "906") as init:
        number = os.readlink(f"/proc/{init}/ns/pid").strip("pid:[]")
        told = answer(sigscope("pid", "--json", "--container", number, "1"))["processes"][0]
        assert (told["pid"], told["container"]) == (init, None)
        assert str(told["pid_namespace"]) == number
        screen = sigscope("tree", "--by", "container").out
        assert f"pid namespace {number} · 1 process · init sleep {init}" in screen


def test_all_containers_stand_in_one_tree(box: Container) -> None:
    with Container(["sleep", "907"]) as other:
        told = answer(sigscope("tree", "--by", "container", "--json"))
        groups = {one["id"]: one for one in told["containers"]}
        assert groups[other.id]["pids"] == [other.init]
        assert groups[other.id]["inside"] == [1]
        mine = groups[box.id]
        assert mine["init"] == box.init
        assert dict(zip(mine["inside"], mine["pids"], strict=True)) == inside(box)
        screen = sigscope("tree", "--by", "container").out
        for container in (box, other):
            assert f"docker container {container.id[:12]} · " in screen
        only = sigscope("tree", "--by", "container", "--all", str(other.init)).out
        assert box.id[:12] not in only
        assert f"sleep {other.init} (1 in {other.id[:12]})" in only


def test_a_process_deeper_inside_has_a_number_for_each_namespace() -> None:
    def may_unshare(config: dict[str, Any]) -> None:
        held = ["CAP_SYS_ADMIN"]
        config["process"]["capabilities"] = {
            "bounding": held,
            "effective": held,
            "permitted": held,
        }

    with Container(["unshare", "--pid", "--fork", "sleep", "908"], change=may_unshare) as container:
        proc.eventually(lambda: len(proc.descendants(container.init)) == 1)
        (pid,) = proc.descendants(container.init)
        proc.eventually(lambda: proc.name(pid) == "sleep")
        number = int(proc.status(pid)["NSpid"].split()[1])
        run = sigscope("pid", "--container", container.id, str(number))
        assert run.out.startswith(f"sleep {pid} ({number} then 1 in {container.id[:12]})")


def test_containers_that_come_and_go_disturb_nobody() -> None:
    script = "while :; do unshare --pid --fork --mount-proc sh -c 'sleep 0.02 & sleep 0.01'; done"
    with Daemon(["sh", "-c", f"{script} & {script}"]):
        for words in 6 * [("tree", "--by", "container", "--json"), ("pid", "--container", "x")]:
            run = sigscope(*words)
            assert run.status in (0, 1, 3), run
            assert "Traceback" not in run.err


def test_completion_knows_the_containers(box: Container) -> None:
    environment = {
        **os.environ,
        "_SIGSCOPE_COMPLETE": "bash_complete",
        "COMP_WORDS": f"sigscope pid --container {box.id[:6]}",
        "COMP_CWORD": "3",
    }
    words = [sys.executable, "-m", "sigscope"]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
    assert box.id[:12] in run.stdout
