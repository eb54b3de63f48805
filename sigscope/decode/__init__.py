"""BYTES -> NOUNS: one module per kernel file or struct.

Contract: pure. May import ``model``, ``errors`` and ``struct``; never opens anything. Any
bytes give a value or a :class:`sigscope.errors.DecodeError`, nothing else.
"""
