"""What would become of a signal: the kernel's own order of decisions, as a tuple to be read.

``RULES`` follows kernel/signal.c: check_kill_permission(), prepare_signal(),
__send_signal_locked(), complete_signal() and get_signal(). Each rule either decides, or leaves
it to the next. That
the verdicts are right is proved against the kernel (tests/differential), not argued here.
"""

from __future__ import annotations

from sigscope.analysis.verdict import along, choosing, queueing, sending
from sigscope.analysis.verdict.delivery import Delivery
from sigscope.analysis.verdict.remarks import remark
from sigscope.model.explanation import Explanation, Outcome, Sending
from sigscope.model.host import Host
from sigscope.model.process import Process

RULES = (
    sending.permission,
    sending.existence,
    sending.known,
    sending.dying,
    sending.stop_and_continue,
    sending.ignored,
    queueing.already_pending,
    queueing.repeated,
    queueing.queue_limit,
    queueing.kill,
    choosing.nobody_open,
    choosing.fatal_at_once,
    choosing.taken_by_the_chosen,
)


def explain(host: Host, process: Process, order: Sending) -> Explanation:
    """The verdict on one signal to one process (looked at closely) of a host.

    Process groups are judged by the processes that the host holds.
    """
    delivery = Delivery(host, process, order)
    for rule in RULES:
        verdict = rule(delivery)
        if verdict is not None:
            first = (Outcome.CONTINUED,) if delivery.continued else ()
            last = along.taken_along(delivery, verdict)
            remark(delivery, verdict)
            if delivery.perhaps_dropped:
                last = (*last, Outcome.DISCARDED)
            return Explanation(
                sending=order,
                pid=process.pid,
                outcomes=tuple(dict.fromkeys((*first, *verdict.outcomes, *last))),
                steps=tuple(delivery.steps),
                receivers=verdict.receivers,
            )
    return Explanation(order, process.pid, (Outcome.UNKNOWN,), tuple(delivery.steps))
