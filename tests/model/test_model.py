"""The model: what it accepts, what it refuses, and what it says."""

import numpy as np
import pytest
import sympy as sp

import qtheory as qt

GOOD = {"dim": 3, "spectrum": qt.PowerLaw(2), "target": qt.Constant(1), "noise": 1}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: qt.Problem(**{**GOOD, "dim": 0}), "dim is 0"),
        (lambda: qt.Problem(**{**GOOD, "dim": 2.5}), "dim is 2.5"),
        (lambda: qt.Problem(**{**GOOD, "dim": float("nan")}), "dim is nan"),
        (lambda: qt.Problem(**{**GOOD, "noise": -1}), "noise is -1"),
        (lambda: qt.Problem(**{**GOOD, "noise": float("nan")}), "noise is nan"),
        (lambda: qt.Problem(**{**GOOD, "spectrum": 2}), "spectrum is 2"),
        (lambda: qt.Problem(**{**GOOD, "target": "1"}), "target is '1'"),
        (lambda: qt.Problem(**{**GOOD, "spectrum": qt.Explicit([1, 2])}), "spectrum is"),
        (lambda: qt.Problem(2, qt.Explicit([1, -1])), r"spectrum values\[1\] is -1"),
        (lambda: qt.Problem(2, qt.Explicit([0, 0])), "spectrum is .*positive eigenvalue"),
        (lambda: qt.Explicit([]), "values is"),
        (lambda: qt.Explicit(["x"]), r"values\[0\] is 'x'"),
        (lambda: qt.PowerLaw(0), "exponent is 0"),
        (lambda: qt.PowerLaw(2, scale=-1), "scale is -1"),
        (lambda: qt.Exponential("-1"), "rate is '-1'"),
        (lambda: qt.Additive(-1), "epsilon is -1"),
        (lambda: qt.Additive("nan"), "epsilon is 'nan'"),
        (lambda: qt.Multiplicative("-0.1"), "epsilon is '-0.1'"),
        (lambda: qt.Multiplicative(1, coupling="both"), "coupling is 'both'"),
        (lambda: qt.Quantization(data=0.1), "data is 0.1"),
        (lambda: qt.SGD(0, steps=1), "stepsize is 0"),
        (lambda: qt.SGD("0.1", 0, steps=1), "batch is 0"),
        (lambda: qt.SGD("0.1", 1.5, steps=1), "batch is 1.5"),
        (lambda: qt.SGD("0.1", steps=0), "steps is 0"),
        (lambda: qt.SGD("0.1", steps=1, output="best"), "output is 'best'"),
        (lambda: qt.SGD("0.1", steps=1, output="tail", tail=2), "tail is 2"),
        (lambda: qt.SGD("0.1", steps=1, output="tail", tail=0), "tail is 0"),
    ],
)
def test_bad_input_names_the_argument(build, message):
    with pytest.raises(qt.QTheoryError, match=message):
        build()


def test_one_name_gives_one_symbol_as_in_sympy():
    N = qt.symbols("N")
    assert sp.Symbol("N", positive=True) == N
    assert qt.SGD("0.1", steps=N).steps == N
    a, b = qt.symbols("a b")
    assert (a, b) == qt.symbols("a, b") == tuple(sp.symbols("a b", positive=True))
    assert qt.symbols("a,") == (a,)
    for wrong in ("", " ", None, ["a"]):
        with pytest.raises(qt.InvalidArgumentError, match="names is"):
            qt.symbols(wrong)


def test_models_add_part_by_part():
    total = qt.Additive("0.1") + qt.Multiplicative("0.2") + qt.Multiplicative("0.3", "elementwise")
    assert (total.additive, total.shared, total.elementwise) == (
        sp.Rational(1, 10),
        sp.Rational(1, 5),
        sp.Rational(3, 10),
    )
    assert total.multiplicative == sp.Rational(1, 2)
    assert qt.Additive(0) == qt.ErrorModel()
    assert qt.Additive(1) != qt.Multiplicative(1)


def test_the_same_objects_hold_symbols():
    a, b, N, eps = qt.symbols("a b N eps")
    problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b), noise=1)
    i = qt.model.spectra.coordinate
    signal = problem.spectrum.formula * problem.target.formula(problem.spectrum.formula) ** 2
    assert sp.simplify(signal - i**-b) == 0
    assert qt.SGD("0.1", steps=N).steps == N
    assert qt.Quantization.uniform(qt.Additive(eps)).gradient.additive == eps


def test_objects_are_values():
    assert qt.Problem(**GOOD) == qt.Problem(**GOOD)
    assert len({qt.SGD("0.1", steps=2), qt.SGD("1/10", steps=2)}) == 1
    quantization = qt.Quantization(label=qt.Additive("0.1"))
    assert eval(repr(quantization), vars(qt)) == quantization


def test_errors_survive_a_trip_to_another_process():
    import pickle

    with pytest.raises(qt.InvalidArgumentError) as caught:
        qt.Additive(-1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_a_source_condition_needs_positive_eigenvalues():
    problem = qt.Problem(3, qt.Explicit([1, 0, "1/2"]), qt.SourceCondition(2))
    with pytest.raises(qt.QTheoryError, match=r"target is SourceCondition.*an eigenvalue is 0"):
        qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=5))


def test_a_list_may_be_an_array_with_one_axis():
    assert qt.Explicit(np.array([2.0, 0.5])) == qt.Explicit([2, "1/2"])
    with pytest.raises(qt.InvalidArgumentError, match="values is"):
        qt.Explicit(np.array([[2.0, 0.5]]))


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: qt.excess_risk(p, qt.Quantization(), qt.SGD("0.1", steps=5)),
        lambda p: qt.upper_bound(p, qt.Quantization(), qt.SGD("0.1", steps=5)),
        lambda p: qt.simulate(p, qt.Quantization(), qt.SGD("0.1", steps=5)),
        lambda p: qt.stability(p, qt.Quantization(), qt.SGD("0.1", steps=5)),
    ],
)
@pytest.mark.parametrize("dim", [5, qt.oo])
@pytest.mark.parametrize(
    "model",
    [
        {"spectrum": qt.SpectrumFormula("c*i**-2")},
        {"target": qt.SignalFormula("c*i**-2")},
        {"spectrum": qt.PowerLaw(sp.Symbol("c", positive=True))},
    ],
)
def test_a_value_is_asked_of_parameters_but_not_of_the_coordinate(ask, dim, model):
    with pytest.raises(qt.QTheoryError) as raised:
        ask(qt.Problem(dim, **model))
    assert "give a value to i" not in str(raised.value)
    if dim == 5:
        assert str(raised.value).endswith("a number is needed here: give a value to c")


def test_an_eigenvalue_is_shown_as_it_was_written():
    with pytest.raises(qt.InvalidArgumentError) as raised:
        qt.Problem(2, qt.Explicit([1, -1e-17]))
    assert "values[1] is -1e-17, but must be zero or positive (where rounding" in str(raised.value)
    # no float: it stays the fraction that it is
    third = -sp.Rational(10**24 + 1, 3 * 10**24)
    with pytest.raises(qt.InvalidArgumentError, match=r"is -1000000000000000000000001/3"):
        qt.Problem(2, qt.Explicit([1, third]))


def test_a_message_has_one_line():
    with pytest.raises(qt.InvalidArgumentError) as raised:
        qt.Explicit(np.eye(3))
    assert len(str(raised.value).splitlines()) == 1
