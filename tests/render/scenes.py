"""Answers made by hand, for the screens that show them."""

from __future__ import annotations

from sigscope.analysis.diagnose import diagnose
from sigscope.analysis.tree import grow
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.gap import Gap
from sigscope.model.process import Process, Queue, SignalFd
from sigscope.model.signals import EMPTY, LIBC_OWN
from sigscope.model.state import State
from sigscope.model.syscall import SystemCall
from sigscope.render.decode import decoded_lines
from sigscope.render.gaps import gap_lines
from sigscope.render.line import Line
from sigscope.render.pid import process_screen
from sigscope.render.tree import tree_lines
from tests.analysis.makers import host, process, signals, thread

MOST = ~(signals("KILL", "STOP") | LIBC_OWN)
POLL = SystemCall(7, "poll", (0, 0, 0xFFFFFFFF, 0, 0, 0))


def incident(
    comm: str = "hping3",
    cmdline: tuple[str, ...] = ("hping3", "-c", "1"),
    server: str = "uwsgi",
) -> Diagnosis:
    """A server whose workers block nearly everything, a stuck child, a zombie, a stopped one."""
    init = process(1, ppid=0, comm="init", start_time=0)
    workers = [thread(tid, MOST) for tid in (11, 12, 13)]
    parent = process(
        10, threads=[thread(10, EMPTY), *workers], comm=server, start_time=10, exe="/usr/bin/uwsgi"
    )
    stuck = process(
        20,
        threads=[thread(20, MOST, comm=comm, syscall=POLL)],
        ppid=10,
        comm=comm,
        cmdline=cmdline,
        exe="/usr/sbin/hping3",
        start_time=20,
        pending=signals("ALRM"),
        caught=signals("ALRM", "INT"),
        queue=Queue(63000, 63458),
        forked_by=12,
    )
    dead = process(21, state=State.ZOMBIE, ppid=10, comm=comm, start_time=21)
    held = process(22, state=State.STOPPED, ppid=10, comm=comm, start_time=22, cmdline=cmdline)
    blind = process(
        23,
        None,
        ppid=10,
        comm=comm,
        start_time=23,
        ignored=None,
        caught=None,
        pending=None,
        signalfds=None,
        gaps=(Gap("signal masks of 23", "its status file has no Sig lines", "ask from outside"),),
    )
    loop = process(
        24,
        signals("TERM"),
        ppid=10,
        comm=comm,
        start_time=24,
        caught=signals("TERM"),
        signalfds=(SignalFd(5, signals("TERM"), True),),
    )
    kernel = process(2, ppid=0, comm=comm, kernel_thread=True, start_time=0)
    everyone: tuple[Process, ...] = (init, parent, stuck, dead, held, blind, loop, kernel)
    return diagnose(host(*everyone, users={0: "root"}))


def every_line(answer: Diagnosis, width: int) -> list[Line]:
    """All that any command would show of it."""
    lines: list[Line] = []
    for one in answer.processes:
        for everything in (False, True):
            lines += process_screen(answer, one, width, everything, threads=True)
    branches = grow(answer, answer.host.processes, answer.host.processes)
    for notes in (False, True):
        lines += tree_lines(answer, branches, width, notes)
    lines += gap_lines(answer.gaps, width)
    lines += decoded_lines([("SigBlk", MOST), (None, signals("TERM"))], width)
    return lines
