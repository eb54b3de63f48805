"""Hypothesis strategies for values of the model."""

from __future__ import annotations

from hypothesis import strategies as st

from sigscope.model.signals import ALL_BITS, Signal, SignalSet

NUMBERS = range(1, 65)

masks = st.integers(0, ALL_BITS)
signal_sets = masks.map(SignalSet)
signals = st.sampled_from(NUMBERS).map(Signal)
subsets = st.frozensets(st.sampled_from(NUMBERS))

hostile_text = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\n\r\t\x00\x07\x1b\x7f\x85\x9b\u200b\u202e\u2028\u2066\ufeff\\'\"`$ "),
    ),
    max_size=40,
)
"""Any text at all, with more of what troubles a terminal than chance would give."""
