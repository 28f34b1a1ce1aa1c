"""T2 as it is shown: its formulas, in exact rationals, are the step that is run and proved."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy as sp

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Symbolic
from qtheory.risk.recursion import Step
from qtheory.theory import theorems
from qtheory.theory.notation import B, additive, d, gamma, i, lam, multiplicative, shared, sigma2
from qtheory.theory.notation import w_star as target
from qtheory.theory.recursion import first, second, step
from tests.theory.test_formal import CASES

T2 = theorems["recursion"]
MEAN = [sp.Rational(1, 2), sp.Rational(-1, 3), sp.Rational(2, 5)]
SQUARE = [sp.Rational(3, 2), sp.Rational(1, 3), sp.Rational(4, 5)]
MIXED = {
    "data": qt.Additive("0.1") + qt.Multiplicative("0.2"),
    "label": qt.Additive("0.3") + qt.Multiplicative("0.1"),
    "activation": qt.Multiplicative("0.3", "elementwise") + qt.Multiplicative("0.1"),
    "gradient": qt.Additive("0.1") + qt.Multiplicative("0.2"),
}


def shown(theorem, problem, quantization, sgd):
    """E w'^2 for each coordinate from the statement of the theorem."""
    numbers = {d: problem.dim, gamma: sgd.stepsize, B: sgd.batch, sigma2: problem.noise, step: 0}
    for name, model in quantization.items():
        numbers |= {
            additive[name]: model.additive,
            multiplicative[name]: model.multiplicative,
            shared[name]: model.shared,
        }
    given = {
        lam: lambda k: sp.Rational(1, k**2),
        target: lambda k: sp.S.One,
        first: lambda t, k: MEAN[k - 1],
        second: lambda t, k: SQUARE[k - 1],
    }
    definitions = {item.lhs.base: item for item in theorem.definitions}

    @cache
    def entry(base, indices):
        if base in given:
            return given[base](*indices)
        item = definitions[base]
        return value(item.rhs.xreplace(dict(zip(item.lhs.indices, indices, strict=True))))

    def value(expression):
        expression = expression.xreplace(numbers).doit()
        entries = {atom: entry(atom.base, atom.indices) for atom in expression.atoms(sp.Indexed)}
        return expression.xreplace(entries)

    return [value(theorem.statement.rhs.xreplace({i: k})) for k in (1, 2, 3)]


def instance(errors):
    problem = qt.Problem(3, qt.PowerLaw(2), qt.Constant(1), noise="1/2")
    return problem, qt.Quantization(**errors), qt.SGD("0.1", 3, steps=1)


def run(where):
    taken = Step.of(instantiate(Run(*where), Symbolic()))
    after = taken.second(np.array(MEAN, dtype=object), np.array(SQUARE, dtype=object))
    return [sp.nsimplify(number) for number in after]


@pytest.mark.parametrize("errors", [*CASES.values(), MIXED], ids=[*CASES, "mixed"])
def test_the_statement_is_the_step(errors):
    where = instance(errors)
    assert [sp.simplify(a - b) for a, b in zip(shown(T2, *where), run(where), strict=True)] == [
        0
    ] * 3


def test_a_dropped_cross_term_is_seen():
    false = replace(T2, statement=sp.Eq(T2.statement.lhs, T2.statement.rhs.subs(1 - 1 / B, 0)))
    where = instance(MIXED)
    assert shown(false, *where) != run(where)
