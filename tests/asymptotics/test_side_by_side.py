"""Two schemes side by side: who wins where, by the sums of T4 themselves."""

import random
from functools import cache

import pytest

import qtheory as qt
from tests.asymptotics.test_scales import number, sums

N, d, eps, eps_m = qt.symbols("N d eps eps_m")
PROBLEM = qt.Problem(d, qt.PowerLaw(2), qt.Constant(1), noise=1)
SGD = qt.SGD(stepsize=1, steps=N)


@cache
def comparison(level):
    schemes = {
        "additive": qt.Quantization(data=qt.Additive(eps)),
        "multiplicative": qt.Quantization(data=qt.Multiplicative(level)),
    }
    return qt.compare_rates(PROBLEM, schemes, SGD)


def points(count):
    draw = random.Random(1)
    for _ in range(count):
        dim = int(10 ** draw.uniform(0, 3.5))
        steps, *levels = (10 ** draw.uniform(*ends) for ends in ((0, 9), (-6, 0), (-6, 0)))
        yield {"d": dim, "N": steps, "eps": levels[0] / dim, "eps_m": levels[1]}


def totals(values):
    """The bounds of both schemes, from the sums."""
    both = []
    for scheme, level in (("additive", "eps"), ("multiplicative", "eps_m")):
        found = sums(scheme, {**values, "a": 2, "b": 2, "eps": values[level]})
        both.append(sum(found.values()))
    return both


def written_out(form, found):
    for scale in reversed(found.scales):
        form = form.xreplace({scale.symbol: scale.definition})
    return form


def test_the_factor_between_the_bounds_is_that_of_the_sums():
    found = comparison(eps_m)
    (contest,) = found.contests
    ratio = written_out(contest.ratio, found)
    for values in points(200):
        additive, multiplicative = totals(values)
        assert 1 / 30 < number(ratio, values) / (additive / multiplicative) < 30


@pytest.mark.parametrize("changed", [1, N])  # with N, the negative control
def test_the_named_winner_wins_by_the_sums(changed):
    found = comparison(eps_m)
    (contest,) = found.contests
    form = written_out(contest.second_wins, found) * changed
    agree = []
    for values in points(200):
        additive, multiplicative = totals(values)
        if all(not 1 / 8 < x < 8 for x in (number(form, values), additive / multiplicative)):
            agree.append((number(form, values) > 1) == (additive > multiplicative))
    assert len(agree) > 20
    assert all(agree) is (changed == 1)


def test_with_one_level_the_multiplicative_bound_is_nowhere_larger():
    found = comparison(eps)
    assert found.winners == ("multiplicative",)
    assert "multiplicative is nowhere larger than additive" in str(found)
    factors = {case.factors.get("additive") for case in found.cases}
    assert d in factors  # every direction below the floor costs as much as the largest
    assert found.assumptions == found.tables["additive"].premises


def test_what_is_shown_is_complete_and_what_is_written_is_json():
    found = comparison(eps)
    text = str(found)
    for term in ("approximation", "bias", "variance", "amplification", "data", "total"):
        assert f"\n{term}" in text
    record = found.as_json()
    assert set(record["tables"]) == {"additive", "multiplicative"}
    assert {tuple(case["winners"]) for case in record["cases"]} == {
        ("multiplicative",),
        ("additive", "multiplicative"),
    }
    assert r"\asymp" in found.latex()
    assert found._repr_latex_().startswith("$$")


def test_two_additive_schemes_have_scales_of_their_own():
    schemes = {
        "coarse": qt.Quantization(data=qt.Additive(eps)),
        "fine": qt.Quantization(data=qt.Additive(eps_m)),
    }
    found = qt.compare_rates(PROBLEM, schemes, SGD, assumptions=["eps_m <= eps"])
    assert found.winners == ("fine",)
    names = [str(scale.symbol) for scale in found.scales]
    assert len(names) == len(set(names))
    assert {"k_eps", "k_eps_m", "k_fine"} <= set(names)


@pytest.mark.parametrize(
    "schemes", [{}, {"one": qt.Quantization()}, {"a": 1, "b": 2}, [qt.Quantization()]]
)
def test_fewer_than_two_quantizations_are_refused(schemes):
    with pytest.raises(qt.InvalidArgumentError, match="quantizations is"):
        qt.compare_rates(PROBLEM, schemes, SGD)


def test_the_winner_is_not_whoever_stands_first():
    exact, noisy = qt.Quantization(), qt.Quantization(data=qt.Multiplicative(eps))
    for schemes in ({"exact": exact, "noisy": noisy}, {"noisy": noisy, "exact": exact}):
        assert qt.compare_rates(PROBLEM, schemes, SGD).winners == ("exact",)


def test_an_assumption_about_no_scheme_is_refused():
    schemes = {"exact": qt.Quantization(), "noisy": qt.Quantization(data=qt.Multiplicative(eps))}
    with pytest.raises(qt.InvalidArgumentError, match="zeta"):
        qt.compare_rates(PROBLEM, schemes, SGD, assumptions=["zeta <= N"])
