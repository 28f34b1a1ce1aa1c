"""The proof kernel and what proofs need: sums, powers, real powers.

>>> import z3
>>> from qtheory.proof import lemma, variable
>>> x = variable("x")
>>> lemma(z3.Implies(x >= 1, x * x >= x), name="squares of numbers from 1 on")
squares of numbers from 1 on: Implies(x >= 1, x*x >= x)
"""

from qtheory.proof.kernel import (
    INT,
    REAL,
    SEQUENCE,
    Assumption,
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
    "Assumption",
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


def __dir__() -> list[str]:
    """What is for users, so that tab completion shows nothing else."""
    return __all__
