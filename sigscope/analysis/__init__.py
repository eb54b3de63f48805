"""NOUNS -> JUDGEMENTS.

Contract: pure. May import ``model`` and ``errors``; never ``kernel``, ``decode``, ``os``
or ``time``. A judgement that rests on a gap is "not assessed", never "fine".
"""
