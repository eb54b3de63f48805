"""NOUNS and JUDGEMENTS -> LINES. Never prints.

Contract: may import ``model`` and tabulate; never ``kernel``, ``analysis`` or ``cli``. A
line is made of spans with a role; colour, and the escaping of what strangers
wrote, are the printer's (``cli.output``).
"""
