"""Changes of an instance whose effect on the risk is known exactly, whatever the risk is.

A relation takes a setting to (before, after, factor): every quantity of ``after`` must be the
factor times that of ``before``. ``leaving_out`` is the negative control: it forgets a part.
"""

import dataclasses
import functools
from fractions import Fraction as F

import flint

import qtheory as qt
from qtheory.reference.moments import Errors
from tests.differential.comparisons import DIGITS, WIDE, Gap, ball, bound
from tests.differential.instances import TARGETS, arguments, at

QUANTITIES = ("total", "quantized_risk", "approximation", "floor")


def changed(setting, additive=None, **fields):
    """The setting with other fields, and additive levels multiplied as ``additive`` says."""
    for name, factor in (additive or {}).items():
        errors = getattr(setting, name)
        fields[name] = dataclasses.replace(errors, additive=errors.additive * factor)
    return dataclasses.replace(setting, **fields)


def permuted(setting, leaving_out=False):
    """The coordinates have no order."""
    order = sorted(range(setting.dim), key=lambda i: (i % 2, -i))
    eigenvalues = tuple(setting.eigenvalues[i] for i in order)
    target = setting.target if leaving_out else tuple(setting.target[i] for i in order)
    return setting, changed(setting, eigenvalues=eigenvalues, target=target), 1


def scaled_spectrum(setting, leaving_out=False):
    """Inputs in other units: x -> sqrt(c) x, everything that is added to outputs with it."""
    c = F(3, 7)
    outputs = TARGETS if leaving_out else ("data", "label", "activation", "gradient")
    after = changed(
        setting,
        dict.fromkeys(outputs, c),
        eigenvalues=tuple(c * one for one in setting.eigenvalues),
        stepsize=setting.stepsize / c,
        noise=setting.noise * c,
    )
    return setting, after, c


def scaled_signal(setting, leaving_out=False):
    """Labels in other units: y -> k y, and with it what is added to labels and parameters."""
    k = F(5, 2)
    scaled = TARGETS[2:] if leaving_out else TARGETS[1:]
    after = changed(
        setting,
        dict.fromkeys(scaled, k**2),
        target=tuple(k * one for one in setting.target),
        noise=setting.noise * k**2,
    )
    return setting, after, k**2


def mirrored(setting, leaving_out=False):
    """Every coordinate is as likely as its mirror image."""
    signs = [(-1) ** i for i in range(1, setting.dim + 1)]
    target = [sign * one for sign, one in zip(signs, setting.target, strict=True)]
    if leaving_out:
        target[0] += F(1, 10**6)
    return setting, changed(setting, target=tuple(target)), 1


def negated(setting, leaving_out=False):
    """w* -> -w*."""
    target = tuple(-one for one in setting.target)
    noise = setting.noise * (1 + F(1, 10**12)) if leaving_out else setting.noise
    return setting, changed(setting, target=target, noise=noise), 1


def _moved(errors):
    """A third of the multiplicative error shared, the rest not."""
    m = errors.multiplicative
    return Errors(errors.additive, m / 3, m - m / 3)


def parameter_split(setting, leaving_out=False):
    """Whether coordinates of w share their factor cannot matter: each meets only its own."""
    moved = {"parameter": _moved(setting.parameter)}
    if leaving_out:
        moved["activation"] = _moved(setting.activation)
    return setting, changed(setting, **moved), 1


def one_sample_split(setting, leaving_out=False):
    """One sample has nobody to share the factor of its label or its gradient with."""
    names = ("label", "parameter", "activation", "gradient")
    if not leaving_out:
        setting = at(dataclasses.replace(setting, batch=1), F(1, 2))
    return setting, changed(setting, **{name: _moved(getattr(setting, name)) for name in names}), 1


def zero_appended(setting, leaving_out=False):
    """A direction without variance is not there; if data errors fill it, its w* is not there."""
    before = setting
    if setting.data.additive and not leaving_out:
        before = changed(
            setting, eigenvalues=(*setting.eigenvalues, F(0)), target=(*setting.target, F(0))
        )
        before = at(before, F(1, 2))
        setting = dataclasses.replace(setting, stepsize=before.stepsize)
    after = changed(
        setting, eigenvalues=(*setting.eigenvalues, F(0)), target=(*setting.target, F(7))
    )
    return before, after, 1


RELATIONS = (
    permuted, scaled_spectrum, scaled_signal, mirrored, negated, parameter_split,
    one_sample_split, zero_appended,
)  # fmt: skip


