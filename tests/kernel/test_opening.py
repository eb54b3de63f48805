"""The line that opens what is shut, in each place that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sigscope.kernel.opening import PASSIVE, READING, TRACING, mounting, opening, outside, sharing
from sigscope.model.place import Place, Surroundings
from tests.kernel.test_access import ALL, ROOT, USER, mask

DEFAULT = mask(
    *"CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW".split(),
    *"SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP".split(),
)
"""What docker leaves to root in a container."""


def contained(where: Surroundings, uid: int = 0, bounding: int = DEFAULT) -> Place:
    return replace(
        ROOT,
        uids=(uid,) * 4,
        effective=0 if uid else bounding,
        permitted=0 if uid else bounding,
        bounding=bounding,
        surroundings=where,
        hostname="web-7d9f",
        initial_pid_namespace=False,
    )


DOCKER, PODMAN = Surroundings.DOCKER, Surroundings.PODMAN
POD, OTHER = Surroundings.KUBERNETES, Surroundings.CONTAINER


def test_nothing_is_missing() -> None:
    assert opening(ROOT, TRACING) == ""
    only_admin = replace(ROOT, effective=mask("SYS_ADMIN"))
    assert opening(only_admin, PASSIVE) == "", "CAP_SYS_ADMIN stands for both"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "sudo sigscope pid 4285"),
        ({"raising": "doas"}, "doas sigscope pid 4285"),
        ({"raising": "su"}, "su -c 'sigscope pid 4285'"),
        ({"raising": None}, "as root: sigscope pid 4285"),
        (
            {"words": ("sigscope", "explain", "TERM", "a b")},
            "sudo sigscope explain TERM 'a b'",
        ),
        (
            {"words": ("/opt/x/bin/python", "-m", "sigscope", "pid", "7")},
            "sudo /opt/x/bin/python -m sigscope pid 7",
        ),
        (
            {"no_new_privs": True, "systemd": True},
            "sudo systemd-run --pipe --quiet -- sigscope pid 4285",
        ),
        (
            {"initial_user_namespace": False},
            "run it outside of this user namespace: sudo sigscope pid 4285",
        ),
    ],
)
def test_a_user_of_a_host(changes: dict[str, object], line: str) -> None:
    assert opening(replace(USER, **changes), TRACING) == line  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"systemd": True}, "systemd-run --pipe --quiet -- sigscope pid 4285"),
        (
            {},
            "from another login as root (this one lacks CAP_SYS_PTRACE): sigscope pid 4285",
        ),
    ],
)
def test_a_root_whose_bounding_set_is_empty(changes: dict[str, object], line: str) -> None:
    bare = replace(ROOT, effective=0, permitted=0, bounding=0)
    assert opening(replace(bare, **changes), TRACING) == line  # type: ignore[arg-type]


def test_a_root_of_a_host_under_a_filter() -> None:
    filtered = replace(ROOT, refused_calls=frozenset(("ptrace",)))
    assert "the seccomp filter" in opening(filtered, TRACING, ("ptrace",))
    assert opening(filtered, TRACING, ("bpf",)) == ""


RUN = "start it with: {} run {} ..."


@pytest.mark.parametrize(
    ("where", "wanted", "line"),
    [
        (DOCKER, TRACING, RUN.format("docker", "--cap-add SYS_PTRACE")),
        (
            DOCKER,
            READING,
            RUN.format("docker", "--cap-add DAC_READ_SEARCH --cap-add SYS_PTRACE"),
        ),
        (PODMAN, PASSIVE, RUN.format("podman", "--cap-add PERFMON --cap-add BPF")),
        (OTHER, TRACING, "start this container with CAP_SYS_PTRACE"),
        (
            POD,
            TRACING,
            "securityContext: {capabilities: {add: [SYS_PTRACE]}}; or: kubectl debug -it"
            " web-7d9f --image IMAGE --target CONTAINER --profile general",
        ),
        (
            POD,
            PASSIVE,
            "securityContext: {capabilities: {add: [PERFMON, BPF]}}; or: kubectl debug -it"
            " web-7d9f --image IMAGE --target CONTAINER --profile sysadmin",
        ),
    ],
)
def test_root_of_a_container(where: Surroundings, wanted: tuple[str, ...], line: str) -> None:
    assert opening(contained(where), wanted) == line


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (DOCKER, "docker exec --user 0 web-7d9f sigscope pid 4285"),
        (PODMAN, "podman exec --user 0 web-7d9f sigscope pid 4285"),
        (OTHER, "as root of this container: sigscope pid 4285"),
    ],
)
def test_a_user_of_a_container_that_has_the_capability(where: Surroundings, line: str) -> None:
    assert opening(contained(where, 33, ALL), TRACING) == line


@pytest.mark.parametrize(
    ("where", "part"),
    [
        (DOCKER, "docker run --cap-add SYS_PTRACE --user 0"),
        (PODMAN, "podman run --cap-add SYS_PTRACE --user 0"),
        (OTHER, "with CAP_SYS_PTRACE, user 0"),
        (POD, "{capabilities: {add: [SYS_PTRACE]}, runAsUser: 0}"),
    ],
)
def test_a_user_of_a_container_without(where: Surroundings, part: str) -> None:
    assert part in opening(contained(where, 33), TRACING)


@pytest.mark.parametrize(
    ("where", "part"),
    [
        (DOCKER, "docker run --security-opt seccomp=unconfined"),
        (PODMAN, "podman run --security-opt seccomp=unconfined"),
        (OTHER, "with no seccomp profile"),
        (POD, "seccompProfile: {type: Unconfined}"),
    ],
)
def test_a_container_under_a_profile(where: Surroundings, part: str) -> None:
    filtered = replace(contained(where, 0, ALL), refused_calls=frozenset(("bpf",)))
    assert part in opening(filtered, PASSIVE, ("bpf",))


@pytest.mark.parametrize("where", Surroundings)
def test_every_place_has_its_way_out(where: Surroundings) -> None:
    place = replace(contained(where), initial_user_namespace=False)
    lines = [outside(place), sharing(place), mounting(place, "/sys/kernel/tracing")]
    assert all(lines)
    assert len(set(lines)) == 3
    assert opening(place, PASSIVE) == outside(place)
