"""bpf(2) without a library and without a compiler: programs that read the kernel's own structures.

``syscall`` is the door, ``assembler`` writes programs, ``programs`` loads them, ``layouts``
knows where the fields of this kernel lie (from its BTF, or from the ``cache`` of an earlier
run), ``tasks`` walks the tasks of the host with them, and ``refusal`` says why it may not be.

Contract: as for ``kernel``. Everything is a descriptor: when the last one is closed, or the
process is killed, the kernel takes programs, maps and links away. Nothing is pinned.
"""