@functools.lru_cache(maxsize=8)
def quantities(setting):
    """The risk for each output with its parts, and the bounds or None where they do not hold."""
    risks = [
        qt.excess_risk(*arguments(setting, output, tail), digits=DIGITS)
        for output, tail in (("average", "1"), ("last", "1"), ("tail", "1/2"))
    ]
    found = [getattr(risk, name) for risk in risks for name in QUANTITIES]
    found += [risks[0].bias, risks[0].variance]
    bounds = [bound(qt.upper_bound, setting, form=form) for form in ("paper", "refined")]
    bounds.append(bound(qt.lower_bound, setting))
    return (*found, *(None if one is None else one.total for one in bounds))


def related(relation, setting, **options):
    """A gap for each quantity before and after the change."""
    before, after, factor = relation(setting, **options)
    pairs = list(zip(quantities(before), quantities(after), strict=True))
    largest = max(flint.arb(here).abs_upper() for here, _ in pairs if here is not None)
    for here, there in pairs:
        if here is None or there is None:
            yield Gap(relation.__name__, 0.0, here is there)
            continue
        here, there = ball(F(factor)) * here, flint.arb(there)
        # a part that is 0 beside the total has its digits beside the total
        scale = max(abs(here).abs_upper(), largest * flint.arb(10) ** -DIGITS)
        off = abs(here - there).abs_upper()
        small = off <= 2 * scale * flint.arb(10) ** -DIGITS
        relative = float((off / scale).mid()) if off > 0 else 0.0
        yield Gap(relation.__name__, relative, bool(here.overlaps(there) and small))


# --- large batches -------------------------------------------------------------------------------


def gradient_descent(setting):
    """B = oo without shared factors and parameter errors: R of the mean of the iterates.

    Errors of single samples average out, so w_t is its own mean, which obeys
    m' = (1 - gamma lambda^q) m + gamma lambda w*; read off the update, not off section 2.
    """
    risk = F(0)
    for one, target in zip(setting.eigenvalues, setting.target, strict=True):
        quantized = (1 + setting.data.multiplicative) * one + setting.data.additive
        w, total = F(0), F(0)
        for _ in range(setting.steps):
            total += w
            w += setting.stepsize * (one * target - quantized * w)
        risk += one * (total / setting.steps - target) ** 2
    return risk / 2


def without_shared(setting):
    """The same setting with what a large batch averages out only."""
    errors = {
        name: dataclasses.replace(getattr(setting, name), shared=F(0))
        for name in ("label", "activation", "gradient")
    }
    return dataclasses.replace(setting, **errors, parameter=Errors())


def large_batch(setting, limit=gradient_descent):
    """The distance to the limit falls as 1/B: from 10^12 to 10^18 samples by 10^6."""
    setting = without_shared(setting)
    # stable for any batch past a million, since theta falls with B
    setting = at(dataclasses.replace(setting, batch=10**6), F(1, 2))
    end = ball(limit(setting))
    near, far = (
        qt.excess_risk(*arguments(dataclasses.replace(setting, batch=B)), digits=60).total - end
        for B in (10**12, 10**18)
    )
    off = abs(near - far * 10**6)
    allowed = abs(near) * flint.arb(10) ** -5 + abs(end) * flint.arb(10) ** -40
    return Gap("B = oo", float((off / allowed).mid()) if allowed > 0 else 0.0, bool(off <= allowed))


def in_one_over_batch(setting, degree=None):
    """N steps make the risk of w_N a polynomial of degree N in 1/B: the last is told by the others.

    Holds with every error on every target. The value at B = 10^15 is interpolated from N + 1 small
    batches, with digits to spare for what the interpolation loses.
    """
    degree = setting.steps if degree is None else degree
    setting = at(dataclasses.replace(setting, batch=1), F(1, 2))

    def total(B):
        one = dataclasses.replace(setting, batch=B)
        return qt.excess_risk(*arguments(one, "last"), digits=100).total

    nodes = [F(1, 1 + k) for k in range(degree + 1)]
    at_far, there = F(1, 10**15), total(10**15)
    interpolated = flint.arb(0)
    for node in nodes:
        weight = F(1)
        for other in nodes:
            if other != node:
                weight *= (at_far - other) / (node - other)
        interpolated += ball(weight) * total(int(1 / node))
    off = abs(interpolated - there)
    relative = float((off / there).mid()) if there > 0 else float(off.mid())
    return Gap("polynomial in 1/B", relative, bool(off <= abs(there) * flint.arb(10) ** -DIGITS))


def examine(setting):
    """Every relation at one instance."""
    with WIDE.working():
        gaps = [gap for relation in RELATIONS for gap in related(relation, setting)]
        return [*gaps, large_batch(setting), in_one_over_batch(setting)]
