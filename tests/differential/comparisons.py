"""Everything that computes a risk or a bound, beside the exact rational second source.

Each comparison yields one :class:`Gap` for each number. Balls must hold the rational number and be
narrow; arithmetics that round must be as near as the radius of the same computation in balls of as
many bits allows: balls add up what every rounding may have changed.
"""

import dataclasses
import functools
from dataclasses import dataclass
from fractions import Fraction as F

import flint
import numpy as np

import qtheory as qt
from qtheory.errors import HypothesisError, PrecisionError, UnstableError
from qtheory.model import TARGETS
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Balls, Float64, MPMath, Symbolic
from qtheory.reference import moments as reference
from qtheory.reference import theorems as stated
from qtheory.reference.moments import Errors
from qtheory.risk import powers, recursion
from qtheory.risk.closed_form import ClosedForm
from qtheory.risk.decomposition import decompose
from qtheory.risk.excess import FLOAT_ACCURACY, decomposition_at
from tests.differential.instances import OUTPUTS, arguments, is_stable, moments

DIGITS = 25
#: Wide enough for excess_risk to leave the closed form where two rates of decay are equal.
WIDE = Balls(bits=1100)
MPMATH = MPMath(digits=60)
#: Roundings of midpoints are within the radius of a ball; this much covers sums in another order.
SLACK = 4


@dataclass(frozen=True)
class Gap:
    """By how much one number of the package is off, relative to the second source."""

    name: str
    gap: float
    agrees: bool


def ball(number):
    return flint.arb(flint.fmpq(number.numerator, number.denominator))


def relative(number, truth):
    """The relative distance of a number from the truth, or the absolute one from 0."""
    distance = abs(number - ball(truth))
    return float((distance / abs(ball(truth)) if truth else distance).mid())


def certified(name, found, truth, scale=0, digits=DIGITS):
    """A ball that must hold the truth and have these digits, or those of a scale if 0 is in it."""
    found, size = flint.arb(found), max(abs(truth), F(scale))
    narrow = found.rad() <= ball(size) * flint.arb(10) ** -digits
    agrees = bool(found.overlaps(ball(truth)) and narrow)
    return Gap(name, relative(flint.arb(found.mid()), truth), agrees)


def rounded(name, found, truth, tolerance):
    """A number that must be as near as an absolute tolerance."""
    near = abs(found - ball(truth)) <= tolerance
    return Gap(name, relative(found, truth), bool(near))


# --- the exact risk ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def truth(setting, output, tail):
    """The risk and its parts, from the second source."""
    return reference.risks(setting, moments(setting, output, tail))


def outputs(setting):
    """The outputs that differ: of few steps several tails are the same."""
    seen = set()
    for output, tail in OUTPUTS:
        key = Window.of(arguments(setting, output, tail)[2])
        if key not in seen:
            seen.add(key)
            yield output, tail


def risk(setting):
    """Certified digits and float64 of the public function, with every part that it names."""
    for output, tail in outputs(setting):
        here, there = arguments(setting, output, tail), truth(setting, output, tail)
        exact = qt.excess_risk(*here, digits=DIGITS)
        yield certified(f"R, {output}, certified", exact.total, there.risk)
        largest = max(there.risk, there.quantized_risk, there.approximation, there.floor)
        scale = largest / 10**DIGITS
        yield certified("R^q, certified", exact.quantized_risk, there.quantized_risk, scale)
        yield certified("A, certified", exact.approximation, there.approximation, scale)
        yield certified("F, certified", exact.floor, there.floor, scale)
        plain = qt.excess_risk(*here).total
        allowed = ball(there.risk) * FLOAT_ACCURACY
        yield rounded("R, float64 of excess_risk", flint.arb(plain), there.risk, allowed)


def curve(setting):
    """``risk_curve`` at several numbers of steps is ``excess_risk`` at each, and the truth."""
    steps = sorted({1, setting.steps, 2 * setting.steps, 10**9})
    here = arguments(setting)
    risks = qt.risk_curve(*here, steps=steps, digits=DIGITS)
    scale = F(max(float(found.total) for found in risks)) / 10**DIGITS
    for found, number in zip(risks, steps, strict=True):
        single = qt.excess_risk(*here[:2], here[2].with_steps(number), digits=DIGITS).total
        off = abs(found.total - single) / single if single > 0 else abs(found.total - single)
        yield Gap("curve = its points", float(off.mid()), bool(found.total.overlaps(single)))
        if number <= setting.steps:
            there = truth(dataclasses.replace(setting, steps=number), "average", "1").risk
            yield certified("curve, certified", found.total, there, scale)


