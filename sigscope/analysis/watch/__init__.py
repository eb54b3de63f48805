"""Events become stories: who sent it, why, and what became of it.

``people`` knows who is who, ``origin`` reads the siginfo, ``causes`` finds the signal behind a
signal, ``looks`` judges what /proc says where events cannot decide; ``stories`` joins them.
"""
