r"""T1, the decomposition of the excess risk.

Main results
    ``theorem``: E R(w) = A + E R^q(w) - W, for a random w with any moments m = E w_i, v = E w_i^2
    ``decomposed``: the same for given sequences of moments, as T4 and T5 use it

How
    R(w) = 1/2 sum_i lambda_i (w_i - w*_i)^2 and R^q(w) = 1/2 sum_i lambda^q_i (w_i - w^q_i)^2, with
    lambda^q = lambda + D and lambda^q w^q = lambda w*. Each is a sum over coordinates and linear in
    the moments, so the terms of one coordinate decide.
"""

import z3

from qtheory.proof.kernel import Proof, lemma
from qtheory.proof.sums import sum_equal
from qtheory.theory import notation
from qtheory.theory.decomposition import W
from qtheory.theory.definitions import A, risk, risk_q
from qtheory.theory.formal import STANDING, Vocabulary, coordinate, dimension, stated
from qtheory.theory.sequents import Formal, established

d, i = dimension, coordinate
statement = stated("decomposition")


def decomposed(words: Vocabulary) -> Proof:
    """E R(w) = A + E R^q(w) - W for the moments that ``words`` was made for."""
    lam, w = words[notation.lam], words[notation.w_star]
    lq, wq = words[notation.lq], words[notation.wq]
    (R,), (Rq,), (approximation,), (distortion,) = (
        words.summands(symbol) for symbol in (risk, risk_q, A, W)
    )
    # lambda w*^2 - lambda^q (w^q)^2 = (lambda / lambda^q) D w*^2
    constant_terms = lemma(
        z3.Implies(
            z3.And(i >= 0, i < d),
            z3.And(
                lq[i] * wq[i] == lam[i] * w[i],
                lam[i] * w[i] * w[i] - lq[i] * wq[i] * wq[i] == approximation()[i],
            ),
        ),
        approximation.at(i),
        *STANDING.values(),
        *words.unfold(notation.D, notation.lq, notation.wq, at=i),
        name="the constant terms differ by A",
    )
    return lemma(
        words.term(statement.statement),
        # lambda (v - 2 w* m + w*^2)
        #     = lambda^q (v - 2 w^q m + (w^q)^2) + (lambda / lambda^q) D w*^2 - D v
        sum_equal(
            [(1, R())],
            [(1, Rq()), (1, approximation()), (-1, distortion())],
            d,
            lambda k: [
                R.at(k),
                Rq.at(k),
                distortion.at(k),
                constant_terms(i=k),
                *words.unfold(notation.lq, at=k),
            ],
            premises=[STANDING["d"]],
            name="the summands of T1",
        ),
        *words.unfold(risk, risk_q, A, W),
        name="T1",
    )


arbitrary = Formal(statement)
theorem = established(arbitrary, decomposed(arbitrary))
