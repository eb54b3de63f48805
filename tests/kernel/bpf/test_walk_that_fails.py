"""A walk that goes wrong once it was begun: /proc answers instead, or an error is given."""

from __future__ import annotations

import errno
import os

import pytest

from sigscope.errors import DecodeError, NotPermitted, NotSupported, SigscopeError
from sigscope.kernel.bpf.tasks import Tasks
from sigscope.kernel.depths import look_deeper
from sigscope.kernel.procfs import ProcFS
from sigscope.kernel.scan import read_family, read_host
from tests.kernel.bpf.engine import need_engine

FAILURES = {
    "refused": (PermissionError(errno.EPERM, "not permitted"), NotPermitted),
    "too-long": (OSError(errno.E2BIG, "argument list too long"), NotSupported),
    "damaged": (DecodeError("bpf", "a record is cut off"), NotSupported),
}


@pytest.fixture(params=list(FAILURES.values()), ids=list(FAILURES))
def failing(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[ProcFS, ProcFS, type[SigscopeError]]:
    """Opened in good order; from then on each walk fails."""
    need_engine()
    error, told = request.param
    auto, bpf = ProcFS(), ProcFS(engine="bpf")
    for procfs in (auto, bpf):
        procfs.passive.tasks()

    def fails(*_: object) -> bytes:
        raise error

    for name in ("scan", "facts", "queues"):
        monkeypatch.setattr(Tasks, name, fails)
    return auto, bpf, told


def test_a_scan_is_read_from_proc_then(
    failing: tuple[ProcFS, ProcFS, type[SigscopeError]],
) -> None:
    auto, bpf, told = failing
    host = read_host(auto)
    assert host.engines == ("proc",)
    assert os.getpid() in host.processes
    with pytest.raises(told):
        read_host(bpf)


def test_depth_is_missing_then_and_why_is_said(
    failing: tuple[ProcFS, ProcFS, type[SigscopeError]],
) -> None:
    auto, bpf, told = failing
    us = os.getpid()
    host = look_deeper(auto, read_family(auto, [us]), [us])
    assert host.processes[us].depth is None
    assert host.shallow is not None
    assert host.shallow.why
    with pytest.raises(told):
        look_deeper(bpf, read_family(bpf, [us]), [us])
