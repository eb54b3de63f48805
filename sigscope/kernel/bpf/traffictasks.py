"""Programs that tell how a followed process ended, what it was sent, and whom it forked."""

from __future__ import annotations

from sigscope.kernel.bpf.assembler import R0, R1, R2, R3, R4, R6, R7, R8, R10
from sigscope.kernel.bpf.layouts import Layout
from sigscope.kernel.bpf.trafficcode import (
    CHILDREN,
    COMM,
    EXIT,
    FOLLOWED,
    FORK,
    HEAD,
    KEY,
    PID_TGID,
    REGS,
    SIGNAL,
    TGID,
    UPDATE,
    VALUE,
    Maps,
    TrafficCode,
)

FIELDS = ("task_struct.tgid", "task_struct.pid", "task_struct.exit_code")


def exits(maps: Maps, layout: Layout) -> TrafficCode:
    """At sched_process_exit(task): the end of a process, with its exit code."""
    code = TrafficCode(maps)
    code.load(R6, R1, 0, 8)
    code.call(PID_TGID, "get_current_pid_tgid")
    code.do(R1, "=", R0)
    code.do(R0, ">>=", 32)
    code.store(R10, TGID, R0, 4)
    code.store(R10, KEY, R1, 4)
    code.load(R1, R10, KEY, 4)
    code.jump_if(R1, "!=", R0, "done")  # a thread that is not the leader
    code.lookup(maps.targets, TGID)
    code.jump_if(R0, "==", 0, "done")
    code.read_kernel(REGS, 4, R6, layout.at("task_struct.exit_code").offset)
    code.begin(EXIT, "done")
    code.load(R1, R10, REGS, 4)
    code.store(R7, 32, R1, 8)
    code.do(R3, "=", HEAD)
    code.put("done")
    code.label("done")
    code.leave()
    return code


def signals(maps: Maps, layout: Layout) -> TrafficCode:
    """At signal_generate(sig, info, task, group, result): who sent what."""
    code = TrafficCode(maps)
    code.do(R6, "=", R1)
    code.load(R8, R6, 16, 8)
    code.read_kernel(TGID, 4, R8, layout.at("task_struct.tgid").offset)
    code.lookup(maps.targets, TGID)
    code.jump_if(R0, "==", 0, "done")
    code.begin(SIGNAL, "done")
    code.load(R1, R10, TGID, 4)
    code.store(R7, 24, R1, 4)
    code.load(R1, R6, 0, 4)
    code.store(R7, 32, R1, 8)
    code.load(R1, R6, 8, 8)
    code.store(R7, 28, 1, 4)
    code.jump_if(R1, "==", 1, "kernel")  # SEND_SIG_PRIV: the kernel itself
    code.store(R7, 28, 0, 4)
    code.label("kernel")
    code.address(R1, R7, 44)
    code.do(R2, "=", 16)
    code.call(COMM, "get_current_comm")
    code.do(R3, "=", HEAD)
    code.put("done")
    code.label("done")
    code.leave()
    return code


def forks(maps: Maps, layout: Layout) -> TrafficCode:
    """At sched_process_fork(parent, child): follow the children of those that say so."""
    code = TrafficCode(maps)
    code.load(R6, R1, 8, 8)
    code.call(PID_TGID, "get_current_pid_tgid")
    code.do(R0, ">>=", 32)
    code.store(R10, TGID, R0, 4)
    code.lookup(maps.targets, TGID)
    code.jump_if(R0, "==", 0, "done")
    code.load(R1, R0, 0, 4)
    code.jump_if(R1, "<", CHILDREN, "done")
    code.read_kernel(KEY, 4, R6, layout.at("task_struct.tgid").offset)
    code.read_kernel(VALUE, 4, R6, layout.at("task_struct.pid").offset)
    code.load(R1, R10, KEY, 4)
    code.load(R2, R10, VALUE, 4)
    code.jump_if(R1, "!=", R2, "done")  # a thread
    code.store(R10, VALUE, FOLLOWED, 4)
    code.map(R1, maps.targets)
    code.address(R2, R10, KEY)
    code.address(R3, R10, VALUE)
    code.do(R4, "=", 0)
    code.call(UPDATE, "map_update_elem")
    code.begin(FORK, "done")
    code.load(R1, R10, KEY, 4)
    code.store(R7, 24, R1, 4)
    code.do(R3, "=", HEAD)
    code.put("done")
    code.label("done")
    code.leave()
    return code
