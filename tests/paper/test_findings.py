"""What is said of the paper: its numbers a second time, and other numbers give other verdicts."""

import math
import re
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import qtheory as qt
from qtheory.model import TARGETS
from qtheory.paper import findings as room
from qtheory.paper.experiments import Experiment
from qtheory.paper.finding import VERDICTS, verdict
from qtheory.paper.findings import BATCH, FLOOR, GROWTH, findings
from qtheory.paper.sequel import sequel_findings
from qtheory.reference import theorems
from qtheory.reference.moments import Errors, Setting
from qtheory.report.ledger import _VERDICTS

EPS, GAMMA = 0.01, 0.1
CLAIMS = (
    "At fixed eps additive quantization makes the risk grow",
    "At fixed eps multiplicative quantization adds a risk that does not grow",
    "Additive data quantization",
    "Shared multiplicative data quantization",
    "The batch suppresses the noise of additive",
    "The batch does not suppress the noise of shared multiplicative",
)


@pytest.fixture(scope="module")
def found():
    every = findings()
    assert [f.claim for f in every[len(CLAIMS) :]] == [f.claim for f in sequel_findings()]
    return every[: len(CLAIMS)]


def test_the_findings(found):
    assert all(f.claim.startswith(start) for f, start in zip(found, CLAIMS, strict=True))
    assert [(f.of, f.verdict) for f in found] == [
        ("the risk", "supported"),
        ("the risk", "supported"),
        ("the bound", "supported"),
        ("the bound", "about the bound only"),
        ("the bound", "supported"),
        ("the bound", "about the bound only"),
    ]


def test_no_number_is_near_a_threshold(found):
    decisive = [
        (measure, value)
        for finding, measure in zip(
            found, (GROWTH, GROWTH, FLOOR, FLOOR, BATCH, BATCH), strict=True
        )
        for name, value in finding.values.items()
        if name.startswith(("rise", "share")) and not name.endswith("N=2000")
    ]
    assert len(decisive) == 14
    for measure, value in decisive:
        assert measure.says(value * 1.15) is measure.says(value) is measure.says(value / 1.15)
        assert measure.says(value) is not None


def test_a_finding_says_of_what_it_is_claimed_and_where_the_thresholds_are(found):
    for finding in found:
        rise = "grow" in finding.claim
        assert f"from {'5/4' if rise else '1/10'} on" in finding.explained
        assert f"up to {'4/5' if rise else '1/100'} not" in finding.explained
        assert f"Claimed of {finding.of}." in finding.explained
        record = finding.as_json()
        assert set(record) == {
            "claim", "of", "source", "verdict", "rule", "measured", "values", "summary",
        }  # fmt: skip
        assert f"from {'5/4' if rise else '1/10'} on" in finding.summary
        assert f"not up to {'4/5' if rise else '1/100'}" in finding.summary
    assert set(_VERDICTS) == set(VERDICTS)


def test_thresholds_of_growth_are_reciprocal():
    assert GROWTH.no * GROWTH.yes == 1
    assert GROWTH.says(Fraction(3, 2)) is True  # d
    assert GROWTH.says(1) is None  # log d
    assert GROWTH.says(Fraction(2, 3)) is False  # -1/d


# --- a second source -----------------------------------------------------------------------------


def recursion(scheme, dim, batch, targets, steps=2000):
    """Section 2 of the theory for pure additive or shared errors, one step after the other."""
    on = {t: EPS if t in targets else 0.0 for t in TARGETS}
    add = {t: on[t] if scheme == "additive" else 0.0 for t in on}
    mul = {t: on[t] if scheme == "shared" else 0.0 for t in on}
    lam, noise = np.arange(1, dim + 1) ** -2.0, 1.0
    f2, f3 = 1 + mul["data"], 1 + 3 * mul["data"]
    f4 = 1 + 6 * mul["data"] + 3 * mul["data"] ** 2
    e = add["data"]
    lq = f2 * lam + e
    rho = 1 - GAMMA * lq
    m, v = np.zeros(dim), np.zeros(dim)
    weights, total = np.zeros(dim), np.zeros(dim)
    w_q = lam / lq
    mean = np.zeros(dim)
    for s in range(steps):
        weights = (1 + rho - 2 * rho ** (steps - s)) / (1 - rho)
        total += (v - 2 * w_q * m + w_q**2) * weights
        mean += m / steps
        vh = (1 + mul["parameter"]) * v + add["parameter"]
        # the off-diagonal tables as products of vectors, and what the diagonal has beyond them
        Yy = noise * lq + (f2 * lam + e) * lam.sum() + 2 * f2 * lam**2
        X = (f3 * lam + e) * (lam @ m) + (2 * f3 * lam**2 + 2 * lam * e) * m
        A = (f4 * lam + f2 * e) * (lam @ vh) + (f2 * e * lam + e**2) * vh.sum()
        A += (2 * f4 * lam**2 + 4 * f2 * lam * e + 2 * e**2) * vh
        core = (1 + mul["label"]) * Yy - 2 * X + (1 + mul["activation"]) * A
        core += (add["label"] + add["activation"]) * lq
        same = (1 + mul["gradient"]) * core + add["gradient"] * lq
        cross = lam**2 * (1 + mul["label"]) - 2 * lam * lq * m
        cross = (1 + mul["gradient"]) * (cross + (1 + mul["activation"]) * lq**2 * vh)
        step = same / batch + (1 - 1 / batch) * cross
        v = v + 2 * GAMMA * (lam * m - lq * v) + GAMMA**2 * step
        m = rho * m + GAMMA * lam
    second = total / steps**2 + 2 * w_q * mean - w_q**2
    return math.fsum(lam * (second - 2 * mean + 1)) / 2


