"""Where fields lie: kept between runs where it is safe, and never believed without a trial."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from sigscope.decode.btf import Field
from sigscope.errors import DecodeError, NotSupported
from sigscope.kernel.bpf import cache, layouts
from sigscope.kernel.bpf.layouts import VMLINUX, Layout, Table, read_layout
from sigscope.kernel.bpf.opening import open_tasks
from sigscope.kernel.bpf.tasks import TABLE
from tests.kernel.bpf.engine import need_engine

SMALL = Table(
    ("task_struct.__state|state", "task_struct.no_such_field"),
    functions=("bpf_iter_task",),
    values=("pid_type.PIDTYPE_SID",),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own."""
    if not os.path.exists(VMLINUX):
        pytest.skip("this kernel shows no BTF")
    directory = tmp_path / "kept"
    monkeypatch.setattr(cache, "_directory", lambda: str(directory))
    monkeypatch.setattr(cache, "build_id", lambda: "0123")
    return directory


def file_in(place: Path) -> Path:
    (found,) = place.iterdir()
    return found


def test_what_was_found_is_kept_and_is_the_same(place: Path) -> None:
    first, second = read_layout(SMALL), read_layout(SMALL)
    assert (first.cached, second.cached) == (False, True)
    assert first.fields == second.fields
    assert (first.functions, first.values) == (second.functions, second.values)
    assert first.at("task_struct.__state").size == 4
    assert second.values == {"pid_type.PIDTYPE_SID": 3}
    assert file_in(place).stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_field_that_is_absent_is_said_to_be(place: Path) -> None:
    layout = read_layout(SMALL)
    assert layout.find("task_struct.no_such_field") is None
    assert not layout.has("task_struct.__state", "task_struct.no_such_field")
    with pytest.raises(NotSupported, match="no_such_field"):
        layout.at("task_struct.no_such_field")
    with pytest.raises(NotSupported, match="no function"):
        Layout({}, {"f": None}, {}).function("f")


SOUND: dict[str, object] = {"fields": {}, "functions": {}, "values": {}}
DAMAGED = {
    "empty": b"",
    "no-json": b"\xff\xfe",
    "a-list": b"[]",
    "other-fields": json.dumps(SOUND).encode(),
    "a-negative-offset": b'{"fields": {"task_struct.__state": [-8, 4, null]}}',
    "a-deep-nest": b"[" * 50_000,
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_cache_is_made_anew(place: Path, data: bytes) -> None:
    sound = read_layout(SMALL)
    file_in(place).write_bytes(data)
    again = read_layout(SMALL)
    assert not again.cached
    assert again.fields == sound.fields
    assert read_layout(SMALL).cached


def test_what_others_may_write_is_not_read(place: Path) -> None:
    read_layout(SMALL)
    file = file_in(place)
    file.chmod(0o620)
    assert not read_layout(SMALL).cached
    file_in(place).chmod(0o600)
    place.chmod(0o770)
    assert not read_layout(SMALL).cached
    place.chmod(0o700)


def test_what_belongs_to_another_user_is_not_read(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    read_layout(SMALL)
    os.chown(file_in(place), 65534, 65534)
    assert not read_layout(SMALL).cached
    os.chown(place, 65534, 65534)
    assert not read_layout(SMALL).cached


def test_no_link_is_followed(place: Path, tmp_path: Path) -> None:
    read_layout(SMALL)
    file = file_in(place)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert not read_layout(SMALL).cached
    assert not elsewhere.is_symlink()
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    assert not read_layout(SMALL).cached


def test_a_pipe_in_its_place_holds_nobody_up(place: Path) -> None:
    read_layout(SMALL)
    file = file_in(place)
    file.unlink()
    os.mkfifo(file, 0o600)
    assert not read_layout(SMALL).cached


def test_where_nothing_can_be_kept_all_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists(VMLINUX):
        pytest.skip("this kernel shows no BTF")
    monkeypatch.setattr(cache, "_directory", lambda: "/proc/self/nowhere")
    assert not read_layout(SMALL).cached
    assert not read_layout(SMALL).cached


def test_the_place_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somebody/elses")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert cache._directory() == "/run/sigscope"
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert cache._directory() is None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cache._directory() == "/somebody/elses/sigscope"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache._directory() is None


def test_a_build_id_is_found_among_other_notes(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    other = struct.pack("<III4s4s", 4, 4, 3, b"Xen\0", b"abcd")
    ours = struct.pack("<III4s5s3x", 4, 5, 3, b"GNU\0", bytes(range(5)))
    notes.write_bytes(other + ours)
    assert cache.build_id(str(notes)) == "0001020304"
    notes.write_bytes(other[:-6])
    assert cache.build_id(str(notes)) == ""
    assert cache.build_id(str(tmp_path / "none")) == ""


def foreign(tmp_path: Path, shift: int, *members: str) -> str:
    """This kernel's BTF, with these members of all structs elsewhere."""
    data = bytearray(Path(VMLINUX).read_bytes())
    _, _, _, head, types, size, strings, _ = struct.unpack_from("<HBBIIIII", data)
    for member in members:
        name = data.index(b"\0" + member.encode() + b"\0", head + strings) + 1 - head - strings
        pattern = struct.pack("<I", name)
        at = data.find(pattern, head + types, head + types + size)
        while at >= 0:
            place = struct.unpack_from("<I", data, at + 8)[0]
            if (at - head - types) % 4 == 0 and place < 1 << 16:
                struct.pack_into("<I", data, at + 8, place + 8 * shift)
            at = data.find(pattern, at + 4, head + types + size)
    file = tmp_path / "btf"
    file.write_bytes(data)
    return str(file)


@pytest.mark.parametrize("member", ["comm", "blocked", "start_boottime", "action", "tgid"])
def test_the_btf_of_another_kernel_is_not_believed(member: str, tmp_path: Path) -> None:
    """The verifier refuses it, or the trial on ourselves shows it; never a wrong answer."""
    need_engine()
    with pytest.raises((OSError, DecodeError)) as refused:
        open_tasks(foreign(tmp_path, 8, member)).close()
    if isinstance(refused.value, DecodeError):
        assert "not that of this kernel" in str(refused.value)


def test_a_cut_btf_is_not_believed(tmp_path: Path) -> None:
    need_engine()
    file = tmp_path / "btf"
    file.write_bytes(Path(VMLINUX).read_bytes()[:100_000])
    with pytest.raises(DecodeError):
        open_tasks(str(file))
    with pytest.raises(FileNotFoundError):
        open_tasks(str(tmp_path / "none"))


def test_a_stale_cache_is_made_anew(place: Path) -> None:
    """The build id is the same, and what it holds is wrong: the trial fails, and BTF is read."""
    need_engine()
    sound = read_layout(TABLE)
    wrong = {**sound.fields, "task_struct.comm": sound.fields["task_struct.blocked"]}
    wrong["task_struct.comm"] = Field(sound.at("task_struct.blocked").offset, 16)
    file = file_in(place)
    file.write_bytes(layouts._encode(Layout(wrong, sound.functions, sound.values)))
    with open_tasks() as tasks:
        assert tasks.layout.at("task_struct.comm") == sound.at("task_struct.comm")
    assert read_layout(TABLE).fields == sound.fields