def parts(setting):
    """Bias, variance and what each target adds: by definition, and their sum is the total."""

    def total(one):
        return truth(one, output, tail).risk

    for output, tail in OUTPUTS[:3]:
        found = qt.excess_risk(*arguments(setting, output, tail), digits=DIGITS)
        everything = found.bias + found.variance + sum(found.by_target.values())
        # "exactly": the parts are differences of the very totals that are added up
        whole = total(setting)
        yield certified("sum of the parts", everything, whole)
        sofar = dataclasses.replace(setting, **dict.fromkeys(TARGETS, Errors()))
        bias, before = total(dataclasses.replace(sofar, noise=F(0))), total(sofar)
        scale = whole / 10**DIGITS
        yield certified("bias", found.bias, bias, scale)
        yield certified("variance", found.variance, before - bias, scale)
        for target in TARGETS:
            sofar = dataclasses.replace(sofar, **{target: getattr(setting, target)})
            before, added = total(sofar), total(sofar) - before
            yield certified(f"by_target {target}", found.by_target[target], added, scale)


def decomposition(setting):
    """T1: R = A + R^q - W, in the second source exactly and in the package by balls."""
    for output, tail in outputs(setting):
        there = truth(setting, output, tail)
        identity = there.approximation + there.quantized_risk - there.gain - there.risk
        yield Gap("T1, rational", float(identity), identity == 0)
        found = decomposition_at(arguments(setting, output, tail), WIDE)
        again = found.approximation + found.quantized_risk - found.distortion
        scale = max(there.approximation, there.quantized_risk, there.risk)
        yield certified("T1, balls", again, there.risk, scale)
        yield certified("W", found.distortion, there.gain, scale)


# --- each method by itself -----------------------------------------------------------------------


def _by(method, instance, window):
    """Total, and E w as far as the method gives it, in the instance's arithmetic."""
    wq = instance.quantized_target
    if method is ClosedForm:
        form = ClosedForm(instance)
        first, second = form.first_moment(window), form.second_moment(window)
    else:
        first, second = method.output_moments(instance, window)
        first, second = first - wq, second - 2 * wq * first + wq**2
    return decompose(instance, first, second).total


def has_one_rank(setting):
    return setting.data.additive * setting.data.shared == 0


def methods(setting):
    """The recursion in four arithmetics, powers of the step, and the closed form in two."""
    for output, tail in outputs(setting):
        here, there = arguments(setting, output, tail), truth(setting, output, tail).risk
        window = Window.of(here[2])

        def total(method, arithmetic, here=here, window=window):
            with arithmetic.working():
                return _by(method, instantiate(Run(*here), arithmetic), window)

        yield certified("recursion, balls", total(recursion, WIDE), there, 1)
        yield certified("powers, balls", total(powers, WIDE), there, 1)
        for name, arithmetic in (("mpmath", MPMATH), ("float64", Float64())):
            radius = total(recursion, Balls(bits=arithmetic.precision())).rad()
            found = arithmetic.to_ball(total(recursion, arithmetic))
            yield rounded(f"recursion, {name}", found, there, SLACK * radius)
        if has_one_rank(setting):
            yield from _closed_form(setting, total, there)


def _closed_form(setting, total, there):
    try:
        found = total(ClosedForm, WIDE)
    except (PrecisionError, ZeroDivisionError):
        found = flint.arb("nan")
    if found.is_finite():
        yield certified("closed form, balls", found, there, 1)
    else:  # only where two rates of decay are exactly equal
        yield Gap("closed form, two rates are equal", 0.0, has_equal_rates(setting))


def has_equal_rates(setting):
    """Whether an eigenvalue of G is also 1 - x_j, or two poles of different eigenvalues meet.

    With the pole a_i = 2 x_i - gain_ii of coordinate i and M = diag(1 - a) + u z^T both are decided
    in rational numbers: by the determinant of M - (1 - x_j), and by comparing poles.
    """
    instance = instantiate(arguments(setting), Symbolic())
    step = recursion.Step.of(instance)
    poles = dict(zip(map(int, instance.groups), step.loss, strict=True))
    if len(set(poles.values())) < len(poles):
        return True
    dense = step.G.dense()
    return any(_is_eigenvalue(dense, 1 - x) or x in poles.values() for x in step.x)


def _is_eigenvalue(matrix, number):
    rows = [
        [flint.fmpq(int(entry.p), int(entry.q)) for entry in row]
        for row in matrix - np.diag([number] * len(matrix))
    ]
    return flint.fmpq_mat(rows).det() == 0


