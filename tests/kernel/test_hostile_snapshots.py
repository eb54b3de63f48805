"""Snapshot files of good form whose content is meant to do harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.decode import samples
from tests.kernel.files import ENTRIES, HEAD, changed, judged, packed

relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.gz"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "errno-too-large": lambda: changed("7/status", errno=10**12),
    "io-error": lambda: changed("7/status", errno=5),
    "thread-with-a-word": lambda: packed(
        *(entry for entry in ENTRIES if entry["path"] != "7/task"),
        {"path": "7/task", "names": ["7", "seven"]},
        {"path": "7/task/seven/status", "read": samples.status(pid=7).decode()},
    ),
    "descriptor-with-a-word": lambda: packed(
        *ENTRIES[:-4],
        {"path": "7/fd", "names": ["x"]},
        {"path": "7/fd/x", "link": "anon_inode:[signalfd]"},
        {"path": "7/fdinfo/x", "read": samples.SIGNALFD.decode()},
    ),
    "pid-with-5000-digits": lambda: changed(".", names=["7", "9" * 5000]),
    "user-with-5000-digits": lambda: packed(*ENTRIES, head={**HEAD, "users": {"9" * 5000: "x"}}),
    "the-year-33658": lambda: changed("stat", read="btime 999999999999\n"),
    "task-is-a-text": lambda: changed("7/task", read="x"),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_content_is_refused_or_a_gap_and_never_a_crash(
    make: Callable[[], bytes], file: Path
) -> None:
    judged(file, make())


answers = st.one_of(
    st.builds(lambda text: {"read": text}, st.text(st.characters(max_codepoint=255), max_size=60)),
    st.builds(lambda text: {"link": text}, st.text(max_size=20)),
    st.builds(lambda names: {"names": names}, st.lists(st.text("0123456789ax.", max_size=4))),
    st.builds(lambda number: {"errno": number}, st.integers()),
)


@settings(relaxed, derandomize=True, max_examples=300)
@given(path=st.sampled_from([str(entry["path"]) for entry in ENTRIES]), answer=answers)
def test_any_answer_for_any_path_is_refused_or_a_gap_and_never_a_crash(
    path: str, answer: dict[str, object], file: Path
) -> None:
    judged(file, changed(path, **answer))
