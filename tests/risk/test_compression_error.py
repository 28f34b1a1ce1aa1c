"""The error bound of compressed spectra: every constant a second time, from the proof.

The bounds are wide, so a compression that meets its bound says little about the constants in it.
Here they are written down again in rational numbers, from section 2 of the theory and from the
proof in ``compression_error``, and the inequalities they rest on are tried where they are tight.
"""

import cmath
import math
from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise

import flint
import pytest

import qtheory as qt
from qtheory.errors import PrecisionError
from qtheory.model import tails
from qtheory.model.instance import Compression, Rest, instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Balls
from qtheory.numbers.gauss_sums import discrete_gauss
from qtheory.risk import compression, compression_error
from qtheory.risk.compression_error import CompressedSpectrum, Couplings, Panel

F = Fraction
BITS = Balls(bits=200)
SLIGHTLY = F(101, 100)

# Additive, shared and elementwise error of each target.
NONE = {name: (F(0), F(0), F(0)) for name in ("label", "parameter", "activation", "gradient")}
EVERY = {
    "label": (F(1, 5), F(1, 8), F(1, 16)),
    "parameter": (F(1, 3), F(1, 10), F(1, 20)),
    "activation": (F(1, 7), F(1, 6), F(1, 9)),
    "gradient": (F(1, 4), F(1, 5), F(1, 12)),
}
DATA = {
    "exact": (F(0), F(0), F(0)),
    "shared": (F(0), F(1, 10), F(0)),
    "elementwise": (F(0), F(0), F(1, 10)),
    "additive": (F(1, 50), F(0), F(0)),
}
NOISE, GAMMA = F(1, 4), F(1, 20)
# lambda = i^-2 and lambda w*^2 = i^-4, so that w* = 1 / i is rational as well
PROBLEM = qt.Problem(4, qt.PowerLaw(2), qt.SourceCondition(4), "1/4")
LAM = [F(1, i * i) for i in range(1, 5)]
W_STAR = [F(1, i) for i in range(1, 5)]
SIGNAL = [lam * w * w for lam, w in zip(LAM, W_STAR, strict=True)]
CASES = [(data, errors, B) for data in DATA for errors in ("none", "every") for B in (1, 3)]
every_case = pytest.mark.parametrize(("data", "errors", "B"), CASES)


@pytest.fixture(autouse=True)
def _in_balls():
    with BITS.working():
        yield


def ball(x):
    return flint.arb(flint.fmpq(x.numerator, x.denominator)) if isinstance(x, Fraction) else x


def same(found, expected, rel=1e-20):
    """Whether two numbers agree; an enclosure too wide to tell does not."""
    found, expected = flint.arb(ball(found)), flint.arb(ball(expected))
    return bool(abs(found - expected) <= rel * abs(expected))


def model(parts):
    additive, shared, elementwise = parts
    multiplicative = qt.Multiplicative(shared) + qt.Multiplicative(elementwise, "elementwise")
    return qt.Additive(additive) + multiplicative


def quantization_of(data, errors):
    chosen = EVERY if errors == "every" else NONE
    parts = {name: model(error) for name, error in chosen.items()}
    return qt.Quantization(data=model(DATA[data]), **parts)


def instance_of(data, errors, B, problem=PROBLEM, short=None):
    sgd = qt.SGD(GAMMA, B, steps=7)
    return instantiate(Run(problem, quantization_of(data, errors), sgd), BITS, short)


def couplings_of(data, errors, B, problem=PROBLEM):
    return Couplings.of(instance_of(data, errors, B, problem))


def couplings_from_the_theory(data, errors, B):
    """The constants, from the table entries of section 2."""
    eps, shared, elementwise = DATA[data]
    e = shared + elementwise
    others = EVERY if errors == "every" else NONE
    added = {name: error[0] for name, error in others.items()}
    common = {name: error[1] for name, error in others.items()}
    factor = {name: 1 + error[1] + error[2] for name, error in others.items()}
    f2, f3, f4 = 1 + e, 1 + 3 * e, 1 + 6 * e + 3 * e**2
    Q, T = (f2**2, f2) if elementwise else (f4, f3)  # off the diagonal, over lambda_i lambda_j
    same_sample = GAMMA**2 / B * factor["gradient"]
    two_samples = GAMMA**2 * (1 - F(1, B)) * (1 + common["gradient"])
    of_v = factor["parameter"] * same_sample * factor["activation"]
    across = factor["parameter"] * two_samples * (1 + common["activation"])
    g = of_v * (3 * f4 - Q) + across * f2**2
    U, X = of_v * Q, 2 * same_sample * T  # what multiplies S_t, and sum lambda w* m
    mixed = 2 * same_sample * (3 * f3 - T) + 2 * two_samples * f2
    fixed = added["parameter"] / factor["parameter"]
    label = same_sample * factor["label"]
    constant = same_sample * (added["label"] + added["activation"])
    constant += GAMMA**2 / B * added["gradient"]
    return {
        "eps": eps,
        "e": e,
        "rate": GAMMA * f2,
        "U": U,
        "g": g,
        "H": 2 / f2**2 + X / (U * f2),
        "O": 2 * g / f2**2 + mixed / f2,
        "C_1_signal": U / f2**2 + X / f2 + label * f2,
        "C_1_trace": fixed * U,
        "C_1": f2 * (label * NOISE + constant),
        "C_2": fixed * g,
        "C_3": g / f2**2 + mixed / f2 + 2 * f2 * label + two_samples * (1 + common["label"]),
    }


@every_case
def test_couplings_are_those_of_the_theory(data, errors, B):
    found, expected = couplings_of(data, errors, B), couplings_from_the_theory(data, errors, B)
    assert set(expected) == {part.name for part in fields(Couplings)}
    for name, value in expected.items():
        assert same(getattr(found, name), value), name
        assert value == 0 or not same(getattr(found, name), SLIGHTLY * value), name


def test_without_a_signal_nothing_is_divided_by_it():
    problem = qt.Problem(4, qt.PowerLaw(2), qt.Constant(0), "1/4")
    for data in DATA:
        found, usual = (couplings_of(data, "every", 3, which) for which in (problem, PROBLEM))
        for name in ("rate", "U", "g", "H", "C_1_signal", "C_1_trace", "C_1", "C_2"):
            assert same(getattr(found, name), getattr(usual, name))
        assert found.O.is_finite()
        assert found.C_3.is_finite()


