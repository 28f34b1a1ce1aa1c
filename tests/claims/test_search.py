"""The attack on claims: wrong ones fall, proved ones stand, and the verdict says no more."""

import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings

import qtheory as qt
from qtheory.claims.claim import NAMES, Sides, claim_of
from qtheory.model.run import Run
from qtheory.model.source import python_code
from qtheory.testing import instances
from qtheory.theory import definitions

CALL = "__import__('os').system('true')"
T4 = qt.theorems["upper_bound"].statement

# few coordinates and steps, so that shrinking is quick
SMALL = instances(largest_dim=2, outputs=("average",))

WRONG = [
    "risk <= bias + variance",  # T4 without its approximation
    "risk <= approximation + bias",
    "risk <= approximation + variance",
    "quantized_risk <= risk",
    "risk >= approximation",  # A is not the floor
    "risk > floor",  # at w* = 0 both may be 0
]
PROVED = [
    "risk <= approximation + bias + variance",
    "risk <= approximation + bias + 2*variance",
    "floor <= approximation",
    "risk >= floor",
    "effective_dimension <= d",
]


@pytest.fixture(scope="module")
def found():
    """The counterexample to T4 without its approximation."""
    return qt.falsify(WRONG[0], max_examples=150, instances=SMALL)


@pytest.mark.long
@pytest.mark.parametrize("claim", WRONG[1:])
def test_a_wrong_claim_falls_with_certified_numbers(claim):
    # the first failure is enough here: what is shrunk is looked at below
    found = qt.falsify(claim, max_examples=150, instances=SMALL)
    assert found is not None
    assert found.sides.holds is False
    assert "certified" in str(found)


@pytest.mark.parametrize("claim", PROVED)
def test_a_proved_claim_survives_and_is_not_called_true(claim):
    found = qt.attack(claim, max_examples=30)
    assert found.counterexample is None
    assert found.examined + found.left_out + found.undecided == 30
    assert found.examined > 15
    assert "no counterexample in" in str(found)
    assert "does not make it true" in str(found)


def test_the_code_of_a_counterexample_reproduces_it(found):
    namespace = {}
    exec(found.code.replace("print(", "risk = ("), namespace)
    assert namespace["problem"] == found.problem
    assert namespace["quantization"] == found.quantization
    assert namespace["sgd"] == found.sgd
    assert namespace["risk"].total.overlaps(found.sides.left)
    bound = qt.upper_bound(found.problem, found.quantization, found.sgd, digits=30, form="paper")
    assert (bound.bias + bound.variance).overlaps(found.sides.right)
    assert found.sides.left > found.sides.right


@given(instances())
@settings(max_examples=60, deadline=None)
def test_code_builds_the_same_objects(instance):
    namespace = {}
    exec("import qtheory as qt\n" + python_code(*instance), namespace)
    assert (namespace["problem"], namespace["quantization"], namespace["sgd"]) == instance


def test_code_knows_formats_and_roundings():
    fp8 = qt.formats.get("fp8_e4m3", scale="1/32")
    quantization = qt.Quantization(
        data=fp8, label=qt.formats.Rounding(fp8, "nearest"), gradient=qt.formats.FP(3, 4)
    )
    namespace = {}
    code = python_code(qt.Problem("oo", qt.Exponential("1/3")), quantization, qt.SGD(1, steps=2))
    exec("import qtheory as qt\n" + code, namespace)
    assert namespace["quantization"] == quantization
    assert namespace["problem"].dim is qt.oo


def test_a_relation_of_sympy_is_a_claim():
    assert qt.falsify(T4, max_examples=20) is None
    without = T4.lhs <= T4.rhs - definitions.A
    assert qt.falsify(without, max_examples=150, instances=SMALL) is not None


def test_the_theorem_says_what_the_terms_mean():
    run = qt.Problem(20), qt.Quantization.uniform(qt.Additive("0.01")), qt.SGD("0.1", steps=100)
    claim = "risk <= approximation + bias + variance/2"
    paper, refined = (claim_of(claim, name) for name in ("upper_bound", "refined_upper_bound"))
    assert paper.at(Run(*run), 30).right > refined.at(Run(*run), 30).right
    for read, form in ((paper, "paper"), (refined, "refined")):
        bound = qt.upper_bound(*run, digits=30, form=form)
        total = bound.approximation + bound.bias + bound.variance / 2
        assert read.at(Run(*run), 30).right.overlaps(total)


def test_functions_are_claims():
    assert qt.falsify(lambda it: it.risk.total <= it.upper_bound.total, max_examples=20) is None
    wrong = qt.falsify(
        lambda it: 2 * it.lower_bound.total >= it.risk.total, max_examples=150, instances=SMALL
    )
    assert wrong is not None
    assert wrong.sides is None
    pair = qt.attack(lambda it: (it.lower_bound.total, it.risk.total), max_examples=40)
    assert pair.counterexample is None
    assert 0 < pair.closest[0] <= 1
    assert pair.left_out > 0  # the last iterate has no such bound
    silent = qt.attack(lambda it: (0 * it.risk.total, it.risk.total), max_examples=5)
    assert silent.closest is None  # 0 is close to nothing