@pytest.mark.parametrize("scheme", ["additive", "shared"])
def test_growth_by_the_recursion(found, scheme):
    values = found[("additive", "shared").index(scheme)].values
    added = {}
    for dim in (800, 1200, 1800):
        added[dim] = recursion(scheme, dim, 1, TARGETS) - recursion("none", dim, 1, ())
        assert np.isclose(added[dim], values[f"added/B=1/d={dim}"], rtol=1e-8)
    rise = (added[1800] - added[1200]) / (added[1200] - added[800])
    assert np.isclose(rise, values["rise/risk/B=1"], rtol=1e-3)


def test_the_risks_of_the_issue_and_the_edge():
    for dim, risk in ((400, 0.0527), (1200, 0.0560), (1800, 0.0596)):
        assert round(recursion("additive", dim, 1, TARGETS), 4) == risk
    edge = Experiment("additive", "1e-2", 3600, 1)
    with pytest.raises(qt.UnstableError):
        qt.excess_risk(edge.problem, edge.quantization, edge.sgd, digits=12)


@pytest.mark.parametrize("scheme", ["additive", "shared"])
def test_what_batches_leave_of_the_risk_by_the_recursion(found, scheme):
    errors = ("label", "activation", "gradient")
    large, small = (
        recursion(scheme, 100, batch, errors) - recursion("none", 100, batch, ())
        for batch in (10**6, 1)
    )
    values = found[4 + ("additive", "shared").index(scheme)].values
    assert np.isclose(large / small, values["share/risk/N=2000"], rtol=1e-4)


def reference_bound(scheme, dim, batch, steps, targets):
    eps = Fraction(1, 100)
    errors = Errors(additive=eps) if scheme == "additive" else Errors(shared=eps)
    setting = Setting(
        tuple(Fraction(1, i**2) for i in range(1, dim + 1)),
        (Fraction(1),) * dim,
        Fraction(1),
        Fraction(1, 10),
        batch,
        steps,
        **dict.fromkeys(targets, errors),
    )
    return theorems.upper_bound(setting).risk


@pytest.mark.parametrize("scheme", ["additive", "shared"])
@pytest.mark.parametrize("steps", [2000, 2_000_000])
def test_what_batches_leave_of_the_bound_in_fractions(found, scheme, steps):
    errors = ("label", "activation", "gradient")
    large, small = (
        reference_bound(scheme, 100, batch, steps, errors)
        - reference_bound("none", 100, batch, steps, ())
        for batch in (10**6, 1)
    )
    values = found[4 + ("additive", "shared").index(scheme)].values
    assert np.isclose(float(large / small), values[f"share/bound/N={steps}"], rtol=1e-9)


@pytest.mark.parametrize("scheme", ["additive", "shared"])
@pytest.mark.parametrize("batch", [1, 16])
def test_growth_of_the_bound_in_fractions(found, scheme, batch):
    low, middle, high = (
        reference_bound(scheme, dim, batch, 2000, TARGETS)
        - reference_bound("none", dim, batch, 2000, ())
        for dim in (200, 300, 450)
    )
    values = found[("additive", "shared").index(scheme)].values
    rise = float((high - middle) / (middle - low))
    assert np.isclose(rise, values[f"rise/bound/B={batch}"], rtol=1e-6)


def test_approximation_and_floor_as_sums(found):
    eps = Fraction(1, 1000)
    for finding, spectrum in ((found[2], lambda x: x + eps), (found[3], lambda x: (1 + eps) * x)):
        A = F = 0
        for i in range(1, 201):
            lam = Fraction(1, i**2)
            A += lam * (1 - lam / spectrum(lam)) / 2
            F += lam * (1 - lam / spectrum(lam)) ** 2 / 2
        assert np.isclose(float(A), finding.values["approximation"], rtol=1e-12)
        assert np.isclose(float(F), finding.values["floor"], rtol=1e-12)
        assert np.isclose(float(F / A), finding.values["share/risk"], rtol=1e-12)


