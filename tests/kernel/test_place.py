"""A place that is recorded: its files below another root, with what this machine does not have."""

from __future__ import annotations

import gzip
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sigscope.kernel.access import process_doors
from sigscope.kernel.equipment import OPTIONS, read_equipment
from sigscope.kernel.other import read_other
from sigscope.kernel.place import here, read_place
from sigscope.model.access import Door, Layer
from sigscope.model.place import Surroundings
from tests.kernel.test_access import ALL

STATUS = """\
Name:\t{name}
Umask:\t0022
State:\tS (sleeping)
Tgid:\t{pid}
Pid:\t{pid}
PPid:\t{ppid}
TracerPid:\t{tracer}
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
Gid:\t{uid}\t{uid}\t{uid}\t{uid}
Groups:\t{uid}
NSpid:\t{pid}
SigQ:\t0/100
SigPnd:\t0000000000000000
ShdPnd:\t0000000000002000
SigBlk:\t0000000000002000
SigIgn:\t0000000000000000
SigCgt:\t0000000000002000
CapInh:\t0000000000000000
CapPrm:\t{caps:016x}
CapEff:\t{caps:016x}
CapBnd:\t{bounding:016x}
NoNewPrivs:\t0
Seccomp:\t{seccomp}
Seccomp_filters:\t{filters}
"""
FIRST = {"user": 4026531837, "pid": 4026531836, "uts": 4026531838, "ipc": 4026531839}


