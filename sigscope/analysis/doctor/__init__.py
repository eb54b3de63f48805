"""What each command will be able to do from here: ``rows`` says what it asks, ``judge`` decides.

The rules of who is let in are the kernel's (``kernel.access``): what is shut comes in as values.
"""

from sigscope.analysis.doctor.judge import hidden, outlook, overview, verdict

__all__ = ["hidden", "outlook", "overview", "verdict"]