def test_a_number_format_has_no_couplings():
    quantization = qt.Quantization(data=qt.formats.get("int8"))
    instance = instantiate(Run(PROBLEM, quantization, qt.SGD(GAMMA, steps=7)), BITS)
    with pytest.raises(TypeError, match="number format"):
        Couplings.of(instance)


# The recursion of n_t ---------------------------------------------------------------------------


def second_moments(data, errors, B, steps):
    """E (w_t - w^q)^2 for t = 0, 1, ..., steps: section 2 with the tables written out."""
    eps, shared, elementwise = DATA[data]
    e = shared + elementwise
    others = EVERY if errors == "every" else NONE
    (l_a, l_s, l_e), (p_a, p_s, p_e) = others["label"], others["parameter"]
    (a_a, a_s, a_e), (o_a, o_s, o_e) = others["activation"], others["gradient"]
    f2, f3, f4 = 1 + e, 1 + 3 * e, 1 + 6 * e + 3 * e**2
    lq = [f2 * x + eps for x in LAM]
    d = range(len(LAM))

    def entry(diagonal, apart, together):
        """Elementwise factors of two coordinates are independent, a shared one is the same."""
        off = apart if elementwise else together
        return [[diagonal(LAM[i]) if i == j else off(i, j) for j in d] for i in d]

    Q = entry(
        lambda x: 3 * f4 * x**2 + 6 * f2 * x * eps + 3 * eps**2,
        lambda i, j: lq[i] * lq[j],
        lambda i, j: f4 * LAM[i] * LAM[j] + f2 * eps * (LAM[i] + LAM[j]) + eps**2,
    )
    T = entry(
        lambda x: 3 * f3 * x**2 + 3 * eps * x,
        lambda i, j: lq[i] * LAM[j],
        lambda i, j: f3 * LAM[i] * LAM[j] + eps * LAM[j],
    )
    Y = entry(
        lambda x: 3 * f2 * x**2 + eps * x,
        lambda i, j: lq[i] * LAM[j],
        lambda i, j: f2 * LAM[i] * LAM[j] + eps * LAM[j],
    )
    wq = [LAM[i] * W_STAR[i] / lq[i] for i in d]
    m, v = [F(0)] * len(LAM), [F(0)] * len(LAM)
    found = []
    for _ in range(steps + 1):
        found.append([v[i] - 2 * wq[i] * m[i] + wq[i] ** 2 for i in d])
        vh = [(1 + p_s + p_e) * v[i] + p_a for i in d]
        following = []
        for i in d:
            Yy = NOISE * lq[i] + sum(Y[i][j] * W_STAR[j] ** 2 for j in d)
            X = sum(T[i][j] * W_STAR[j] * m[j] for j in d)
            A = sum(Q[i][j] * vh[j] for j in d)
            core = (1 + l_s + l_e) * Yy - 2 * X + (1 + a_s + a_e) * A + (l_a + a_a) * lq[i]
            same_sample = (1 + o_s + o_e) * core + o_a * lq[i]
            signal, output = (LAM[i] * W_STAR[i]) ** 2, lq[i] ** 2 * vh[i]
            g = signal - 2 * LAM[i] * W_STAR[i] * lq[i] * m[i] + output
            cross = (1 + o_s) * (g + l_s * signal + a_s * output)
            noise = GAMMA**2 * (same_sample / B + (1 - F(1, B)) * cross)
            following.append(v[i] + 2 * GAMMA * (LAM[i] * W_STAR[i] * m[i] - lq[i] * v[i]) + noise)
        m = [(1 - GAMMA * lq[i]) * m[i] + GAMMA * LAM[i] * W_STAR[i] for i in d]
        v = following
    return found


def by_couplings(c, steps):
    """n_0, ..., n_steps by the recursion of the proof, coordinates meeting only in the drive.

    The constants bound absolute values: what comes from sum lambda w* m has a minus sign there.
    """
    shrink = 1 + c.e
    ratio, mixed = c.H - 2 / shrink**2, c.O - 2 * c.g / shrink**2
    H, O, C_3 = 2 / shrink**2 - ratio, 2 * c.g / shrink**2 - mixed, c.C_3 - 2 * mixed  # noqa: E741
    of_target = c.U / shrink**2 + c.U * ratio
    of_label = c.C_1_signal - of_target  # times sum s, and U / (1 + e)^2 times sum mu V
    mu = [ball(x) + c.eps for x in LAM]
    V = [ball(x) * ball(s) / y**2 for x, s, y in zip(LAM, SIGNAL, mu, strict=True)]
    mu_V = sum(x * y for x, y in zip(mu, V, strict=True))
    C_1 = of_label * ball(sum(SIGNAL)) + (c.U / shrink**2 - c.U * ratio) * mu_V
    C_1 += c.C_1_trace * sum(mu) + c.C_1
    x = [c.rate * y for y in mu]
    a = [2 * p - c.g * y**2 for p, y in zip(x, mu, strict=True)]
    n = [y / shrink**2 for y in V]
    found = [n]
    for t in range(steps):
        rho = [(1 - p) ** t for p in x]
        D = H * sum(y * w * r for y, w, r in zip(mu, V, rho, strict=True))
        Q = c.U * sum(y * p for y, p in zip(mu, n, strict=True)) + C_1 - c.U * D
        n = [
            (1 - b) * p + y * Q + c.C_2 * y**2 + (C_3 - O * r) * w * y**2
            for b, p, y, r, w in zip(a, n, mu, rho, V, strict=True)
        ]
        found.append(n)
    return found


def agree(found, expected):
    return all(
        same(p, q) for n, m in zip(found, expected, strict=True) for p, q in zip(n, m, strict=True)
    )


@every_case
def test_the_recursion_of_the_proof_is_that_of_the_theory(data, errors, B):
    c, expected = couplings_of(data, errors, B), second_moments(data, errors, B, 4)
    assert agree(by_couplings(c, 4), expected)
    for part in fields(Couplings):
        value = getattr(c, part.name)
        if value != 0:
            wrong = replace(c, **{part.name: value * ball(SLIGHTLY)})
            assert not agree(by_couplings(wrong, 4), expected), part.name


# The error bound --------------------------------------------------------------------------------


