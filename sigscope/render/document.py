"""The JSON contract: one document a call, with fixed names (the table stands in sigscope(1)).

New keys may come; a name, once out, keeps its meaning. What is not known is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sigscope.model.container import Container, Group
from sigscope.model.diagnosis import Diagnosis
from sigscope.model.finding import Finding
from sigscope.model.gap import Gap
from sigscope.model.host import Host
from sigscope.model.lineage import Lineage, Link
from sigscope.model.process import Process
from sigscope.model.signals import EMPTY, Signal, SignalSet
from sigscope.model.syscall import SystemCall
from sigscope.model.thread import Thread
from sigscope.render.depths import process_depth_json, thread_depth_json
from sigscope.render.signal_set import Json as Json
from sigscope.render.signal_set import set_json as set_json

if TYPE_CHECKING:  # only explain needs them, and every command starts faster without
    from sigscope.model.catalog import Said
    from sigscope.model.explanation import Explanation
    from sigscope.model.loss import Loss
    from sigscope.model.start import Start

SCHEMA = "sigscope/1"


def document(command: str, host: Host, **content: object) -> Json:
    """The envelope that every command's answer comes in."""
    return {
        "schema": SCHEMA,
        "command": command,
        "host": host.name,
        "time": datetime.fromtimestamp(host.time, timezone.utc).isoformat(timespec="seconds"),
        "engine": list(host.engines),
        **content,
    }


def diagnosis_document(command: str, diagnosis: Diagnosis, processes: Iterable[Process]) -> Json:
    """``pid`` and ``tree``: processes, lineage, findings and gaps."""
    shown = tuple(processes)
    pids = {process.pid for process in shown}
    return document(
        command,
        diagnosis.host,
        processes=[process_json(process) for process in shown],
        lineage=[lineage_json(line) for line in diagnosis.lineage if line.pid in pids],
        findings=[finding_json(finding) for finding in diagnosis.findings if finding.pid in pids],
        gaps=[gap_json(gap) for gap in diagnosis.gaps],
    )


def process_json(process: Process) -> Json:
    """A process with its threads."""
    container, queue = process.container, process.queue
    return {
        "pid": process.pid,
        "start_time": process.start_time,
        "ppid": process.ppid,
        "nspid": list(process.nspid),
        "comm": process.comm,
        "cmdline": None if process.cmdline is None else list(process.cmdline),
        "exe": process.exe,
        "uid": process.uid,
        "saved_uid": process.saved_uid,
        "state": process.state.value,
        "kernel_thread": process.kernel_thread,
        "forked_by": process.forked_by,
        "threads": [thread_json(thread) for thread in process.threads],
        "ignored": set_json(process.ignored),
        "caught": set_json(process.caught),
        "pending": set_json(process.pending),
        "blocked_by_all": set_json(process.blocked_by_all),
        "blocked_by_some": set_json(process.blocked_by_some),
        "signalfds": None
        if process.signalfds is None
        else [
            {
                "fd": fd.fd,
                "polled": fd.polled,
                "readers": list(fd.readers),
                "pollers": list(fd.pollers),
                **(set_json(fd.signals) or {}),
            }
            for fd in process.signalfds
        ],
        "queue": None if queue is None else {"used": queue.used, "limit": queue.limit},
        "seccomp": process.seccomp,
        "no_new_privs": process.no_new_privs,
        "tracer": process.tracer,
        "container": None if container is None else container_json(container),
        "pid_namespace": process.pid_namespace,
        "unit": process.unit,
        "frozen": None if process.frozen is None else process.frozen.value,
        "depth": process_depth_json(process.depth),
    }


def container_json(container: Container) -> Json:
    """What is known of it; null is not known."""
    return {
        "runtime": container.runtime,
        "id": container.id,
        "name": container.name,
        "pod": container.pod,
        "pod_uid": container.pod_uid,
        "hostname": container.hostname,
    }


