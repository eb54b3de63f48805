"""The kernel judges sigscope's verdicts: random situations, made real, and what became of a signal.

Nothing here reasons about signals: a :class:`~tests.differential.situation.Situation` is
realised by ``situation.c``, and :mod:`~tests.differential.observe` writes down what
happened. The verdict under test reads the same process through /proc, just before.
"""
