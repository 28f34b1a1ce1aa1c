"""Refutation by linear programming beside z3, which decides the same questions in its own way."""

import random

import pytest
import sympy as sp
import z3

from qtheory.orders.linear import decided
from qtheory.orders.signs import signed

a, b = sp.symbols("a b", positive=True)
LOGS = sp.symbols("log(N) log(d) log(eps)", real=True)
SIGNS = [frozenset(signs) for signs in ({1}, {-1}, {0}, {0, 1}, {-1, 0})]
CHOICE = random.Random(20261128)


def by_z3(constraints):
    solver = z3.Solver()
    solver.add(*[signed(polynomial, signs) for polynomial, signs in constraints])
    return solver.check() == z3.unsat


def contradict(constraints):
    """Whether constraints are refuted; a point that is found instead meets them, by SymPy."""
    found = decided(constraints)
    if isinstance(found, dict):
        for polynomial, signs in constraints:
            value = polynomial.xreplace({s: sp.Rational(v) for s, v in found.items()})
            assert sp.sign(value) in signs
    return found is False


def linear():
    return sp.Add(CHOICE.randint(-2, 2), *[CHOICE.randint(-2, 2) * s for s in LOGS])


def with_exponents():
    terms = [CHOICE.choice([0, 1, -1, a, -a, b, b - a]) * s for s in LOGS]
    return sp.expand(sp.Add(*terms))


@pytest.mark.parametrize("count", [2, 4, 6, 8])
def test_linear_conditions_are_decided(count):
    answers = []
    for _ in range(60):
        constraints = [(linear(), CHOICE.choice(SIGNS)) for _ in range(count)]
        answers.append(contradict(constraints))
        assert answers[-1] == by_z3(constraints)
    assert {True, False} == set(answers)


def test_what_is_refuted_with_exponents_has_no_model():
    known = [(a, frozenset({1})), (a - 1, frozenset({1})), (b, frozenset({1}))]
    known += [(log, frozenset({sign})) for log, sign in zip(LOGS, (1, 1, -1), strict=True)]
    refuted, met, all_of_them, count = 0, 0, 0, 120
    for _ in range(count):
        constraints = [*known, *[(with_exponents(), CHOICE.choice(SIGNS[:2])) for _ in range(4)]]
        contradictory = by_z3(constraints)
        found = contradict(constraints)
        assert contradictory or not found
        refuted, all_of_them = refuted + found, all_of_them + contradictory
        met += isinstance(decided(constraints), dict)
    assert refuted >= 0.8 * all_of_them > 0
    assert met >= 0.5 * (count - all_of_them) > 0


def test_conditions_on_exponents_multiply_those_on_logarithms():
    log_n, _, log_eps = LOGS
    given = [(log_eps, frozenset({-1})), (log_n, frozenset({1})), (log_n + log_eps, frozenset({1}))]
    question = (a * log_n + log_eps, frozenset({-1}))
    assert contradict([*given, (a - 1, frozenset({1})), question])
    # where a may be below 1 there is a point
    assert not contradict([*given, (a, frozenset({1})), question])
    assert not contradict([*given[:2], (a - 1, frozenset({1})), question])


def test_what_has_other_reasons_is_left_open():
    log_n = LOGS[0]
    assert not contradict([(log_n**2 - 2 * log_n + 2, frozenset({-1}))])
    assert not contradict([(sp.sqrt(2) * log_n, frozenset({1})), (log_n, frozenset({-1}))])
    assert not contradict([(log_n, frozenset({-1, 1}))])
    assert contradict([(log_n, frozenset({-1, 1})), (sp.S.One, frozenset({-1}))])