def group_json(group: Group) -> Json:
    """A container with its processes; ``inside`` are their pids in there, in the same order."""
    return {
        **container_json(group.container),
        "init": group.init,
        "pids": list(group.pids),
        "inside": [group.inside.get(pid) for pid in group.pids],
    }


def thread_json(thread: Thread) -> Json:
    """A thread and its own masks."""
    return {
        "tid": thread.tid,
        "comm": thread.comm,
        "state": thread.state.value,
        "blocked": set_json(thread.blocked),
        "pending": set_json(thread.pending),
        "awaited": set_json(thread.awaited),
        "syscall": _syscall_json(thread.syscall),
        "depth": thread_depth_json(thread.depth),
    }


def _syscall_json(call: SystemCall | None) -> Json | None:
    """null, too, for a thread that is running: it sits in no call."""
    if call is None or call.running:
        return None
    return {"nr": call.number, "name": call.name, "args": [hex(value) for value in call.args]}


def lineage_json(line: Lineage) -> Json:
    """The way of one bit."""
    return {
        "pid": line.pid,
        "signal": Signal(line.signal).name,
        "kind": line.kind.value,
        "origin": None if line.origin is None else _link_json(line.origin),
        "chain": [_link_json(link) for link in line.chain],
        "confidence": line.confidence.value,
        "because": line.because,
        "foreign": line.foreign,
    }


def _link_json(link: Link) -> Json:
    return {
        "pid": link.pid,
        "tid": link.tid,
        "comm": link.comm,
        "threads_blocking": link.holders,
        "threads": link.threads,
    }


def finding_json(finding: Finding) -> Json:
    """A finding; ``remedy`` maps what a command is for to the command."""
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "pid": finding.pid,
        "tid": finding.tid,
        "signals": [signal.name for signal in finding.signals],
        "title": finding.title,
        "detail": finding.detail,
        "evidence": list(finding.evidence),
        "remedy": {remedy.when: remedy.command for remedy in finding.remedies},
    }


def explanation_json(
    explanation: Explanation, documented: Iterable[Said], loss: Loss | None = None
) -> Json:
    """A verdict, with what the program documents for the signal, and what ends with it."""
    sending = explanation.sending
    return {
        "signal": sending.signal.name,
        "pid": explanation.pid,
        "tid": sending.tid,
        "scope": sending.scope.value,
        "outcome": explanation.outcome.value,
        "outcomes": [outcome.value for outcome in explanation.outcomes],
        "acts": explanation.acts,
        "steps": steps_json(explanation),
        "receivers": list(explanation.receivers),
        "documented": [said_json(said) for said in documented],
        "loss": None if loss is None else _loss_json(loss),
    }


def steps_json(explanation: Explanation) -> list[Json]:
    """What was decided, of what."""
    return [{"says": step.says, "because": step.because} for step in explanation.steps]


def said_json(said: Said) -> Json:
    """What a program documents for a signal."""
    return {
        "program": said.program,
        "role": said.role,
        "does": said.does,
        "holds": said.holds,
        "because": said.because,
        "loses": said.loses,
        "source": said.source,
    }


def _loss_json(loss: Loss) -> Json:
    return {
        "connections": None if loss.peers is None else list(loss.peers),
        "unix_connections": loss.unix,
        "children": None if loss.children is None else list(loss.children),
        "restart": loss.restart,
    }


def start_json(start: Start, unknown: SignalSet = EMPTY) -> Json:
    """What a program is started with; whether the ``unknown`` were ignored cannot be told."""
    known = start.ignored - unknown
    content = {"blocked": set_json(start.blocked), "ignored": set_json(known)}
    return {**content, "unknown": set_json(unknown)} if unknown else {**content}


def gap_json(gap: Gap) -> Json:
    """What is missing, why, and how to get it."""
    return {"what": gap.what, "why": gap.why, "hint": gap.hint}
