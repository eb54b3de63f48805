"""One filter, run on one call whose arguments are all known: what the kernel does, step by step.

bpf_convert_filter of net/core/filter.c gives the classic instructions their meaning: A and X
begin as 0, all is 32 bits without a sign, a division by 0 ends the program with 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigscope.analysis.seccomp.opcodes import (
    A_TO_X,
    ARITHMETIC,
    COMPARISONS,
    DATA_SIZE,
    FROM_X,
    JUMP,
    LOAD_CONSTANT,
    LOAD_CONSTANT_X,
    LOAD_LENGTH,
    LOAD_LENGTH_X,
    LOAD_MEMORY,
    LOAD_MEMORY_X,
    LOAD_WORD,
    MEMORY_WORDS,
    NEGATE,
    RETURN,
    RETURN_A,
    STORE,
    STORE_X,
    X_TO_A,
)
from sigscope.analysis.seccomp.values import COMPARE, FULL, term
from sigscope.model.seccomp import Instruction


def run(program: Sequence[Instruction], words: Sequence[int]) -> int:
    """The 32 bits that it returns for these 16 words of struct seccomp_data.

    >>> run([Instruction(LOAD_WORD, 0, 0, 0), Instruction(RETURN_A, 0, 0, 0)], [219] + [0] * 15)
    219
    """
    a = x = at = 0
    memory = [0] * MEMORY_WORDS
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code == LOAD_WORD:
            a = words[k >> 2]
        elif code == JUMP:
            at += k
        elif code in (RETURN, RETURN_A):
            return k if code == RETURN else a
        elif code in (LOAD_CONSTANT, LOAD_LENGTH, LOAD_MEMORY):
            a = {LOAD_CONSTANT: k, LOAD_LENGTH: DATA_SIZE}.get(code, memory[k % MEMORY_WORDS])
        elif code in (LOAD_CONSTANT_X, LOAD_LENGTH_X, LOAD_MEMORY_X):
            x = {LOAD_CONSTANT_X: k, LOAD_LENGTH_X: DATA_SIZE}.get(code, memory[k % MEMORY_WORDS])
        elif code in (STORE, STORE_X):
            memory[k] = a if code == STORE else x
        elif code == A_TO_X:
            x = a
        elif code == X_TO_A:
            a = x
        elif code == NEGATE:
            a = -a & FULL
        else:
            value = x if code & FROM_X else k
            sign = COMPARISONS.get(code & ~FROM_X)
            if sign is not None:
                at += yes if COMPARE[sign](a, value) else no
                continue
            sign = ARITHMETIC[code & ~FROM_X]
            if sign == "/" and value == 0:
                return 0
            result = term(sign, a, value)
            assert isinstance(result, int)
            a = result