# --- other numbers, other verdicts ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "in_bound", "in_risk"),
    list(product(("the risk", "the bound"), (True, False, None), (True, False, None))),
)
def test_every_verdict(of, in_bound, in_risk):
    if of == "the bound" and in_bound is not True:
        expected = "not supported" if in_bound is False else "open"
    elif in_risk is False:
        expected = "about the bound only" if in_bound else "not supported"
    else:
        expected = "supported" if in_risk else "open"
    assert verdict(of, in_bound, in_risk) == expected in VERDICTS


def with_numbers(monkeypatch, risk, bound):
    """Findings from made-up numbers: functions of d, B and N that give what quantization adds."""

    def of(added):
        def total(problem, quantization, sgd, **_):
            dim, batch, steps = int(problem.dim), sgd.batch, int(sgd.steps)
            if dim > 1800:
                raise qt.UnstableError("deliberate")
            exact = quantization == qt.Quantization()
            total = 7 + Fraction(3, batch) + (0 if exact else Fraction(added(dim, batch, steps)))
            return SimpleNamespace(total=total, approximation=Fraction(1), floor=Fraction(1, 30))

        return total

    monkeypatch.setattr(room, "excess_risk", of(risk))
    monkeypatch.setattr(room, "upper_bound", of(bound))
    return [finding.verdict for finding in findings()]


def grows(dim, batch, steps):
    return 1 + Fraction(dim, 1000)


def settles(dim, batch, steps):
    return 1 - Fraction(1, dim)


def between(dim, batch, steps):
    return 1 + math.log(dim)


def falls(dim, batch, steps):
    return 1 / (1 + grows(dim, batch, steps))


@pytest.mark.parametrize(
    ("risk", "bound", "additive", "multiplicative"),
    [
        (grows, grows, "supported", "not supported"),
        (grows, settles, "supported", "about the bound only"),
        (settles, settles, "not supported", "supported"),
        (settles, grows, "about the bound only", "supported"),
        (falls, settles, "not supported", "supported"),
        (between, grows, "open", "open"),
        (settles, between, "not supported", "supported"),
        (lambda d, B, N: (grows if B == 1 else settles)(d, B, N), grows, "open", "open"),
    ],
)
def test_growth_decides(monkeypatch, risk, bound, additive, multiplicative):
    assert with_numbers(monkeypatch, risk, bound)[:2] == [additive, multiplicative]


def leaves(share, at=10**6):
    """A batch leaves this share; at fewer than ``at`` steps all of it."""
    return lambda dim, batch, steps: 1 if batch == 1 or steps < at else Fraction(share)


@pytest.mark.parametrize(
    ("risk", "bound", "additive", "multiplicative"),
    [
        (leaves("1/200"), leaves("1/200"), "supported", "not supported"),
        (leaves("1/5"), leaves("1/200"), "about the bound only", "not supported"),
        (leaves("1/5"), leaves("1/5"), "not supported", "supported"),
        (leaves("1/200"), leaves("1/5"), "not supported", "about the bound only"),
        (leaves("1/20"), leaves("1/5"), "not supported", "open"),
        (leaves("1/20"), leaves("1/200"), "open", "not supported"),
        (leaves("1/5"), leaves("1/20"), "open", "open"),
        (leaves("1/200", at=10**9), leaves("1/5"), "not supported", "supported"),
    ],
)
def test_what_batches_leave_decides(monkeypatch, risk, bound, additive, multiplicative):
    def also_in_dimension(share):
        return lambda dim, batch, steps: share(dim, batch, steps) * grows(dim, 1, steps)

    found = with_numbers(monkeypatch, also_in_dimension(risk), also_in_dimension(bound))
    assert found[4:6] == [additive, multiplicative]


@pytest.mark.parametrize(
    ("floor", "expected"),
    [("1/5", "supported"), ("1/30", "open"), ("1/200", "about the bound only")],
)
def test_the_floor_decides(monkeypatch, floor, expected):
    def total(problem, quantization, sgd, **_):
        return SimpleNamespace(total=1, approximation=Fraction(1), floor=Fraction(floor))

    monkeypatch.setattr(room, "excess_risk", total)
    for scheme in ("additive", "shared"):
        assert room._approximation(scheme, 2000).verdict == expected


def test_the_excerpt_in_the_readme_is_what_is_said(found):
    text = (Path(__file__).parents[2] / "README.md").read_text()
    excerpt = re.search(r"^\* (At fixed eps.*?)\n```$", text, re.DOTALL | re.MULTILINE)[1]
    said = f"{found[0].claim} {found[0].verdict} {found[0].summary}"
    assert said == " ".join(excerpt.split())
