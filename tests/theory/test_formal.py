"""One source: the kernel's statement, read back as numbers, is what the bounds evaluate.

The kernel's terms are evaluated here in exact fractions from the kernel's own definitions, so a
mistranslation of a SymPy formula would show as another number.
"""

from dataclasses import replace
from fractions import Fraction
from math import prod

import flint
import pytest
import sympy as sp
import z3

import qtheory as qt
from qtheory.errors import ProofError
from qtheory.theory import formal, notation, theorems
from qtheory.theory.definitions import D_N, QUANTIZED, A, bias, variance
from qtheory.theory.formal import STANDING, Vocabulary, stated, stating
from qtheory.theory.lower import floor
from qtheory.theory.recursion import Q, j, step
from qtheory.theory.sequents import Formal

PARTS = {
    "upper_bound": (A, bias, variance, D_N),
    "refined_upper_bound": (A, bias, variance, D_N),
    "lower_bound": (bias, variance, D_N),
    "risk_lower_bound": (floor, bias, variance, D_N),
    "sketched_upper_bound": (A, bias, variance, D_N),
    "sketched_refined_upper_bound": (A, bias, variance, D_N),
    "sketched_lower_bound": (floor, bias, variance, D_N),
}
#: What is missed by the features of ``instance``, the first four of six coordinates.
MISSED = Fraction(1, 25) + Fraction(1, 36)
CASES = {
    "none": {},
    "additive": {k: qt.Additive("0.1") for k in ("data", "label", "parameter", "activation")},
    "shared": {k: qt.Multiplicative("0.1") for k in ("data", "label", "parameter", "gradient")},
    "elementwise": {
        k: qt.Multiplicative("0.1", "elementwise") for k in ("data", "parameter", "activation")
    },
}


class Reader:
    """Numbers for the kernel's terms, at an instance with rational parameters."""

    def __init__(self, problem, quantization, sgd):
        d = int(problem.dim)
        self.numbers = {
            "d": d, "N": int(sgd.steps), "B": int(sgd.batch), "gamma": exact(sgd.stepsize),
            "sigma^2": Fraction(1, 2) + (MISSED if problem.features else 0),
            "sigma_0^2": Fraction(1, 2), "E <w*, x>^2": Fraction(205, 144) + MISSED,
            "lambda": [Fraction(1, k**2) for k in range(1, d + 1)], "w^*": [Fraction(1)] * d,
        }  # fmt: skip
        for letter, (_, model) in zip("dlpao", quantization.items(), strict=True):
            self.numbers[f"epsilon_{letter}^a"] = exact(model.additive)
            self.numbers[f"epsilon_{letter}^m"] = exact(model.multiplicative)
            self.numbers[f"epsilon_{letter}^s"] = exact(model.shared)
        self.definitions = {}
        for function in (*formal._defined.values(), *formal._summands.values()):
            _, body = function._equations["value"].formula.children()
            self.definitions[function.symbol.name()] = body
        self.cache = {}

    def __call__(self, term, index=None):
        kind, children = term.decl().kind(), term.children()
        if z3.is_rational_value(term):
            return term.as_fraction()
        if z3.is_int_value(term):
            return Fraction(term.as_long())
        if kind == z3.Z3_OP_SELECT:
            name, at = children[0].decl().name(), int(self(children[1], index))
            if name in self.numbers:
                return self.numbers[name][at]
            return self.named(name, at)
        if kind == z3.Z3_OP_UNINTERPRETED:
            name = term.decl().name()
            if name == "total":
                summand, count = children[0].decl().name(), int(self(children[1], index))
                return sum((self.named(summand, k) for k in range(count)), Fraction(0))
            if name == "power":
                return self(children[0], index) ** int(self(children[1], index))
            if name == "i":
                return index
            return Fraction(self.numbers[name]) if name in self.numbers else self.named(name, None)
        if kind == z3.Z3_OP_ITE:
            return self(children[1] if self(children[0], index) else children[2], index)
        return OPERATIONS[kind]([self(child, index) for child in children])

    def named(self, name, index):
        if (name, index) not in self.cache:
            self.cache[name, index] = self(self.definitions[name], index)
        return self.cache[name, index]


def exact(value):
    return Fraction(int(value.p), int(value.q))


OPERATIONS = {
    z3.Z3_OP_ADD: sum,
    z3.Z3_OP_MUL: prod,
    z3.Z3_OP_SUB: lambda parts: parts[0] - sum(parts[1:]),
    z3.Z3_OP_UMINUS: lambda parts: -parts[0],
    z3.Z3_OP_DIV: lambda parts: parts[0] / parts[1],
    z3.Z3_OP_TO_REAL: lambda parts: parts[0],
    z3.Z3_OP_LE: lambda parts: parts[0] <= parts[1],
    z3.Z3_OP_LT: lambda parts: parts[0] < parts[1],
    z3.Z3_OP_GE: lambda parts: parts[0] >= parts[1],
    z3.Z3_OP_GT: lambda parts: parts[0] > parts[1],
}


def instance(case, in_a_sketch=False):
    problem = qt.Problem(6 if in_a_sketch else 4, qt.PowerLaw(2), qt.Constant(1), noise="1/2")
    if in_a_sketch:
        problem = problem.sketched(matrix=[[int(j == k) for k in range(6)] for j in range(4)])
    return problem, qt.Quantization(**CASES[case]), qt.SGD("0.1", 3, steps=7)