PANELS = [
    {"error": F(1, 5), "eigenvalue": F(1, 3), "signal": F(1, 4), "contraction": F(1, 10)},
    {"error": F(1, 3), "eigenvalue": F(1, 6), "signal": F(1, 2), "contraction": F(1, 30)},
]
REST = {"eigenvalue": F(1, 40), "count": F(7), "signal": F(1, 9)}
FROZEN, STEPS = F(1, 20), 7
ENDS = {"no rest": (None, None), "alike": (REST, None), "frozen": (REST, FROZEN)}


def bound_from_the_proof(k, panels, rest, frozen, steps):
    """The bound in rational numbers; the rest is one more coordinate, and errs as well."""
    counts, lam, s = [F(1)] * len(LAM), list(LAM), list(SIGNAL)
    if rest is not None:
        counts.append(rest["count"])
        lam.append(rest["eigenvalue"])
        s.append(rest["signal"] / rest["count"])
    mu = [x + k["eps"] for x in lam]
    a = [2 * k["rate"] * x - k["g"] * x**2 for x in mu]
    C_3_O = k["C_3"] + k["O"]

    def total(values):
        return sum(m * x for m, x in zip(counts, values, strict=True))

    quotients = [x / b for x, b in zip(mu, a, strict=True)]
    signal, trace = total(s), total(mu)
    square = total([q * x for q, x in zip(quotients, mu, strict=True)])  # sum mu^2 / a
    cube = total([q * x**2 for q, x in zip(quotients, mu, strict=True)])
    direct = k["C_2"] * cube
    direct += C_3_O * total([q * x * y for q, x, y in zip(quotients, lam, s, strict=True)])
    sums = signals = traces = 0
    for panel in panels:
        error, L, E = panel["error"], panel["eigenvalue"], panel["signal"]
        signals, traces = signals + error * E, traces + error * L
        square += error * L**2 / panel["contraction"]
        direct += error * L**2 * (k["C_2"] * L + C_3_O * E) / panel["contraction"]
    signal, trace = signal + signals, trace + traces
    if frozen is not None and rest is not None:
        # x <= a: mu^2 / a <= mu / rate
        rest_trace = rest["eigenvalue"] * rest["count"]
        square += rest_trace / k["rate"]
        direct += frozen * (k["C_2"] * rest_trace + C_3_O * rest["signal"]) / k["rate"]
    theta = k["U"] * square

    # S <= signal + square |Q| + direct, and |Q| <= U S + C_1 + U H signal
    free = k["C_1_signal"] * signal + k["C_1_trace"] * trace + k["C_1"]
    free += k["U"] * k["H"] * signal
    drive = k["U"] * (signal + square * free + direct) / (1 - theta) + free
    for panel in panels:
        error, L, E = panel["error"], panel["eigenvalue"], panel["signal"]
        pushed = L**2 * drive + k["C_2"] * L**3 + C_3_O * L**2 * E
        sums += error * (E + pushed / panel["contraction"])
    if frozen is not None and rest is not None:
        # The true rest and what stands for it: mu n_0 <= s falls by at most N a <= 2 N x of itself.
        fallen = 2 * steps * k["rate"] * frozen * rest["signal"]
        rest_trace = rest["eigenvalue"] * rest["count"]
        pushed = frozen * rest_trace * (drive + k["C_2"] * frozen)
        pushed += C_3_O * frozen**2 * rest["signal"]
        sums += 2 * (fallen + steps * pushed)
        signals += 2 * steps * k["rate"] * frozen * rest["signal"]  # rho^t falls by N x
    change = k["C_1_signal"] * signals + k["C_1_trace"] * traces + k["U"] * k["H"] * signals
    # dS = sums + square dQ and dQ = U dS + change
    error_of_drive = (k["U"] * sums + change) / (1 - theta)
    return (1 + k["e"]) * (sums + square * error_of_drive) + 8 * signals


def as_panel(panel):
    return Panel(**{name: ball(value) for name, value in panel.items()})


def found_bound(data, errors, B, panels, rest, frozen, steps=STEPS):
    positions, ones = [flint.arb(i) for i in range(1, 5)], [flint.arb(1)] * 4
    if rest is not None:
        rest = Rest(*(ball(rest[name]) for name in ("eigenvalue", "count", "signal")))
    short = Compression(positions, ones, rest)
    infinite = replace(PROBLEM, dim=qt.oo)
    instance = instance_of(data, errors, B, infinite, short)
    largest = None if frozen is None else ball(frozen)
    compressed = CompressedSpectrum(short, [as_panel(panel) for panel in panels], steps, largest)
    return compression_error.error_bound(compressed, instance)


@every_case
@pytest.mark.parametrize("end", ENDS)
def test_the_error_bound_is_that_of_the_proof(data, errors, B, end):
    k = couplings_from_the_theory(data, errors, B)
    found = found_bound(data, errors, B, PANELS, *ENDS[end])
    assert same(found, bound_from_the_proof(k, PANELS, *ENDS[end], STEPS))
    for name, value in k.items():
        # a rest that errs is the only place where everything has a part
        if value != 0 and end == "frozen":
            wrong = {**k, name: value * SLIGHTLY}
            assert not same(found, bound_from_the_proof(wrong, PANELS, *ENDS[end], STEPS)), name


def test_every_part_of_a_compression_is_in_its_bound():
    k = couplings_from_the_theory("shared", "every", 3)
    found = found_bound("shared", "every", 3, PANELS, REST, FROZEN)
    assert same(found, bound_from_the_proof(k, PANELS, REST, FROZEN, STEPS))
    for which, panel in enumerate(PANELS):
        for name, value in panel.items():
            panels = [*PANELS[:which], {**panel, name: value * SLIGHTLY}, *PANELS[which + 1 :]]
            assert not same(found, bound_from_the_proof(k, panels, REST, FROZEN, STEPS))
    for name, value in REST.items():
        rest = {**REST, name: value * SLIGHTLY}
        assert not same(found, bound_from_the_proof(k, PANELS, rest, FROZEN, STEPS))
    assert not same(found, bound_from_the_proof(k, PANELS, REST, FROZEN * SLIGHTLY, STEPS))
    assert not same(found, bound_from_the_proof(k, PANELS, REST, FROZEN, STEPS + 1))


