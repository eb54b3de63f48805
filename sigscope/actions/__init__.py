"""The only code that leaves a process different than it was found.

Contract: may import ``kernel``, ``analysis``, ``model`` and ``errors``; never ``render`` or
``cli``. What it does to a process is undone, or was asked for and is told.
"""
