"""What a reader of the verdict should know besides: masks that do not last, faults that force."""

from __future__ import annotations

from sigscope.analysis.verdict.delivery import Delivery, Verdict
from sigscope.model.explanation import Outcome
from sigscope.model.signals import EMPTY, FAULTS


def remark(delivery: Delivery, verdict: Verdict) -> None:
    """Steps at the end, which change nothing of the verdict."""
    _temporary_mask(delivery, verdict)
    _fault(delivery)


def _temporary_mask(delivery: Delivery, verdict: Verdict) -> None:
    """ppoll and its kin have a mask of their own: what holds now does not when they return."""
    if delivery.kernel_only or Outcome.REFUSED in verdict.outcomes:
        return
    for thread in delivery.process.living:
        if thread.syscall is None or not thread.syscall.opens_mask or delivery.held(thread):
            continue
        if delivery.order.tid not in (None, thread.tid):
            continue
        blocks = delivery.signal in (thread.blocked or EMPTY)
        if thread.tid in verdict.receivers or (blocks and Outcome.PENDING in verdict.outcomes):
            delivery.say(
                f"this holds while thread {thread.tid} is in {thread.syscall.name}",
                "its mask is that of the call; its own one comes back afterwards",
            )
            return


def _fault(delivery: Delivery) -> None:
    """force_sig_info_to_task() of kernel/signal.c."""
    if delivery.signal not in FAULTS:
        return
    process = delivery.process
    blocked = delivery.signal in (process.blocked_by_some or EMPTY)
    if blocked or delivery.disposition == "ignored":
        delivery.say(
            "a fault of its own kills it all the same",
            f"where {delivery.name} is {'blocked' if blocked else 'ignored'}, the kernel sets it to"
            " its default first",
        )