def test_no_bound_where_the_tail_is_not_shown_to_contract():
    panel = PANELS[0]
    k = couplings_from_the_theory("shared", "every", 3)
    # theta = 1 at this error of the panel, as theta is affine in it
    square = sum(x**2 / (2 * k["rate"] * x - k["g"] * x**2) for x in LAM)
    error = (1 / k["U"] - square) * panel["contraction"] / panel["eigenvalue"] ** 2
    below, above = ({**panel, "error": error * (1 + F(sign, 10**9))} for sign in (-1, 1))
    assert found_bound("shared", "every", 3, [below], None, None) > 0
    with pytest.raises(PrecisionError):
        found_bound("shared", "every", 3, [above], None, None)
    # x <= a for all up to this eigenvalue; the rest is small enough for theta < 1
    largest = k["rate"] / k["g"]
    rest = {**REST, "count": F(1, 10)}
    below, above = (largest * (1 + F(sign, 10**9)) for sign in (-1, 1))
    assert found_bound("shared", "every", 3, [], rest, below) > 0
    with pytest.raises(PrecisionError):
        found_bound("shared", "every", 3, [], rest, above)
    # exactly x = a: every number is a short binary fraction here
    short = Compression([flint.arb(1)], [flint.arb(1)], Rest(*map(flint.arb, (1, 0.125, 1))))
    sgd = qt.SGD("1/4", steps=7)
    instance = instantiate(Run(PROBLEM, qt.Quantization(), sgd), BITS, short)
    c = Couplings.of(instance)
    assert (c.rate, c.g) == (0.25, 0.125)
    compressed = CompressedSpectrum(short, [], 7, flint.arb(2))
    assert compression_error.error_bound(compressed, instance) > 0


# Panels -----------------------------------------------------------------------------------------


def on_ellipse(first, n, r, angle):
    """The middle plus half the width times (z + 1/z) / 2 with |z| = r."""
    z = r * cmath.exp(1j * angle)
    return first + (n - 1) / 2 + (n - 1) / 2 * (z + 1 / z) / 2


def slack(y):
    """A lower bound on 1 - |1 - y|, from (1 - |1 - y|)(1 + |1 - y|) = 2 Re y - |y|^2."""
    return y.real - abs(y) ** 2 / 2


PANEL_CASES = [
    (qt.PowerLaw(2), qt.SourceCondition(3), "exact"),
    (qt.PowerLaw("3/2"), qt.Constant(1), "shared"),
    (qt.Exponential("1/50"), qt.SourceCondition(2), "additive"),
]
VALUES = [
    lambda i: (i**-2, i**-3),
    lambda i: (i**-1.5, i**-1.5),
    lambda i: (cmath.exp(-i / 50), i**-2),
]


def plain(**values):
    """Couplings with only these, and x = mu."""
    names = [part.name for part in fields(Couplings)]
    return Couplings(*(flint.arb(ball(values.get(name, F(name == "rate")))) for name in names))


every_panel = pytest.mark.parametrize(
    ("spectrum", "target", "data", "values"),
    [(*case, values) for case, values in zip(PANEL_CASES, VALUES, strict=True)],
)


def large(spectrum, target, data):
    return qt.Problem(10**6, spectrum, target, "1/4"), couplings_of(data, "every", 3)


@every_panel
@pytest.mark.parametrize("k", [0, 123456, 500000, 999999])
def test_the_values_on_a_short_arc_are_those_at_its_middle(
    monkeypatch, spectrum, target, data, values, k
):
    problem, c = large(spectrum, target, data)
    segments, first, n, r = 10**6, 65, 33, 2.5
    monkeypatch.setattr(compression, "_SEGMENTS", segments)
    found = compression._on_segment(problem, first, n, flint.arb(r), k, c, flint.arb(0))
    lam, signal = values(on_ellipse(first, n, r, (k + 0.5) * math.pi / segments))
    mu = lam + float(c.eps.mid())
    a = 2 * float(c.rate.mid()) * mu - float(c.g.mid()) * mu**2
    for ours, theirs in zip(found, (abs(mu), abs(signal), slack(a)), strict=True):
        assert same(ours, flint.arb(theirs), 1e-3)
        assert not same(ours, flint.arb(theirs * 1.01), 1e-3)


@pytest.mark.parametrize("k", [0, 10, 40, 47])
def test_the_arcs_leave_no_gap(monkeypatch, k):
    """The box of an arc reaches both ends of it, and not a hundredth further."""
    places = []
    monkeypatch.setattr(compression, "in_balls", lambda _, place: places.append(place) or place)
    problem, c = large(*PANEL_CASES[0])
    first, n, r = 10**6, 33, 1000  # nearly a circle, so that the box has no slack
    compression._on_segment(problem, first, n, flint.arb(r), k, c, flint.arb(0))
    box = places[0]

    def inside(part):
        point = on_ellipse(first, n, r, (k + part) * math.pi / compression._SEGMENTS)
        return box.real.overlaps(flint.arb(point.real)) and box.imag.overlaps(flint.arb(point.imag))

    assert all(inside(part) for part in (0, 0.5, 1))
    assert not any(inside(part) for part in (-0.01, 1.01))


@every_panel
def test_an_ellipse_bounds_what_is_on_it_and_is_the_largest(spectrum, target, data, values):
    problem, c = large(spectrum, target, data)
    first, n = 65, 65
    radius, panel = compression._suprema(problem, first, n, c)
    r, eps, rate, g = (float(x.mid()) for x in (radius, c.eps, c.rate, c.g))
    mus, signals = [], []
    for k in range(481):
        lam, signal = values(on_ellipse(first, n, r, k * math.pi / 480))
        mus.append(lam + eps)
        signals.append(abs(signal))
    true = (
        max(map(abs, mus)),
        max(signals),
        min(1 - abs(1 - (2 * rate * mu - g * mu**2)) for mu in mus),
    )
    names = ("eigenvalue", "signal", "contraction")
    for name, value, side in zip(names, true, (1, 1, -1), strict=True):
        assert 0 <= side * (getattr(panel, name) - value) < 3 * value


