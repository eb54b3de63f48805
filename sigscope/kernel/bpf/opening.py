"""Opening the walk over tasks, and a trial on the one process that we know well: ourselves.

A BTF of another kernel, or a damaged one, gives offsets that are wrong. Then what the walk
says of us is not what /proc says of us, and nothing else that it says is believed.
"""

from __future__ import annotations

import os
import signal
from _thread import get_native_id
from collections.abc import Iterator
from contextlib import contextmanager

from sigscope.decode.records import ACTIONS, PROCESS, THREAD, split_records
from sigscope.decode.stat import decode_stat
from sigscope.decode.status import decode_status
from sigscope.decode.task import Fields, decode_actions, number, text
from sigscope.decode.text import decode_text
from sigscope.errors import DecodeError, NotSupported
from sigscope.kernel.bpf import syscall
from sigscope.kernel.bpf.layouts import VMLINUX, read_layout
from sigscope.kernel.bpf.namespace import nested
from sigscope.kernel.bpf.tasks import TABLE, Tasks

MARK = (50, 62)
"""Real-time signals that hardly anybody uses."""
INITIAL_TIME_NAMESPACE = "time:[4026531834]"


def open_tasks(btf: str = VMLINUX) -> Tasks:
    """Ready to walk; to be closed.

    OSError where the kernel refuses, DecodeError where its BTF is damaged or of another kernel,
    NotSupported where it lacks a field without which nothing can be told.
    """
    if os.readlink("/proc/self") != str(os.getpid()):
        raise NotSupported("/proc is of another pid namespace than we are", "use --engine proc")
    if os.readlink("/proc/self/ns/time") != INITIAL_TIME_NAMESPACE:
        raise NotSupported("we run in a time namespace of our own", "use --engine proc")
    # The shortest question that shows whether we may: before the BTF is read in vain.
    syscall.create_map(syscall.MAP_ARRAY, 8).close()
    for fresh in (False, True):
        layout = read_layout(TABLE, btf, fresh)
        tasks = Tasks(layout, nested())
        try:
            wrong = _wrong(tasks)
        except OSError:
            tasks.close()
            if not layout.cached:
                raise
            continue
        if not wrong:
            return tasks
        tasks.close()
        if not layout.cached:
            break
    raise DecodeError("btf", f"it is not that of this kernel: {wrong} would be wrong")


@contextmanager
def _marked() -> Iterator[None]:
    """With a mask that no other field holds by accident: most masks are 0 most of the time."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, MARK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wrong(tasks: Tasks) -> str:
    """What the walk says differently of ourselves than /proc; "" if nothing."""
    with _marked():
        return _difference(tasks)


def _difference(tasks: Tasks) -> str:
    us, thread_id = os.getpid(), get_native_id()
    records = list(split_records(tasks.facts(us)))
    seen = {record.kind: fields for record, fields in records if number(fields, "tid") == us}
    mine = [
        fields
        for record, fields in records
        if record is THREAD and number(fields, "tid") == thread_id
    ]
    if len(seen) < 3 or not mine:
        return "the walk itself"
    leader, process = seen[THREAD.kind], seen[PROCESS.kind]
    with open("/proc/self/status", "rb") as file:
        status = decode_status(file.read())
    with open("/proc/self/stat", "rb") as file:
        stat = decode_stat(file.read())
    with open("/proc/thread-self/status", "rb") as file:
        own = decode_status(file.read()).sets
    sets = status.sets
    ticks = os.sysconf("SC_CLK_TCK")
    assert sets is not None
    assert own is not None
    expected = {
        "the name": (decode_text(text(leader, "comm").split(b"\0")[0]), status.name),
        "the mask": (number(mine[0], "blocked"), own.sigblk.mask),
        "the parent": (number(process, "ppid"), status.ppid),
        "the user": (number(process, "uid"), status.uid),
        "the start": (number(process, "start") * ticks // 10**9, stat.start_time),
        "the handlers": (_caught(seen[ACTIONS.kind], tasks), sets.sigcgt.mask),
    }
    return next((what for what, (ours, theirs) in expected.items() if ours != theirs), "")


def _caught(actions: Fields, tasks: Tasks) -> int:
    table = decode_actions(text(actions, "actions"), tasks.shape)
    return sum(1 << place for place, action in enumerate(table) if action.handler > 1)
