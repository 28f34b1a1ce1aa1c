"""Sizes at points, compact forms as they are searched for, and regimes joined by max and min."""

from fractions import Fraction

import pytest
import sympy as sp

import qtheory as qt
from qtheory.orders.cell import Cell, CellOutcome, explore
from qtheory.orders.compact import Scale, Search, SideSearch
from qtheory.orders.display import compact_text
from qtheory.orders.evaluation import Evaluation
from qtheory.orders.magnitude import Magnitudes, same
from qtheory.orders.monomial import Monomial
from qtheory.orders.regimes import joined, joined_by_maxima

N, d, a = sp.symbols("N d a", positive=True)
K = sp.Symbol("k", positive=True)
SCALE = Scale(K, sp.Min(d, N ** (1 / a)), "directions learned")
EXPONENTS = frozenset({a})


def leaves_of(formula):
    cells = [Cell({N: 1, d: 1})]
    return explore(lambda c: Evaluation.of_parameters(c, EXPONENTS).order(formula), cells)


def search(formula, kind=Search):
    def evaluation(cell):
        values = {p: Monomial.of(p) for p in cell.parameters}
        return Evaluation(cell, values, EXPONENTS, {K: SCALE.definition})

    return kind(leaves_of(formula), evaluation, [SCALE], EXPONENTS)


def test_sizes_are_those_of_numbers():
    """Against floating point with one large number for all parameters."""
    point = {N: Fraction(3), d: Fraction(1, 2), a: Fraction(2)}
    at = Magnitudes([point], EXPONENTS, {K: SCALE.definition})
    large = 1e60
    for formula in (K / N, sp.Max(d, N ** (1 / a)) + 1, sp.Min(1, d / N) ** 2, N**-a * (d + 1)):
        values = {N: large**3, d: large**0.5, a: 2}
        number = float(sp.log(formula.subs(K, SCALE.definition).subs(values)).evalf())
        ((power, rest),) = at.of(formula)
        assert rest == 0
        assert abs(number / float(sp.log(large)) - float(power)) < 0.02


def test_a_logarithm_is_told_from_a_constant_and_from_its_square():
    at = Magnitudes([{N: Fraction(1)}], frozenset(), {})
    log = sp.log(N)
    assert same(at.of(log)[0], at.of(2 * log)[0])
    assert not same(at.of(log)[0], at.of(sp.Integer(1))[0])
    assert not same(at.of(log)[0], at.of(log**2)[0])
    assert same(at.of(sp.log(N**3))[0], at.of(log)[0])


@pytest.mark.parametrize(
    ("formula", "form"),
    [
        (sp.Min(d, N ** (1 / a)) / N, "k/N"),
        (sp.Min(d / N, N ** (1 / a) / N) + 1 / N**2, "k/N"),
        (sp.Max(1, d / N) + d, "d"),
        (sp.Min(d, N ** (1 / a)) ** 2 + d * sp.log(d), None),  # no corner has a logarithm
    ],
)
def test_a_form_is_found_and_proved(formula, form):
    start = (K + d + 1) * sp.Min(1, K / d, K / N) + K / N + d * sp.Min(1, K / d)
    start = {"k/N": K / N + 1 / N**2 + K / N**2, "d": K + d + 1, None: start}[form]
    found = search(formula).of(start)
    assert (None if found is None else compact_text(found.expression)) == form


def test_a_form_that_is_right_at_points_only_is_not_taken():
    """A negative control: nothing that can be made of the start is right in all cells."""
    assert search(sp.Min(d, N ** (1 / a))).of(d + N) is None
    assert search(sp.Min(d, N ** (1 / a))).of(K**2 / d + K).expression == K


def test_the_side_of_one_needs_less_than_the_order():
    formula = sp.Min(d, N ** (1 / a)) ** 2 / N
    leaves = [
        CellOutcome(leaf.cell, leaf.cell.compare(leaf.outcome, Monomial()))
        for leaf in explore(
            lambda c: _with_side(Evaluation.of_parameters(c, EXPONENTS).order(formula), c),
            [Cell({N: 1, d: 1})],
        )
    ]
    plain = search(formula, SideSearch)
    found = SideSearch(leaves, plain.evaluation, [SCALE], EXPONENTS).of(K**2 / N + 1 / N)
    assert found is not None
    assert found.expression in (K**2 / N, K**2 / N + 1 / N)


def _with_side(order, cell):
    cell.compare(order, Monomial())
    return order


def test_equal_exponents_have_a_case_of_their_own():
    b = sp.Symbol("b", positive=True)
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(b), noise=1)
    found = qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=N)).bias.compact
    (case,) = found.critical
    assert case.conditions == (sp.Eq(b, 5),)
    assert case.factor == sp.log(N)
    assert sp.simplify(case.expression / found.expression - sp.log(N)) == 0


def test_neighbours_of_one_order_are_joined_by_a_maximum():
    eps = sp.Symbol("eps", positive=True)
    formula = sp.Max(sp.Min(1, N * eps), sp.Min(1, N / d))
    root = Cell({N: 1, d: 1, eps: -1})
    leaves = explore(lambda c: (Evaluation.of_parameters(c, frozenset()).order(formula),), [root])
    regimes = joined_by_maxima(joined(root, leaves))
    (one,) = [regime for regime in regimes if regime.order == 1]
    (relation,) = one.conditions
    assert relation == sp.Ge(sp.Max(N * eps, N / d), 1, evaluate=False)
    for values in ((4, 2, 0.1), (4, 8, 0.5), (4, 8, 0.1)):
        point = dict(zip((N, d, eps), values, strict=True))
        assert bool(relation.subs(point)) is (formula.subs(point) == 1)