def test_the_largest_ellipse_is_tried_first_and_the_worst_of_its_arcs_counts(monkeypatch):
    problem = qt.Problem(10**6, qt.PowerLaw(2), qt.SourceCondition(3), "1/4")
    c = couplings_of("additive", "every", 3)
    first, n, asked = 65, 33, []

    def fake(problem_, first_, n_, r, k, c_, least):
        assert (problem_, first_, n_, c_) == (problem, first, n, c)
        asked.append((float(r.mid()), k, least))
        if r > 3 and k == 5:
            return None
        # the largest and least at different arcs, neither first nor last
        return flint.arb(10 - abs(k - 3)), flint.arb(20 - abs(k - 9)), flint.arb(1 + abs(k - 7))

    monkeypatch.setattr(compression, "_on_segment", fake)
    radius, panel = compression._suprema(problem, first, n, c)
    assert radius == 3
    assert (panel.eigenvalue, panel.signal, panel.contraction) == (10, 20, 1)
    radii = list(dict.fromkeys(r for r, _, _ in asked))
    assert radii == [6, 5, 4, 3.5, 3]
    assert all(p > q for p, q in pairwise(compression._RADII))
    assert compression._RADII[-1] > 1
    assert [k for r, k, _ in asked if r == 3] == list(range(compression._SEGMENTS))
    # an eighth of what the middle, 81, has left
    least = (1 - c.rate * (flint.arb(81) ** -2 + c.eps) / 2) / 8
    assert all(same(x, least) and not same(x, least * 1.0001) for _, _, x in asked)
    monkeypatch.setattr(compression, "_on_segment", lambda *_: None)
    assert compression._suprema(problem, first, n, c) is None


def test_an_ellipse_stays_where_the_formulas_are_analytic(monkeypatch):
    """In the right half plane: its left end is at 81 - 16 (r + 1/r) / 2."""
    problem, _ = large(*PANEL_CASES[0])
    monkeypatch.setattr(compression, "_SEGMENTS", 10**6)
    monkeypatch.setattr(compression, "in_balls", lambda *_: flint.acb(0.001))
    edge = (10.125 + math.sqrt(10.125**2 - 4)) / 2
    for factor, allowed in ((0.999, True), (1.001, False)):
        r = flint.arb(edge * factor)
        found = compression._on_segment(problem, 65, 33, r, 999999, plain(), flint.arb(0))
        assert (found is not None) == allowed


def test_an_ellipse_stays_where_the_signal_has_a_bound(monkeypatch):
    problem, c = large(*PANEL_CASES[0])
    arguments = (problem, 65, 33, flint.arb(2), 5, c, flint.arb(0))
    assert compression._on_segment(*arguments) is not None
    values = iter([flint.acb(0.001), flint.acb("nan")])
    monkeypatch.setattr(compression, "in_balls", lambda *_: next(values))
    assert compression._on_segment(*arguments) is None


def test_an_ellipse_stays_where_mu_has_no_zero(monkeypatch):
    """lambda = e^(-i / 50) at a position with imaginary part 50 t has the phase -t."""
    problem, _ = large(*PANEL_CASES[2])
    monkeypatch.setattr(compression, "_SEGMENTS", 10**6)
    # the top of the ellipse is at 465 + 400 (r - 1/r) / 2 i, here 465 + 50 pi i: lambda < 0
    first, n, k = 65, 801, 500000
    half = 50 * math.pi / 400
    r = half + math.sqrt(half**2 + 1)
    lam = math.exp(-465 / 50)
    for factor, allowed in ((15.99, False), (16.01, True)):
        c = plain(eps=lam * factor)
        found = compression._on_segment(problem, first, n, flint.arb(r), k, c, flint.arb(0))
        assert (found is not None) == allowed


# Rules ------------------------------------------------------------------------------------------


def rule_error(n, r, p):
    """How far a Gauss rule of p nodes for n integers can be off where |h| <= 1 on the ellipse.

    Degree 2 p - 1 is exact and approximates h to 2 r^(1 - 2p) / (r - 1) (Bernstein); the sum and
    the rule, whose positive weights add up to n, are each off by at most n times that.
    """
    return 2 * n * 2 * r ** (1 - 2 * p) / (r - 1)


def about(panel, c):
    """The size that an error of a panel is measured by."""
    L = panel.eigenvalue
    return panel.signal + 4 * L * (1 + c.rate * L / panel.contraction)


@every_panel
@pytest.mark.parametrize("bits", [10, 100])
def test_a_panel_takes_as_few_nodes_as_its_tolerance_allows(spectrum, target, data, values, bits):
    problem, c = large(spectrum, target, data)
    first, n, tolerance = 129, 129, flint.arb(2) ** -bits
    radius, suprema = compression._suprema(problem, first, n, c)
    found = compression._stretch(problem, first, n, c, tolerance)
    p, panel = found.nodes, found.panel
    assert (found.first, found.n) == (first, n)
    assert same(panel.error, rule_error(n, radius, p))
    assert not same(panel.error, rule_error(n, radius, p) * ball(SLIGHTLY))
    for name in ("eigenvalue", "signal", "contraction"):
        assert getattr(panel, name) == getattr(suprema, name)
    size = about(suprema, c)
    assert same(compression._scale(suprema, c), size)
    assert not same(compression._scale(suprema, c), size * ball(SLIGHTLY))
    assert rule_error(n, radius, p) * size < tolerance
    assert p >= 3
    assert p == 3 or not rule_error(n, radius, p - 1) * size < tolerance


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("p", [3, 5, 8])
@pytest.mark.parametrize("r", [1.6, 3.0, 6.0])
def test_a_rule_errs_less_than_its_bound_where_it_errs_most(n, p, r):
    """The Chebyshev polynomial of degree 2 p, the first one that the rule does not integrate.

    On the ellipse it is at most (r^2p + r^-2p) / 2.
    """
    nodes, weights = discrete_gauss(n, p)
    half = flint.arb(n - 1) / 2

    def chebyshev(t):
        return (t / half).chebyshev_t(2 * p)

    exact = sum(chebyshev(k - half) for k in range(n))
    off = abs(sum(w * chebyshev(t) for w, t in zip(weights, nodes, strict=True)) - exact)
    r = flint.arb(r)
    largest = (r ** (2 * p) + r ** (-2 * p)) / 2
    assert off < rule_error(n, r, p) * largest
    assert not off < rule_error(n, r, p) * largest / 30
    # a pole behind the ellipse
    pole = half * (r + 1 / r) / 2 * 1.05
    exact = sum(1 / (pole - (k - half)) for k in range(n))
    off = abs(sum(w / (pole - t) for w, t in zip(weights, nodes, strict=True)) - exact)
    largest = 1 / (pole - half * (r + 1 / r) / 2)
    assert off < rule_error(n, r, p) * largest
    assert not off < rule_error(n, r, 3 * p) * largest


