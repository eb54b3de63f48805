"""A file as the target sees it: whatever its links and names are, nothing outside its root."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sigscope.kernel import rooted
from sigscope.kernel.rooted import RootedFiles
from tests.harness import proc
from tests.harness.targets import PATIENCE

SECRET = Path("/etc/hostname")


@pytest.fixture
def jail(tmp_path: Path) -> Path:
    """Its /etc/hostname is another than ours."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("inside\n")
    (tmp_path / "proc").mkdir()
    return tmp_path


@pytest.fixture
def prisoner(jail: Path) -> Iterator[int]:
    """A process whose root is the jail: this test's own child, before any exec."""
    if os.geteuid() != 0:
        pytest.skip("chroot needs root: sudo scripts/test")
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.chroot(jail)
        os.chdir("/")
        os.write(theirs, b"!")
        os.close(theirs)
        threading.Event().wait()
        os._exit(0)
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    yield child
    os.kill(child, 9)
    os.waitpid(child, 0)


def refused(files: RootedFiles, path: str, limit: int = rooted.LARGEST) -> int:
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        files.read(path, limit)
    assert caught.value.errno is not None
    return caught.value.errno


def test_our_own_root_is_the_root(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    with RootedFiles(os.getpid(), start=str(tmp_path)) as files:
        assert files.read(str(tmp_path / "a")) == files.read("a") == b"text"


@pytest.mark.parametrize(
    "link",
    ["/etc/hostname", "../../../../../etc/hostname", "/../etc/hostname", "etc/../../etc/hostname"],
)
def test_links_that_lead_out_lead_to_what_is_inside(jail: Path, prisoner: int, link: str) -> None:
    (jail / "link").symlink_to(link)
    with RootedFiles(prisoner) as files:
        assert files.read("/link") == b"inside\n"
        assert files.read(link) == b"inside\n"


def test_a_directory_that_is_a_link_out_is_one_inside(jail: Path, prisoner: int) -> None:
    (jail / "conf").symlink_to("/etc")
    with RootedFiles(prisoner) as files:
        assert files.names("conf") == ["hostname"]
        assert files.read("conf/hostname") == b"inside\n"


def test_links_of_proc_are_not_followed(jail: Path) -> None:
    (jail / "out").symlink_to(f"/proc/{os.getpid()}/root/etc/hostname")
    with RootedFiles(os.getpid()) as files:
        assert refused(files, str(jail / "out")) == errno.ELOOP
        assert refused(files, "/proc/self/fd/0") == errno.ELOOP


def test_a_fifo_is_refused_at_once(jail: Path, prisoner: int) -> None:
    os.mkfifo(jail / "fifo")
    with RootedFiles(prisoner) as files:
        assert refused(files, "/fifo") == errno.EINVAL


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/etc", "/proc/kmsg", "/proc/uptime"])
def test_devices_directories_and_files_of_the_kernel_are_refused(path: str) -> None:
    with RootedFiles(os.getpid()) as files:
        assert refused(files, path) == errno.EINVAL


def test_a_huge_file_is_refused_and_not_read(jail: Path, prisoner: int) -> None:
    with open(jail / "huge", "wb") as huge:
        huge.truncate(1 << 40)
    (jail / "fits").write_bytes(b"x" * 100)
    with RootedFiles(prisoner) as files:
        assert refused(files, "/huge") == errno.EFBIG
        assert refused(files, "/fits", 99) == errno.EFBIG
        assert len(files.read("/fits", 100)) == 100


def test_a_loop_of_links_and_a_missing_file_are_errors(jail: Path, prisoner: int) -> None:
    (jail / "a").symlink_to("b")
    (jail / "b").symlink_to("a")
    with RootedFiles(prisoner) as files:
        assert refused(files, "/a") == errno.ELOOP
        assert refused(files, "/nothing") == errno.ENOENT
        assert refused(files, "/with\0nul") == errno.EINVAL
        assert refused(files, "") == errno.EINVAL
        assert refused(files, "x" * 5000) == errno.ENAMETOOLONG


def test_the_error_names_the_path(jail: Path, prisoner: int) -> None:
    with RootedFiles(prisoner) as files, pytest.raises(FileNotFoundError) as caught:
        files.read("/etc/missing.conf")
    assert caught.value.filename == "/etc/missing.conf"


def test_another_mount_namespace_shows_its_own_files(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("unshare needs root: sudo scripts/test")
    (tmp_path / "a").write_text("outside")
    script = f"mount -t tmpfs none {tmp_path} && echo inside >{tmp_path}/a && exec sleep 100"
    with subprocess.Popen(["unshare", "-m", "sh", "-c", script]) as child:
        try:
            proc.eventually(lambda: proc.name(child.pid) == "sleep", PATIENCE, "it is mounted")
            with RootedFiles(child.pid) as files:
                assert files.read(str(tmp_path / "a")) == b"inside\n"
        finally:
            child.kill()
    assert (tmp_path / "a").read_text() == "outside"


def test_a_target_that_renames_directories_meanwhile_gains_nothing(
    jail: Path, prisoner: int
) -> None:
    """The classic race against a walk by hand: "a/../.." while "a" moves about."""
    (jail / "x/y").mkdir(parents=True)
    stop = threading.Event()

    def mover() -> None:
        while not stop.is_set():
            os.rename(jail / "x/y", jail / "y")
            os.rename(jail / "y", jail / "x/y")

    thread = threading.Thread(target=mover)
    thread.start()
    try:
        with RootedFiles(prisoner) as files:
            for _ in range(500):
                with contextlib.suppress(FileNotFoundError, BlockingIOError):
                    assert files.read("/x/y/../../etc/hostname") == b"inside\n"
    finally:
        stop.set()
        thread.join()


def test_a_kernel_without_openat2_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooted, "_OPENAT2", 100_000)
    with RootedFiles(os.getpid()) as files:
        assert refused(files, str(SECRET)) == errno.ENOSYS


def test_nothing_is_left_open(jail: Path, prisoner: int) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    os.mkfifo(jail / "fifo")
    with RootedFiles(prisoner) as files:
        for path in ("/fifo", "/none", "/etc", "/etc/hostname"):
            try:
                files.read(path)
            except OSError:
                continue
        files.names("/etc")
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        RootedFiles(2**22 + 1)


def test_a_directory_is_there_only_below_the_root(tmp_path: Path) -> None:
    """A link to a directory outside is followed within the root, where there is none."""
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = tmp_path / "root"
    (inner / "here").mkdir(parents=True)
    (inner / "away").symlink_to(outside)
    (inner / "file").write_text("")
    proc_tree = tmp_path / "proc" / "7"
    proc_tree.mkdir(parents=True)
    (proc_tree / "root").symlink_to(inner)
    with RootedFiles(7, str(tmp_path / "proc")) as files:
        assert [files.exists(name) for name in ("/here", "/away", "/file", "/none")] == [
            True,
            False,
            False,
            False,
        ]
        assert files.file_system > 0