def test_an_error_in_a_function_names_the_instance_and_ends_the_search():
    evaluated = []

    def broken(it):
        evaluated.append(it)
        return 1 / 0 > 0

    with pytest.raises(ZeroDivisionError) as caught:
        qt.falsify(broken, max_examples=5, instances=SMALL)
    assert "problem = qt.Problem(" in caught.value.__notes__[0]
    assert len(evaluated) == 1  # an error is not shrunk as if it were a counterexample


def test_the_same_seed_finds_the_same():
    first, again = (qt.attack("risk >= floor", max_examples=30, seed=3) for _ in range(2))
    assert str(first) == str(again)


def test_what_is_shrunk_is_small(found):
    assert (found.problem.dim, found.sgd.steps, found.sgd.batch) == (1, 1, 1)
    exact = [target for target, model in found.quantization.items() if model.is_exact]
    assert exact == ["label", "parameter", "activation", "gradient"]


def test_progress_is_told():
    told = []
    qt.attack("risk >= floor", max_examples=20, progress=lambda done, all: told.append((done, all)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {20}


def test_balls_that_overlap_decide_nothing():
    wide = flint.arb(1, 0.5)
    assert Sides(wide, "<=", flint.arb(1)).holds is None
    assert Sides(wide, "==", flint.arb(1)).holds is None
    assert Sides(flint.arb(2), "<=", wide).holds is False
    assert Sides(flint.arb(1), "<", flint.arb(1)).holds is False
    assert Sides(flint.arb(1), "==", flint.arb(1)).holds is True


def test_an_identity_is_undecided_and_not_passed():
    # T1, whose two sides no number of digits tells apart where there is an error on the data
    found = qt.attack(lambda it: (it.risk.total, it.risk.total), max_examples=20)
    assert found.counterexample is None
    assert found.undecided > 0
    assert found.examined + found.undecided == 20


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("risc <= bias", r"claim is 'risc'.*did you mean risk"),
        ("risk", r"one relation"),
        ("risk <= bias <= 1", r"one relation"),
        ("risk != bias", r"<=, >=, <, > or =="),
        (CALL, r"one relation"),
        (f"{CALL} <= 1", r"not in the grammar"),
        ("risk <= bias.__class__", r"not in the grammar"),
        ("risk <= (lambda: 1)()", r"not in the grammar"),
        (3, r"claim is 3"),
        (lambda it: "yes", r"claim is 'yes'"),
    ],
)
def test_what_is_no_claim(claim, message):
    with pytest.raises(qt.QTheoryError, match=message):
        qt.falsify(claim, max_examples=5)


def test_other_bad_arguments():
    with pytest.raises(qt.QTheoryError, match=r"theorem is 'T44'.*did you mean T4"):
        qt.falsify("risk >= 0*d", theorem="T44")
    with pytest.raises(qt.QTheoryError, match="max_examples is 0"):
        qt.falsify("risk >= floor", max_examples=0)


def test_every_name_has_a_value():
    instance = (qt.Problem(2), qt.Quantization.uniform(qt.Additive("0.01")), qt.SGD("0.1", steps=9))
    for name in NAMES:
        if name != "d":
            assert claim_of(f"{name} <= d*1000").at(Run(*instance), 30).holds is True
    assert claim_of("d <= 2*N").at(Run(*instance), 30).holds is True


def test_a_function_may_mix_what_the_objects_hand_out():
    """Balls, SymPy numbers and Python's; both sides of a pair and of a comparison."""
    problem = qt.Problem(
        2, qt.PowerLaw(2), qt.Constant(3), noise=1
    )  # its risk is above sigma^2 + 1
    run = problem, qt.Quantization(), qt.SGD("1/10", steps=2), 30
    for claim in (
        lambda i: (i.risk.total, i.problem.noise + 1),
        lambda i: (i.risk.total - i.problem.noise, 1),
        lambda i: (i.risk.total / 2, (i.problem.noise + sp.sqrt(1)) / 2),
        lambda i: (i.risk.total, np.float64(1) + float(i.problem.noise)),
    ):
        assert claim_of(claim).at(Run(*run[:3]), run[3]).holds is False
    for claim in (
        lambda i: i.risk.total <= i.problem.noise + 1,
        lambda i: i.problem.noise + 1 >= i.risk.total,
        lambda i: np.bool_(i.risk.total <= i.problem.noise + 1),
        lambda i: sp.Lt(2, 1),
    ):
        assert claim_of(claim).at(Run(*run[:3]), run[3]) is False
    assert claim_of(lambda i: (0 * i.problem.noise, i.risk.total)).at(Run(*run[:3]), run[3]).holds
    with pytest.raises(qt.InvalidArgumentError, match="claim"):
        claim_of(lambda i: (i.risk.total, "1")).at(Run(*run[:3]), run[3])