def fixed_suprema(monkeypatch, radius, size, widest=10**9):
    """Ellipses of one radius for panels up to a width; all sizes are 1 but that of the signal."""
    panel = Panel(flint.arb(0), flint.arb(0), flint.arb(size), flint.arb(1))

    def fake(problem, first, n, c):
        return (flint.arb(radius), panel) if n <= widest else None

    monkeypatch.setattr(compression, "_suprema", fake)


@pytest.mark.parametrize("p", [4, 5, 9])
@pytest.mark.parametrize("radius", [1.125, 2, 6])
def test_the_number_of_nodes_changes_exactly_at_the_tolerance(monkeypatch, p, radius):
    fixed_suprema(monkeypatch, radius, 3)
    edge = 3 * rule_error(100, flint.arb(radius), p)
    for factor, nodes in ((1.001, p), (1, p + 1), (0.999, p + 1)):
        found = compression._stretch(PROBLEM, 65, 100, plain(), edge * factor)
        assert found.nodes == nodes


def test_a_panel_without_an_ellipse_is_halved(monkeypatch):
    fixed_suprema(monkeypatch, 2, 1, widest=30)
    tolerance = flint.arb(2) ** -6
    assert compression._stretch(PROBLEM, 65, 100, plain(), tolerance).n == 25
    assert compression._stretch(PROBLEM, 65, 30, plain(), tolerance).n == 30
    # and where no ellipse is found at all, three coordinates stay as they are
    fixed_suprema(monkeypatch, 2, 1, widest=0)
    found = compression._stretch(PROBLEM, 65, 100, plain(), tolerance)
    assert (found.n, found.nodes, found.panel) == (3, 3, None)
    positions, counts = found.rule()
    assert positions == [65, 66, 67]
    assert counts == [1, 1, 1]


def test_a_rule_has_fewer_nodes_than_coordinates(monkeypatch):
    fixed_suprema(monkeypatch, 2, 1)
    enough = rule_error(8, flint.arb(2), 7) * 1.001
    found = compression._stretch(PROBLEM, 65, 8, plain(), enough)
    assert (found.n, found.nodes) == (8, 7)
    found = compression._stretch(PROBLEM, 65, 8, plain(), enough / 1.01)
    assert (found.n, found.nodes, found.panel) == (8, 8, None)
    found = compression._stretch(PROBLEM, 65, 4, plain(), flint.arb(100))
    assert (found.n, found.nodes) == (4, 3)  # never fewer than three
    found = compression._stretch(PROBLEM, 65, 3, plain(), flint.arb(100))
    assert (found.n, found.nodes, found.panel) == (3, 3, None)


def test_a_rule_is_placed_on_its_coordinates():
    found = compression._Stretch(65, 20, 6, as_panel(PANELS[0]))
    positions, counts = found.rule()
    for degree in range(12):
        exact = sum(flint.arb(i) ** degree for i in range(65, 85))
        total = sum(w * x**degree for w, x in zip(counts, positions, strict=True))
        assert same(total, exact, 1e-30)
    assert not same(sum(counts), 21)


def test_a_contraction_is_a_lower_bound_on_what_is_lost():
    c = plain(rate=F(1, 8), g=F(1, 4))
    for re in (0.1, 1, 1.5):
        for im in (-0.3, 0, 0.2):
            mu = complex(re, im)
            x, a = mu / 8, mu / 4 - mu**2 / 4
            found = compression._contraction(flint.acb(re, im), c, flint.arb(0))
            if min(slack(x), slack(a)) <= 0:
                assert found is None
            else:
                assert same(found, slack(a), 1e-12)
                assert not same(found, slack(a) * 1.01, 1e-12)
                assert found <= 1 - abs(1 - a)


@pytest.mark.parametrize(("g", "left"), [(0, F(1, 2)), (1, F(3, 4))])
def test_a_contraction_leaves_its_least_part_of_a_and_of_x(g, left):
    """At mu = x = 1/2: a = 1, so 1 - a / 2 is left, or a = 3/4 and less is left of x."""
    x, a = F(1, 2), 1 - F(g, 4)
    least = min(1 - x / 2, 1 - a / 2)
    assert least == (F(1, 2) if g == 0 else F(5, 8))
    c = plain(g=g)
    for factor, some in ((F(999, 1000), True), (F(1001, 1000), False)):
        found = compression._contraction(flint.acb(0.5), c, ball(least * factor))
        assert (found is not None) == some


def test_a_contraction_holds_for_x_as_well_as_for_a():
    # x = 2.2 does not contract, a = 4.4 - 3.4 does
    c = plain(g=3.4 / 2.2**2)
    assert compression._contraction(flint.acb(2.2), c, flint.arb(0)) is None
    assert compression._contraction(flint.acb(1.9), c, flint.arb(0)) is not None
    # nor is a loss a contraction where the least that is asked for is negative
    assert compression._contraction(flint.acb(2.2), c, flint.arb(-1)) is None


# The rest ---------------------------------------------------------------------------------------


EPS = F(1, 2**40)


def rest_of(eigenvalue, count, signal):
    return Rest(ball(eigenvalue), flint.arb(count), flint.arb(signal))


ALIKE = (EPS / 64, 1000, 3)


def test_a_rest_that_moves_alike_errs_as_in_the_proof():
    c = plain(eps=ball(EPS), rate=F(1, 8), g=F(1, 4))
    largest = EPS / 50
    panel = compression._alike(rest_of(*ALIKE), ball(largest), c)
    expected = {
        "error": 1024 * 1000 * F(1, 50) ** 2,
        "eigenvalue": EPS * F(17, 16),
        "signal": 64 * F(1, 50) * 3 / (1024 * 1000 * F(1, 50) ** 2),  # the error times it
    }
    for name, value in expected.items():
        assert same(getattr(panel, name), value)
        assert not same(getattr(panel, name), value * SLIGHTLY)
    # a is nearly 2 rate mu, and Re mu >= 15/16 eps in the disc; a radius has some 30 bits
    assert same(panel.contraction, 2 * F(1, 8) * F(15, 16) * EPS, 1e-8)
    assert not same(panel.contraction, 2 * F(1, 8) * F(15, 16) * EPS * SLIGHTLY, 1e-8)