def write(root: Path, name: str, text: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def process(root: Path, name: str, pid: int, **values: int) -> None:
    given = {"ppid": 1, "tracer": 0, "uid": 0, "caps": ALL, "bounding": ALL, "seccomp": 0}
    filled = {**given, "filters": 0, **values}
    write(root, f"proc/{name}/status", STATUS.format(name="x", pid=pid, **filled))


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Root of a host, and nginx 4285 of uid 33."""
    process(tmp_path, "self", 100)
    write(tmp_path, "proc/self/uid_map", "         0          0 4294967295\n")
    write(tmp_path, "proc/self/mountinfo", "22 1 0:21 / /proc rw,relatime - proc proc rw\n")
    namespaces(tmp_path, "self")
    process(tmp_path, "4285", 4285, uid=33, caps=0)
    namespaces(tmp_path, "4285")
    return tmp_path


def namespaces(root: Path, name: str, **others: int) -> None:
    folder = root / "proc" / name / "ns"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, number in {**FIRST, **others}.items():
        (folder / kind).unlink(missing_ok=True)
        (folder / kind).symlink_to(f"{kind}:[{number}]")


def test_a_host(host: Path) -> None:
    place = read_place(str(host))
    assert place.uids == (0, 0, 0, 0)
    assert place.holds("SYS_PTRACE", "BPF")
    assert place.surroundings is Surroundings.HOST
    assert place.initial_user_namespace
    assert place.initial_pid_namespace
    assert (place.yama, place.lockdown, place.hidepid, place.btf) == (None, None, None, False)
    assert {"/proc/sys/kernel/yama/ptrace_scope", "/sys/kernel/security/lockdown"} <= {
        gap.what for gap in place.gaps
    }
    assert place.words == ("sigscope",)


@pytest.mark.parametrize("scope", [0, 1, 2, 3])
def test_yama_of_a_recorded_place(host: Path, scope: int) -> None:
    write(host, "proc/sys/kernel/yama/ptrace_scope", f"{scope}\n")
    process(host, "self", 100, uid=33, caps=0)
    place = read_place(str(host))
    other = read_other(place, 4285, str(host))
    assert place.yama == scope
    assert other is not None
    doors = process_doors(place, replace(other, owner=33))
    assert (Door.TRACE in doors) == (scope > 0)
    if scope:
        assert doors[Door.TRACE].layer is Layer.YAMA


@pytest.mark.parametrize(
    ("mount", "hidepid", "gid"),
    [
        ("rw", None, None),
        ("rw,hidepid=2", "2", None),
        ("rw,gid=27,hidepid=invisible", "invisible", 27),
        ("rw,hidepid=0", None, None),
    ],
)
def test_hidepid_of_a_recorded_place(
    host: Path, mount: str, hidepid: str | None, gid: int | None
) -> None:
    write(host, "proc/self/mountinfo", f"22 1 0:21 / /proc rw - proc proc {mount}\n")
    place = read_place(str(host))
    assert (place.hidepid, place.hidepid_gid) == (hidepid, gid)


@pytest.mark.parametrize("mode", ["none", "integrity", "confidentiality"])
def test_lockdown_of_a_recorded_place(host: Path, mode: str) -> None:
    text = "none integrity confidentiality".replace(mode, f"[{mode}]")
    write(host, "sys/kernel/security/lockdown", f"{text}\n")
    assert read_place(str(host)).lockdown == mode


@pytest.mark.parametrize(
    ("sign", "surroundings"),
    [
        (".dockerenv", Surroundings.DOCKER),
        ("run/.containerenv", Surroundings.PODMAN),
        ("var/run/secrets/kubernetes.io/serviceaccount/token", Surroundings.KUBERNETES),
        ("nothing", Surroundings.CONTAINER),
    ],
)
def test_who_made_the_container(host: Path, sign: str, surroundings: Surroundings) -> None:
    write(host, sign, "")
    assert read_place(str(host)).surroundings is Surroundings.HOST, "an image may leave the file"
    namespaces(host, "self", pid=4026532999, uts=4026532998)
    place = read_place(str(host))
    assert place.surroundings is surroundings
    assert place.initial_pid_namespace is False


def test_a_container_that_shares_the_pids_of_the_host(host: Path) -> None:
    namespaces(host, "self", uts=4026532998)
    write(host, "proc/self/cgroup", f"0::/docker/{'4e' * 32}\n")
    assert read_place(str(host)).surroundings is Surroundings.DOCKER


def test_a_user_namespace_is_known_by_its_map(host: Path) -> None:
    namespaces(host, "self", user=4026533000)
    write(host, "proc/self/uid_map", "0 1000 1\n")
    place = read_place(str(host))
    assert place.initial_user_namespace is False
    assert place.uid_map == "0 1000 1"
    other = read_other(place, 4285, str(host))
    assert other is not None
    assert other.foreign


def test_what_an_apparmor_label_looks_like(host: Path) -> None:
    write(host, "proc/self/attr/current", "docker-default (enforce)\n")
    assert read_place(str(host)).label == "docker-default (enforce)"


def test_a_read_only_root_and_a_mounted_tracefs(host: Path) -> None:
    mounts = (
        "27 1 254:0 / / ro,relatime - ext4 /dev/vda rw\n"
        "30 27 0:12 / /sys/kernel/tracing rw - tracefs tracefs rw\n"
    )
    write(host, "proc/self/mountinfo", mounts)
    (host / "sys/kernel/tracing/events").mkdir(parents=True)
    place = read_place(str(host))
    assert place.read_only_root
    assert place.tracefs == "/sys/kernel/tracing"
    assert place.tracefs_readable


@pytest.mark.parametrize("damage", ["", "Uid:\tx\n", "\0" * 100, "CapEff:\tzz\nSeccomp:\t9999\n"])
def test_damaged_files_are_gaps_and_no_failure(host: Path, damage: str) -> None:
    for name in ("status", "uid_map", "mountinfo"):
        write(host, f"proc/self/{name}", damage)
    write(host, "proc/sys/kernel/yama/ptrace_scope", damage)
    place = read_place(str(host))
    assert place.uid == -1
    assert place.yama is None


def test_an_empty_root_is_all_gaps(tmp_path: Path) -> None:
    place = read_place(str(tmp_path))
    assert place.effective is None
    assert {"who we are", "mounts", "user namespace"} <= {gap.what for gap in place.gaps}


@pytest.mark.parametrize("packed", [True, False])
def test_the_configuration_of_a_recorded_kernel(host: Path, packed: bool) -> None:
    text = b"CONFIG_BPF_SYSCALL=y\n# CONFIG_SECURITY_YAMA is not set\nCONFIG_USER_NS=m\n"
    if packed:
        write(host, "proc/config.gz", gzip.compress(text))
    else:
        write(host, f"boot/config-{os.uname().release}", text)
    equipment = read_equipment(str(host))
    options = dict(equipment.kernel)
    assert set(options) == OPTIONS
    assert (options["BPF_SYSCALL"], options["SECURITY_YAMA"], options["USER_NS"]) == ("y", "n", "m")
    assert not equipment.gaps


def test_a_damaged_configuration_is_a_gap(host: Path) -> None:
    write(host, "proc/config.gz", b"\x1f\x8bnot gzip")
    equipment = read_equipment(str(host))
    assert equipment.kernel_from is None
    assert [gap.what for gap in equipment.gaps] == ["kernel configuration"]


def test_a_tracer_of_a_recorded_process_is_named(host: Path) -> None:
    process(host, "4285", 4285, uid=33, caps=0, tracer=812)
    process(host, "812", 812)
    place = read_place(str(host))
    other = read_other(place, 4285, str(host))
    assert other is not None
    assert process_doors(place, other)[Door.TRACE].why == "process 812 (x) traces it already"
    assert read_other(place, 9999, str(host)) is None


def test_this_very_place() -> None:
    place = here()
    assert place.uids == (*os.getresuid(), os.getresuid()[1])
    assert place.own_proc
    assert here() is place, "it is read once"


def test_how_we_were_called_can_be_typed_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/sigscope/__main__.py", "pid", "7"])
    words = read_place().words
    assert words[1:] == ("-m", "sigscope", "pid", "7")
    monkeypatch.setattr(sys, "argv", ["/usr/bin/sigscope", "pid", "7"])
    assert read_place().words == ("sigscope", "pid", "7")
    monkeypatch.setattr(sys, "argv", ["/opt/venv/bin/sigscope", "pid", "7"])
    assert read_place().words == ("/opt/venv/bin/sigscope", "pid", "7")
