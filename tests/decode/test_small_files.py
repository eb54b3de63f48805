"""The small files: cgroup, children, cmdline, fdinfo, syscall, and those of the host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.cgroup import decode_cgroup, unknown_container
from sigscope.decode.children import decode_children
from sigscope.decode.cmdline import LIMIT, decode_cmdline
from sigscope.decode.fdinfo import decode_epoll, decode_signalfd
from sigscope.decode.host import decode_boot_time, decode_hidepid, decode_last_ran, decode_uptime
from sigscope.decode.syscall import decode_syscall
from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError
from sigscope.model.container import Container
from tests.decode import samples
from tests.model.strategies import masks

ID = "4e5f" * 16
registers = st.integers(0, (1 << 64) - 1)


@given(st.lists(st.integers(1, (1 << 22) - 1)))
def test_children_come_back(pids: list[int]) -> None:
    assert decode_children("".join(f"{pid} " for pid in pids).encode()) == tuple(pids)


@given(st.lists(st.binary(min_size=1).filter(lambda word: b"\0" not in word), min_size=1))
def test_arguments_come_back(words: list[bytes]) -> None:
    data = b"".join(word + b"\0" for word in words)
    assert decode_cmdline(data) == tuple(map(decode_text, words))


def test_a_command_line_that_was_cut_says_so() -> None:
    assert decode_cmdline(b"a" * (LIMIT - 1)) == ("a" * (LIMIT - 1),)
    assert decode_cmdline(b"a\0" * (LIMIT // 2))[-1] == "a ..."
    assert decode_cmdline(b"") == ()


@given(masks)
def test_the_set_of_a_signalfd_comes_back(mask: int) -> None:
    data = samples.SIGNALFD.replace(b"0000000000004000", f"{mask:016x}".encode())
    assert decode_signalfd(data).mask == mask


@given(st.frozensets(st.integers(0, 10**6)))
def test_what_an_epoll_watches_comes_back(numbers: frozenset[int]) -> None:
    lines = (
        f"tfd: {number:8d} events:       19 data:  5  pos:0 ino:1 sdev:1\n" for number in numbers
    )
    assert decode_epoll(b"pos:\t0\nflags:\t02\n" + "".join(lines).encode()) == numbers


def test_an_epoll_is_no_signalfd() -> None:
    with pytest.raises(DecodeError, match="sigmask"):
        decode_signalfd(samples.EPOLL)
    with pytest.raises(DecodeError, match="sigmask"):
        decode_signalfd(samples.SIGNALFD.replace(b"4000\n", b"40000\n"))


@given(st.integers(0, 400), st.tuples(*[registers] * 6), registers, registers)
def test_a_system_call_comes_back(nr: int, args: tuple[int, ...], sp: int, pc: int) -> None:
    text = " ".join([str(nr), *(f"0x{value:x}" for value in (*args, sp, pc))]) + "\n"
    call = decode_syscall(text.encode(), "x86_64")
    assert (call.number, call.args, call.stack_pointer, call.program_counter) == (nr, args, sp, pc)
    assert not call.running


def test_the_name_of_a_call_goes_by_machine_and_width() -> None:
    wide = b"7 0 0 0 0 0 0 7ffd00000000 7f0000000000"
    assert decode_syscall(wide, "x86_64").name == "poll"
    assert decode_syscall(wide, "aarch64").name == "fsetxattr"
    assert decode_syscall(wide, "s390x").name is None
    assert decode_syscall(b"7 0 0 0 0 0 0 ffffd000 8048000", "x86_64").name != "poll"
    assert decode_syscall(b"9999" + wide[1:], "x86_64").name is None
    assert decode_syscall(b"-1 7ffd00000000 7f0000000000", "x86_64").number == -1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"sleeping",
        b"7 0 0",
        b"-1",
        b"-2 0 0",
        b"7 0 0 0 0 0 0 0 zz",
        b"-1 1ffffffffffffffff 0",
    ],
)
def test_what_has_none_of_the_three_shapes_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_syscall(data, "x86_64")


@pytest.mark.parametrize(
    ("path", "container"),
    [
        (f"/docker/{ID}", ("docker", ID)),
        (f"/system.slice/docker-{ID}.scope", ("docker", ID)),
        (f"/kubepods.slice/a.slice/cri-containerd-{ID}.scope", ("containerd", ID)),
        (f"/kubepods/besteffort/pod1/{ID}", ("kubernetes", ID)),
        (f"/machine.slice/libpod-{ID}.scope/container", ("podman", ID)),
        (f"/kubepods.slice/crio-{ID}.scope", ("cri-o", ID)),
        ("/lxc.payload.web-1/init.scope", ("lxc", "web-1")),
        (f"/docker/{ID}/kubepods/a/cri-containerd-{ID[::-1]}.scope", ("containerd", ID[::-1])),
        (f"/../cri-containerd-{ID}.scope", ("containerd", ID)),
        (f"/../../x/../{ID}", ("unknown", ID)),
        ("/user.slice/runc-web_1.scope", ("runc", "web_1")),
        ("/machine.slice/machine-deb.scope/payload/init.scope", ("systemd-nspawn", "deb")),
        (f"/kubepods.slice/crio-conmon-{ID}.scope", None),
        (f"/docker/{ID[:-1]}", None),
        (f"/docker/{ID[:-1]}g", None),
        (f"/docker/{ID.upper()}", None),
        ("/user.slice", None),
        ("/", None),
    ],
)
def test_a_container_is_known_by_its_path(path: str, container: tuple[str, str] | None) -> None:
    for line in (f"0::{path}\n", f"5:cpu:/\n1:name=systemd:{path}\n"):
        found = decode_cgroup(line.encode()).container
        assert found == (None if container is None else Container(*container))


@pytest.mark.parametrize(
    "path",
    [
        "/kubepods/burstable/pod0f0e0d0c-0001-0002-0003-00a0b0c0d0e0/{ID}",
        "/kubepods.slice/kubepods-pod0f0e0d0c_0001_0002_0003_00a0b0c0d0e0.slice/crio-{ID}.scope",
    ],
)
def test_the_uid_of_a_pod_stands_in_the_path(path: str) -> None:
    found = decode_cgroup(f"0::{path.format(ID=ID)}\n".encode()).container
    assert found is not None
    assert found.pod_uid == "0f0e0d0c-0001-0002-0003-00a0b0c0d0e0"


@pytest.mark.parametrize(
    ("own", "around", "container"),
    [
        (b"0::/box/a1\n", b"0::/\n", "a1"),
        (b"3:cpu:/x\n0::/\n", b"3:cpu:/\n0::/\n", "x"),
        (b"0::/box/a1\n", b"0::/box/a1\n", None),
        (b"0::/a.slice/b.service\n", b"0::/\n", None),
        (b"0::/..\n", b"0::/\n", None),
        (b"", b"0::/\n", None),
    ],
)
def test_an_unknown_runtime_leaves_a_cgroup_of_its_own(
    own: bytes, around: bytes, container: str | None
) -> None:
    found = unknown_container(own, around)
    assert (found and found.id) == container


def test_the_innermost_unit_is_told() -> None:
    assert decode_cgroup(b"0::/user.slice/user@0.service/app.slice/a\\x2db.scope\n").unit == (
        "a\\x2db.scope"
    )
    assert decode_cgroup(b"0::/user.slice\n").unit is None


def test_the_files_of_the_host_are_read() -> None:
    assert decode_boot_time(samples.HOST_STAT) == 1700000000
    assert decode_uptime(b"350735.47 234388.90\n") == 350735.47
    assert decode_last_ran(samples.SCHED) == 43210.123456
    for decode in (decode_boot_time, decode_uptime, decode_last_ran):
        with pytest.raises(DecodeError):
            decode(b"nothing of that\n")


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        ("rw", None),
        ("rw,hidepid=0", None),
        ("rw,hidepid=off", None),
        ("rw,hidepid=2", "2"),
        ("rw,hidepid=ptraceable,gid=4", "ptraceable"),
    ],
)
def test_hidepid_is_told_where_it_hides(options: str, hidden: str | None) -> None:
    line = f"22 1 0:20 / /proc rw shared:5 - proc proc {options}\n".encode()
    assert decode_hidepid(line) == hidden
    assert decode_hidepid(line, b"/mnt/proc") is None
    assert decode_hidepid(line + line.replace(options.encode(), b"rw")) is None
