"""The statements as SymPy relations."""

from itertools import islice, pairwise

import pytest
import sympy as sp
from hypothesis import given, settings

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls, Float64
from qtheory.risk.recursion import trajectory
from qtheory.theory.definitions import alpha, s2
from qtheory.theory.theorem import Theorem
from tests.theory.test_bounds import bounded_instances


@pytest.mark.parametrize("theorem", qt.theorems.values(), ids=list(qt.theorems))
def test_every_theorem_is_complete(theorem):
    assert isinstance(theorem, Theorem)
    assert isinstance(theorem.statement, sp.core.relational.Relational)
    assert theorem.source
    assert any("arXiv:2510.18259" in reference for reference in theorem.sources)
    assert "aligned" in theorem.latex()
    defined = {item.lhs for item in theorem.definitions}
    assert len(defined) == len(theorem.definitions)
    for relation in theorem.assumptions:
        assert isinstance(relation, sp.core.relational.Relational)


def test_names_of_the_contract():
    assert {
        "decomposition",
        "noise_constants",
        "upper_bound",
        "refined_upper_bound",
        "lower_bound",
    } <= set(qt.theorems)
    assert qt.theorems["upper_bound"].statement.rel_op == "<="


def noise_constants_hold(instance, factor=1):
    """T3 along the whole trajectory: c' <= rho^2 c + gamma^2 lambda^q (alpha S + s2)."""
    theorem = qt.theorems["noise_constants"]
    arithmetic = Balls(bits=300)
    with arithmetic.working():
        numbers = instantiate(Run(*instance), arithmetic)
        values = theorem.values(numbers)
        lq, gamma = numbers.quantized_eigenvalues, numbers.stepsize
        rho, wq = 1 - gamma * lq, numbers.quantized_target
        for now, after in pairwise(islice(trajectory(numbers), numbers.steps + 1)):
            c, c_next = now.v - now.m**2, after.v - after.m**2
            S = (lq * (now.v - 2 * wq * now.m + wq**2)).sum()
            noise = factor * gamma**2 * lq * (values[alpha] * S + values[s2])
            if not all(c_next <= rho**2 * c + noise + arithmetic.number(sp.Rational(1, 10**60))):
                return False
    return True


@settings(max_examples=60, deadline=None)
@given(bounded_instances())
def test_noise_constants_along_the_trajectory(instance):
    try:
        qt.theorems["noise_constants"].require(Run(*instance))
    except qt.HypothesisError:
        return
    assert noise_constants_hold(instance)


def test_noise_constants_with_a_smaller_constant_fail():
    problem = qt.Problem(1, qt.Explicit([1]), qt.Constant(1), 1)
    instance = (problem, qt.Quantization(), qt.SGD("0.1", steps=20))
    assert noise_constants_hold(instance)
    assert not noise_constants_hold(instance, factor=sp.Rational(1, 2))


def test_decomposition_in_numbers():
    theorem = qt.theorems["decomposition"]
    problem = qt.Problem(3, qt.PowerLaw(2), qt.Constant(1), 1)
    quantization = qt.Quantization(data=qt.Additive("0.1"))
    numbers = instantiate(Run(problem, quantization, qt.SGD("0.1", steps=9)), Float64())
    values = theorem.values(numbers)
    state = next(islice(trajectory(numbers), 9, None))
    values[sp.IndexedBase("m", real=True)] = state.m
    values[sp.IndexedBase("v", nonnegative=True)] = state.v
    left, right = theorem.statement.lhs, theorem.statement.rhs
    by_name = {str(symbol): symbol for symbol in right.free_symbols | {left}}
    assert values[left] == pytest.approx(
        values[by_name["A"]] + values[by_name["E[R^q(w)]"]] - values[by_name["W"]], rel=1e-12
    )


NUMBERS = {
    "T1": "decomposition", "T2": "recursion", "T3": "noise_constants", "T4": "upper_bound",
    "T4'": "refined_upper_bound", "T4\u2019": "refined_upper_bound", "T5": "lower_bound",
    "T5 for E R": "risk_lower_bound", "T6": "spectral_floor", "T7": "feedback_limit",
    "T6, multiplicative": "spectral_shape", "t1": "decomposition", "upper bound": "upper_bound",
    "S1": "sketched_risk", "T4 in a sketch": "sketched_upper_bound",
    "T4\u2032 in a sketch": "sketched_refined_upper_bound",
    "T5 in a sketch": "sketched_lower_bound",
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_the_numbers_of_the_theory_are_names_too(number):
    assert qt.theorems[number] is qt.theorems[NUMBERS[number]]
    assert number in qt.theorems
    assert qt.theorems[number].label.split(",")[0].lower()[:2] == number[:2].lower() or "_" in (
        number.replace(" ", "_")
    )


def test_they_are_listed_by_name_alone():
    assert len(qt.theorems) == len(list(qt.theorems)) == 16
    assert all(theorem.name == name for name, theorem in qt.theorems.items())
    assert qt.theorems._ipython_key_completions_() == list(qt.theorems)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("T44", "did you mean T4"),
        ("uper_bound", "did you mean upper_bound"),
        (5, "T5"),
        (None, "T5"),
    ],
)
def test_what_is_no_theorem_is_told_what_is_near(wrong, near):
    with pytest.raises(KeyError, match=near) as raised:
        qt.theorems[wrong]
    assert isinstance(raised.value, qt.QTheoryError)
    assert str(raised.value).startswith(f"name is {wrong!r}, but must be one of decomposition")
    assert wrong not in qt.theorems
    assert qt.theorems.get(wrong) is None


def test_a_proof_is_found_by_the_number_of_its_theorem():
    assert qt.prove("T1").name == "decomposition"
    assert qt.prove("T8").name == "power_sums"
    with pytest.raises(qt.QTheoryError, match="name is 'T9'"):
        qt.prove("T9")
