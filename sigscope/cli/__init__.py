"""QUESTIONS: one file per command. The only room that prints or exits; imported by none.

``main`` is what the installed ``sigscope`` runs.
"""

from sigscope.cli.main import main

__all__ = ["main"]
