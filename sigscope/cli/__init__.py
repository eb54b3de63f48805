"""QUESTIONS: one file per command.

Contract: may import every other room; the only one that prints or exits; imported by none but
``__main__``, which runs ``main.main``, or ``bare_run`` where there is nothing to ask.
"""
