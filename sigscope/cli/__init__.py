"""QUESTIONS: one file per command.

Contract: may import every other room; the only one that prints or exits; imported by none.
``main`` is what ``sigscope`` runs.
"""

from sigscope.cli.main import main

__all__ = ["main"]