def test_the_disc_of_a_rest_is_as_wide_as_it_is_high():
    """In its square a = mu / 2 has Re a >= 15/32, |Re a| <= 17/32 and |Im a| <= 1/32."""
    c = plain(eps=F(1), rate=F(1, 4))
    contraction = compression._alike(rest_of(*ALIKE), ball(EPS), c).contraction
    found = F(15, 32) - (F(17, 32) ** 2 + F(1, 32) ** 2) / 2
    assert same(contraction, found, 1e-8)
    assert not same(contraction, found + F(1, 32) ** 2 / 2, 1e-8)
    circle = [1 + cmath.exp(1j * k) / 16 for k in range(100)]
    assert contraction < min(1 - abs(1 - mu / 2) for mu in circle)


def test_a_rest_moves_alike_up_to_a_thirty_second_of_the_error():
    c = plain(eps=ball(EPS), rate=F(1, 8))
    assert compression._alike(rest_of(*ALIKE), ball(EPS / 32), c) is not None
    assert compression._alike(rest_of(*ALIKE), ball(EPS / 32 * (1 + F(1, 2**50))), c) is None
    # and not where the disc does not contract: x = 17/16 eps rate
    for rate, some in ((F(1, 2), True), (F(1), False)):
        c = plain(eps=flint.arb(1), rate=ball(rate))
        assert (compression._alike(rest_of(*ALIKE), ball(F(1, 100)), c) is not None) == some


def analytic_in_the_disc(eps):
    """Functions with their supremum over |lambda| <= eps / 16."""
    disc = eps / 16
    yield lambda z: z / disc, 1
    yield lambda z: (z / disc) ** 2, 1
    for pole in (1.01, 1.3, -1.01, -2, 1.1j, -0.9 + 0.9j):
        yield lambda z, pole=pole: 1 / (z / disc - pole), 1 / (abs(pole) - 1)
    # Blaschke products: no function of modulus 1 at the boundary bends more
    for zero in (0.1, 0.4, 0.5):
        yield lambda z, zero=zero: ((z / disc - zero) / (1 - zero * z / disc)) ** 2, 1


@pytest.mark.parametrize("part", [1 / 32, 1 / 100, 1e-4])
def test_the_mean_eigenvalue_stands_for_all(part):
    eps, m = 0.01, 40
    largest = part * eps
    spread = {
        "halves": [0.0] * 20 + [largest] * 20,  # as far from their mean as can be
        "even": [largest * k / m for k in range(m)],
        "one": [largest] + [0.0] * 39,
    }
    worst = worst_signal = worst_end = 0
    for lam in spread.values():
        mean = sum(lam) / m
        for f, largest_value in analytic_in_the_disc(eps):
            off = abs(sum(map(f, lam)) - m * f(mean))
            worst = max(worst, off / (1024 * m * part**2 * largest_value))
            end = abs(sum(map(f, lam)) - m * f(largest))
            worst_end = max(worst_end, end / (1024 * m * part**2 * largest_value))
            # all of the signal at the largest or at the least of them
            off = max(abs(f(x) - f(mean)) for x in (min(lam), max(lam)))
            worst_signal = max(worst_signal, off / (64 * part * largest_value))
    assert worst < 1
    assert worst > 1 / 20
    assert worst_signal < 1
    assert worst_signal > 1 / 5
    # The negative control: any other value than the mean leaves the first order.
    assert worst_end > 4 * worst
    assert part > 1e-3 or worst_end > 1


def test_a_rest_is_frozen_exactly_below_its_thresholds():
    largest, steps = F(1, 1024), 4
    c = plain(rate=F(1, 8))
    moved = steps * F(1, 8) * largest  # 2^-11
    # trace and signal, and both in units of the stepsize
    size = (F(1, 2048) * 16 + 3) * (1 + 8)
    rest = rest_of(F(1, 2048), 16, 3)

    def frozen(largest, steps, tolerance):
        return compression._is_frozen(rest, ball(largest), c, steps, ball(tolerance))

    assert frozen(largest, steps, moved * size * F(1001, 1000))
    assert not frozen(largest, steps, moved * size)
    assert not frozen(largest, steps, moved * size * F(999, 1000))
    # within a run that moves a coordinate once over nothing is frozen, however rough
    assert frozen(F(8) * F(999, 4000), steps, 10**9 * F(1))
    assert not frozen(F(8, 4), steps, 10**9 * F(1))


def test_a_rest_that_moves_alike_errs_less_than_the_tolerance(monkeypatch):
    problem = qt.Problem(10**6, qt.PowerLaw(4), qt.SourceCondition(3), "1/4")
    c = plain(eps=F(1), rate=F(1, 4))
    panel = as_panel({**PANELS[0], "signal": F(1000)})
    monkeypatch.setattr(compression, "_alike", lambda *_: panel)
    edge = panel.error * about(panel, c)
    for factor, ends in ((0.999, False), (1.001, True)):
        end = compression._end(problem, 1000, 10**6, c, 100, edge * factor)
        assert (end.rest is not None) == ends
        assert end.panel is (panel if ends else None)


def test_a_panel_stops_where_the_eigenvalues_are_lost_beside_the_error():
    """2^-16 eps tolerance / (1 + the signal left) is the line; here the signal counts places."""
    problem = qt.Problem(10**6, qt.PowerLaw(2), qt.SourceCondition(0), "1/4")
    first, last = 1000, 10**6
    signal = last + 1 - first

    def kept(line, n):
        tolerance = flint.arb(2) ** -20
        eps = ball(line * 2**16 * (1 + signal)) / tolerance
        c = plain(eps=eps)
        return compression._before_the_rest(problem, first, n, last, c, tolerance)

    # lambda at the last place first + n - 1 is compared with the line
    place = first + 800 - 1
    for factor, n in ((F(10**6 - 1, 10**6), 800), (F(10**6 + 1, 10**6), 400)):
        assert kept(F(1, place**2) * factor, 800) == n
    # halved until it is above: 1000 + 100 - 1 is, 1000 + 200 - 1 is not
    assert kept(F(1, 1150**2), 800) == 100
    assert kept(F(1, 1001**2) * F(1000001, 1000000), 800) == 1
    assert kept(F(1, 1001**2) * F(1000001, 1000000), 2) == 1
    # nothing to gain where all of it is below the line
    assert kept(F(1, first**2) * F(1000001, 1000000), 800) == 800
    assert kept(F(1, first**2) * F(999999, 1000000), 800) == 1


