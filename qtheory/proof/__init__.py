"""The proof kernel and what proofs need: sums, powers, real powers.

>>> import z3
>>> from qtheory.proof import lemma, variable
>>> x = variable("x")
>>> lemma(x * (1 - x) <= z3.Q(1, 4), name="the largest product")
the largest product: x*(1 - x) <= 1/4
"""

from qtheory.proof.kernel import (
    INT,
    REAL,
    SEQUENCE,
    Hypothesis,
    Proof,
    assume,
    axiom,
    cut,
    define,
    induction,
    instantiate,
    lemma,
    parameter,
    recursive,
    sequence,
    variable,
)

__all__ = [
    "INT",
    "REAL",
    "SEQUENCE",
    "Hypothesis",
    "Proof",
    "assume",
    "axiom",
    "cut",
    "define",
    "induction",
    "instantiate",
    "lemma",
    "parameter",
    "recursive",
    "sequence",
    "variable",
]