# errors that see the rotation of features are refused in a sketch
PAIRS = [(n, c) for n in PARTS for c in CASES if not (n[:6] == "sketch" and c == "elementwise")]


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_the_kernel_means_the_numbers_that_are_evaluated(name, case):
    in_a_sketch = name.startswith("sketched")
    words, where = Formal(theorems[name]), instance(case, in_a_sketch)
    read = Reader(*where)
    if name.endswith("upper_bound"):
        form = "refined" if "refined" in name else "paper"
        bound = qt.upper_bound(*where, digits=30, form=form)
    else:
        bound = qt.lower_bound(*where, digits=30)
    values = {A: bound.approximation, floor: bound.approximation, D_N: bound.effective_dimension}
    if name != "lower_bound":
        values |= {bias: bound.bias, variance: bound.variance}
    for symbol in PARTS[name]:
        if symbol in values:
            number = read(words[symbol])
            assert values[symbol].contains(flint.fmpq(number.numerator, number.denominator))
    if in_a_sketch:
        assert bound.theorem == name
        missed = read(words[notation.perp])
        assert missed == MISSED
        assert (2 * bound.sketching).contains(flint.fmpq(missed.numerator, missed.denominator))
    if name == "lower_bound":
        number = read(words[bias]) + read(words[variance])
        assert bound.quantized_risk.contains(flint.fmpq(number.numerator, number.denominator))


def test_a_drift_would_be_seen():
    theorem = theorems["refined_upper_bound"]
    drifted = replace(
        theorem,
        definitions=tuple(
            sp.Eq(item.lhs, item.rhs * sp.Rational(999, 1000)) if item.lhs == bias else item
            for item in theorem.definitions
        ),
    )
    where = instance("additive")
    words = Formal(drifted)
    number = Reader(*where)(words[bias])
    evaluated = qt.upper_bound(*where, digits=30, form="refined").bias
    assert not evaluated.contains(flint.fmpq(number.numerator, number.denominator))


@pytest.mark.parametrize("limits", [(2, 3), (1, 3), (2, notation.d), (1, notation.N)])
def test_the_kernel_has_sums_over_all_coordinates_only(limits):
    """Sum(lambda_i, (i, 2, 3)) was read as the sum over all of them."""
    words, summand = Vocabulary(()), notation.lam[notation.i]
    with pytest.raises(ProofError, match="not over all coordinates"):
        words.term(sp.Sum(summand, (notation.i, *limits)))
    assert words.term(notation.over_coordinates(summand)).sort() == z3.RealSort()


def test_the_kernel_counts_coordinates_from_0_and_formulas_from_1():
    words = Vocabulary(())
    assert words.term(notation.i).eq(formal.coordinate + 1)
    assert words.term(notation.lam[notation.i]).eq(words[notation.lam][formal.coordinate])


lq = notation.lq
UPPER = theorems["upper_bound"].definitions


@pytest.mark.parametrize(
    "symbol",
    [A, bias, variance, notation.lq, notation.lq[notation.i], notation.gamma, notation.lam],
)
def test_a_symbol_that_is_defined_has_no_other_meaning(symbol):
    """With A = 7, bias = variance = 0 and E R = 7, T4 was "7 <= 7 + 0 + 0"."""
    with pytest.raises(ProofError, match="is defined, it has no other meaning, as 7"):
        Vocabulary(UPPER, {symbol: z3.RealVal(7)})


def test_a_parameter_of_the_model_is_not_defined_anew():
    with pytest.raises(ProofError, match="gamma is a parameter of the model"):
        Vocabulary([sp.Eq(notation.gamma, 7)])
    with pytest.raises(ProofError, match="is defined twice"):
        Vocabulary([sp.Eq(A, 7), sp.Eq(A, 8)])


def test_what_has_no_definition_and_no_meaning_is_refused():
    with pytest.raises(ProofError, match=r"x.i. is not defined, and has no meaning"):
        Vocabulary([sp.Eq(A, notation.over_coordinates(sp.IndexedBase("x")[notation.i]))])


def test_a_definition_with_a_free_coordinate_is_refused():
    with pytest.raises(ProofError, match="uses i, which is not defined yet"):
        Vocabulary([sp.Eq(A, notation.lam[notation.i])])
    with pytest.raises(ProofError, match="uses j, which is not defined yet"):
        Vocabulary([sp.Eq(notation.D[notation.i], notation.lam[j])])


def test_an_entry_of_a_table_is_the_one_that_is_defined():
    i = notation.i
    words = Vocabulary([sp.Eq(Q[i, j], sp.Piecewise((2, sp.Eq(i, j)), (notation.lam[j], True)))])
    k, n = formal.coordinate, formal.other_coordinate
    assert words.term(Q[i, j]).eq(words[Q][n])
    assert words.term(Q[i, i]).eq(words[Q][k])
    (entry,) = words.unfold(Q, at=n)
    assert entry.formula.arg(0).eq(words[Q][n])
    beside, on = (z3.simplify(entry(i=3, j=at).formula.arg(1)) for at in (4, 3))
    assert (str(beside), str(on)) == ("lambda[4]", "2")
    for other in (Q[j, i], Q[step, j], notation.lam[i, j]):
        with pytest.raises(ProofError, match=r"is not (the entry|a quantity)"):
            words.term(other)


def test_the_standing_assumptions_are_fixed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        STANDING["absurd"] = STANDING["d"]
    assert Vocabulary(QUANTIZED)[lq].eq(Vocabulary(QUANTIZED)[lq])


def test_stating_replaces_a_theorem_only_within():
    other = replace(theorems["decomposition"], title="another")
    with stating(other):
        assert stated("decomposition") is other
    assert stated("decomposition") is theorems["decomposition"]