def test_without_an_additive_error_or_a_rest_no_panel_is_shortened():
    tolerance = flint.arb(2) ** -20
    problem = qt.Problem(10**6, qt.Exponential("1/2"), qt.SourceCondition(3), "1/4")
    assert compression._before_the_rest(problem, 65, 65, 10**6, plain(), tolerance) == 65
    c = plain(eps=F(1, 2**12))
    assert compression._before_the_rest(problem, 65, 65, 10**6, c, tolerance) < 65
    slow = qt.Problem(10**6, qt.Logarithmic(200), qt.SourceCondition(3), "1/4")
    assert compression._before_the_rest(slow, 65, 65, 10**6, c, tolerance) == 65


def test_a_rest_has_the_sums_of_its_coordinates():
    for (spectrum, target, _), values in zip(PANEL_CASES, VALUES, strict=True):
        problem = qt.Problem(2000, spectrum, target, "1/4")
        rest = compression._rest(problem, 500, 2000, flint.arb(1))
        lam, s = zip(*(values(i) for i in range(500, 2001)), strict=True)
        trace = math.fsum(complex(x).real for x in lam)
        assert rest.count == 1501
        assert same(rest.eigenvalue * rest.count, trace, 1e-12)
        assert same(rest.signal, math.fsum(s), 1e-12)
        assert not same(rest.signal, math.fsum(s[1:]), 1e-12)


def test_a_rest_without_end_has_the_sums_of_its_coordinates():
    problem = qt.Problem(qt.oo, qt.PowerLaw(2), qt.SourceCondition(4), "1/4")
    largest = F(1, 99**2)
    rest = compression._rest(problem, 100, None, ball(largest))
    pi = flint.arb.pi()
    trace = pi**2 / 6 - ball(sum(F(1, i**2) for i in range(1, 100)))
    signal = pi**4 / 90 - ball(sum(F(1, i**4) for i in range(1, 100)))
    assert same(rest.eigenvalue * rest.count, trace)
    assert same(rest.signal, signal)
    assert same(rest.eigenvalue, largest / 2)  # below what bounds each of them


@pytest.mark.parametrize("power", ["3/2", 2, 5])
def test_the_sum_of_a_logarithmic_spectrum_is_enclosed(power):
    """Two enclosures that start at different places differ by the sum between."""
    problem = qt.Problem(qt.oo, qt.Logarithmic(power), qt.SourceCondition(2), "1/4")
    first, later = 50, 4000
    near, far = (tails.sums_from(problem, start)[0] for start in (first, later))
    p = F(power)
    between = math.fsum(1 / (i * math.log(i + 1) ** float(p)) for i in range(first, later))
    assert near.contains(far.mid() + flint.arb(between))
    start, end = near.abs_lower(), near.abs_upper()
    integral = math.log(first + 1) ** float(1 - p) / float(p - 1)
    largest = 1 / (first * math.log(first + 1) ** float(p))
    assert same(start, integral, 1e-8)
    assert same(end, integral * (1 + 1 / first) + largest, 1e-8)
    assert not same(end, integral * (1 + 1.01 / first) + largest, 1e-8)


# Widths -----------------------------------------------------------------------------------------


def test_a_panel_is_as_wide_as_mu_changes_little():
    def width(spectrum, first, eps=0):
        problem = qt.Problem(10**6, spectrum, qt.Constant(1), "1/4")
        return compression._width(problem, first, flint.arb(eps))

    for spectrum in (qt.PowerLaw(2), qt.PowerLaw("7/2"), qt.PowerLaw(4), qt.Logarithmic(2)):
        assert width(spectrum, 65) == 65
    # past an exponent of 4 the first value falls by a factor of about e^4 or less
    assert width(qt.PowerLaw("401/100"), 1000) == 997
    assert width(qt.PowerLaw(8), 65) == 32
    assert width(qt.PowerLaw(300), 65) == 1
    assert width(qt.Exponential("1/10"), 65) == 20
    assert width(qt.Exponential("1/10"), 10) == 10
    assert width(qt.Exponential(3), 65) == 1
    # where lambda is far below eps, mu does not fall any more
    lam = math.exp(-6.5)
    assert width(qt.Exponential("1/10"), 65, lam * 256 * 1.001) == 65
    assert width(qt.Exponential("1/10"), 65, lam * 256 * 0.999) == 20
    assert width(qt.PowerLaw(8), 65, 1) == 65


# All together -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 30])
@pytest.mark.parametrize("data", ["exact", "additive"])
def test_panels_are_measured_in_what_is_left_to_err(data, bits):
    """Every panel errs below the tolerance, the counts are those of all coordinates."""
    dim = 5000
    problem = qt.Problem(dim, qt.PowerLaw(4), qt.SourceCondition(3), "1/4")
    c = couplings_of(data, "every", 3, problem)
    found = compression.compress(problem, c, 100, bits)
    rest = found.coordinates.rest
    assert rest is not None
    assert same(sum(found.coordinates.multiplicities) + rest.count, dim, 1e-30)
    assert found.coordinates.positions[:64] == list(range(1, 65))
    tolerance = flint.arb(2) ** -bits
    for panel in found.panels:
        assert panel.error * about(panel, c) < tolerance
    if data == "exact":
        frozen = found.largest_frozen
        start = dim + 1 - int(rest.count.unique_fmpz())
        assert same(frozen, F(1, (start - 1) ** 4))
        assert 100 * c.rate * frozen < 1
    else:
        assert found.largest_frozen is None
        assert found.panels[-1].eigenvalue > c.eps
    assert found.steps == 100


def test_bits_of_work_and_of_tolerance_are_inverse():
    for tolerance in (1, 7, 100):
        assert compression.working_bits(tolerance) == 150 + 3 * tolerance
        assert compression.tolerance_bits(150 + 3 * tolerance) == tolerance
    assert compression.tolerance_bits(152) == 1
    assert compression.tolerance_bits(155) == 1
    assert compression.tolerance_bits(156) == 2