def stability(setting):
    """``qt.stability`` and the refusal of ``excess_risk`` as the spectral radius says."""
    here = arguments(setting)
    found = qt.stability(*here)
    largest = F(found.largest_stepsize)
    yield Gap("stable", 0.0, found.stable == is_stable(setting))
    below, above = (
        is_stable(dataclasses.replace(setting, stepsize=largest * (1 + F(side, 10**9))))
        for side in (-1, 1)
    )
    yield Gap("largest stepsize, to 10^-9", 0.0, below and not above)
    beyond = dataclasses.replace(setting, stepsize=largest * (1 + F(1, 10**9)))
    try:
        qt.excess_risk(*arguments(beyond), digits=DIGITS)
        refused = False
    except UnstableError:
        refused = True
    yield Gap("refused past the edge", 0.0, refused)


# --- bounds --------------------------------------------------------------------------------------


def _stated(function, setting):
    """A bound of the second source, or None outside its hypotheses."""
    try:
        return function(setting)
    except ValueError:
        return None


def bound(function, setting, **options):
    """A bound of the package, or None outside its hypotheses."""
    try:
        return function(*arguments(setting), digits=DIGITS, **options)
    except HypothesisError:
        return None


def is_pure(setting):
    """What T3 and its bounds ask of data errors: one kind at most."""
    return sum(map(bool, dataclasses.astuple(setting.data))) <= 1


def bounds(setting):
    """T4, T4' and T5 term by term, and refused exactly where a hypothesis fails."""
    paper = bound(qt.upper_bound, setting, form="paper")
    again = _stated(stated.upper_bound, setting) if is_pure(setting) else None
    yield Gap("T4, hypotheses", 0.0, (paper is None) == (again is None))
    if paper is not None and again is not None:
        yield certified("T4, bias", paper.bias, again.bias, 1)
        yield certified("T4, variance", paper.variance, again.variance, 1)
        yield certified("T4, D_N", paper.effective_dimension, again.effective_dimension)
        yield certified("T4, R^q", paper.quantized_risk, again.quantized_risk, 1)
        yield certified("T4, R", paper.total, again.risk, 1)
    refined = bound(qt.upper_bound, setting, form="refined")
    low = bound(qt.lower_bound, setting)
    if not setting.data.multiplicative:
        again = _stated(stated.refined_bound, setting)
        yield Gap("T4', hypotheses", 0.0, (refined is None) == (again is None))
        if refined is not None and again is not None:
            yield certified("T4', variance", refined.variance, again.variance, 1)
            yield certified("T4', R^q", refined.quantized_risk, again.quantized_risk, 1)
            yield certified("T4', R", refined.total, again.risk, 1)
        again = _stated(stated.lower_bound, setting)
        yield Gap("T5, hypotheses", 0.0, (low is None) == (again is None))
        if low is not None and again is not None:
            yield certified("T5, R^q", low.quantized_risk, again.quantized_risk, 1)
    elif not is_pure(setting):
        yield Gap("T4', hypotheses", 0.0, refined is None)
    yield from _order(setting, low, refined, paper)


def _order(setting, low, *uppers):
    """lower <= exact <= upper, for R and R^q; equality is decided by the rational number."""
    there = truth(setting, "average", "1")
    if low is not None:
        yield _below("lower <= exact", low.total, there.risk)
        yield _below("lower <= exact, R^q", low.quantized_risk, there.quantized_risk)
    for upper in uppers:
        if upper is not None:
            yield _below("exact <= upper", there.risk, upper.total)
            yield _below("exact <= upper, R^q", there.quantized_risk, upper.quantized_risk)


def _below(name, small, large):
    """small <= large for sure, or so near that ``DIGITS`` digits do not tell them apart."""
    small, large = (ball(x) if isinstance(x, F) else flint.arb(x) for x in (small, large))
    if small <= large:
        return Gap(name, 0.0, True)
    equal = small.overlaps(large)
    return Gap(name, float(abs(small - large).mid()), bool(equal))


#: Everything that is compared at one instance.
COMPARISONS = (risk, curve, parts, decomposition, methods, stability, bounds)


def examine(setting, comparisons=COMPARISONS):
    """Every gap at one instance."""
    with WIDE.working():
        return [gap for compare in comparisons for gap in compare(setting)]


def disagreements(setting, comparisons=COMPARISONS):
    """The names of what does not agree."""
    return [gap.name for gap in examine(setting, comparisons) if not gap.agrees]
