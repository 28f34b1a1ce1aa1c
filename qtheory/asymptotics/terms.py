"""The terms of theorem T4 for a symbolic problem, taken from its statement by substitution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sympy as sp

from qtheory.asymptotics.conditional import PERP, RandomSketch, as_additive, in_sketch
from qtheory.errors import HypothesisError, InvalidArgumentError
from qtheory.model.formats import NumberFormat
from qtheory.model.quantization import TARGETS
from qtheory.model.run import Run
from qtheory.model.spectra import Explicit, coordinate
from qtheory.orders.evaluation import exponentials_in
from qtheory.orders.symbols import positive_symbols
from qtheory.theory import definitions as defined
from qtheory.theory import notation as n
from qtheory.theory.coordinate import levels
from qtheory.theory.upper import upper_bound

_DIGITS_OF_A_LEVEL = 30

#: The terms of a rate table: the parts of T4, and what a sketch and each quantizer add to the
#: noise level.
SKETCH = "sketch"
EFFECTIVE_SIZE, EFFECTIVE_SAMPLES = "effective size", "effective samples"
TERMS = ("approximation", "bias", "variance", "amplification", SKETCH, *TARGETS)

_FORMULA = {item.lhs: item.rhs for item in upper_bound.definitions}
_COORDINATEWISE = (defined.x[n.i], defined.eta0[n.i], n.wq[n.i], n.lq[n.i], n.D[n.i])
_SUMS = (defined.A, defined.bias, defined.D_N, defined.norm, defined.norm_q, defined.tr)


@dataclass(frozen=True)
class Count:
    """How many coordinates something holds in, up to constants: a sum of min(1, its strength)."""

    name: str
    sum: sp.Sum
    meaning: str


@dataclass(frozen=True)
class Substitution:
    """What the symbols of the theory stand for: the error levels and sizes, and the spectrum.

    Attributes
    ----------
    idle
        How many coordinates there are beside those of the spectrum that have no variance.
    """

    base: Mapping[sp.Basic, sp.Expr]
    coordinatewise: Mapping[sp.Basic, sp.Expr]
    idle: sp.Expr = sp.S.Zero

    def __call__(self, formula: sp.Expr) -> sp.Expr:
        """A formula of the theory in the parameters of a problem; D_N, A and norms stay."""
        for symbol in _COORDINATEWISE:
            formula = formula.xreplace({symbol: _FORMULA[symbol]})
        if self.idle != 0 and self.base[n.additive["data"]] != 0:
            formula = formula.xreplace(
                {part: self._with_idle(part) for part in formula.atoms(sp.Sum)}
            )
        # The theory's symbols go first: a user's gamma in the spectrum is not its stepsize.
        return _without_empty_sums(formula.xreplace(self.base).xreplace(self.coordinatewise))

    def _with_idle(self, part: sp.Sum) -> sp.Expr:
        """A sum over coordinates, and over those where lambda_i is 0."""
        return part + self.idle * part.function.xreplace({n.lam[n.i]: sp.S.Zero})


@dataclass(frozen=True, eq=False)
class Terms:
    """T4 as formulas in the parameters of one problem.

    Attributes
    ----------
    formulas
        One per name in ``TERMS``; 0 where there is no such term.
    definitions
        What the symbols in them stand for.
    feedback
        theta of T4, which must be at most a constant below 1.
    largest_step
        x_1, which T4 needs to be at most 1.
    signs
        Parameters that are at least 1 (sign 1), at most 1 (-1), or either (0).
    fixed
        Symbols that stay fixed: exponents, and constants of the spectrum and the target.
    counts
        How many coordinates are learned, and how many lie above the floor, each as a sum.
    sketch
        The sketch that the problem is learned in, if any.
    sizes
        In a sketch, how many directions and steps count: formulas for the effective sizes.
    """

    formulas: dict[str, sp.Expr]
    definitions: dict[sp.Basic, sp.Expr]
    feedback: sp.Expr
    largest_step: sp.Expr
    signs: dict[sp.Symbol, int]
    fixed: frozenset[sp.Symbol]
    counts: tuple[Count, ...]
    sketch: RandomSketch | None = None
    sizes: Mapping[str, sp.Expr] = field(default_factory=dict)


def sketch_of(run: Run, size: sp.Expr, loses: bool) -> RandomSketch:
    """A sketch of M features of a problem, with M <= d or with M >= d.

    Raises
    ------
    HypothesisError
        If T4 does not cover the setting, parameter errors see the rotation of the features, or the
        spectrum or the target fall faster than any power.
    """
    _require_covered(run)
    if "parameter" in run.quantization.sees_rotation:
        raise HypothesisError(
            f"parameter is {run.quantization.parameter!r}: elementwise errors see the rotation of "
            "the features, and their orders in a sketch are known for data alone"
        )
    base, coordinatewise = _inputs(as_additive(run, size))
    for name, formula in zip(("spectrum", "target"), coordinatewise.values(), strict=True):
        if exponentials_in(formula, coordinate):
            raise HypothesisError(
                f"{name} is {getattr(run.problem, name)}: in a sketch it must be of powers"
            )
    return RandomSketch(
        size,
        base[n.d],
        coordinatewise[n.lam[n.i]],
        coordinatewise[n.w_star[n.i]],
        base[n.additive["data"]],
        loses,
    )


def substitution_of(run: Run, sketch: RandomSketch | None = None) -> Substitution:
    """What the symbols of T4 and T5 stand for.

    Raises
    ------
    HypothesisError
        If T4 does not cover the setting.
    """
    _require_covered(run)
    if sketch is None:
        return Substitution(*_inputs(run))
    inputs = in_sketch(*_inputs(as_additive(run, sketch.size)), sketch)
    return Substitution(*inputs, sketch.idle)


def terms_of(run: Run, sketch: RandomSketch | None = None) -> Terms:
    """The terms of T4 with the spectrum, the target and the error levels put in.

    Raises
    ------
    HypothesisError
        If T4 does not cover the setting.
    """
    put_in = substitution_of(run, sketch)
    base, coordinatewise = put_in.base, put_in.coordinatewise

    # The factor 2 that multiplicative data errors cost in T4 belongs to no target alone.
    doubled = _FORMULA[defined.doubling].xreplace(base)
    alpha, level = (_scalar(symbol, doubled) for symbol in (defined.alpha, defined.s2))
    # variance = (s2 * per_noise + alpha * per_feedback) / (1 - theta)
    variance = sp.expand(_FORMULA[defined.variance] * (1 - defined.theta))
    per_noise, per_feedback = (
        put_in(variance.coeff(symbol)) for symbol in (defined.s2, defined.alpha)
    )
    feedback = _positive_form(alpha.xreplace(base))
    noise = {name: _positive_form(part) for name, part in noise_parts(level, base).items()}
    formulas = {
        "approximation": defined.A + PERP / 2 if sketch else defined.A,
        "bias": defined.bias,
        "variance": per_noise * noise["variance"],
        "amplification": per_feedback * feedback,
        **{name: per_noise * noise[name] for name in (SKETCH, *TARGETS)},
    }
    definitions = {symbol: put_in(_FORMULA[symbol]) for symbol in _SUMS}
    definitions[PERP] = sketch.perp if sketch else sp.S.Zero
    # x_i / (2 - x_i) is between x_i / 2 and x_i.
    theta = _FORMULA[defined.theta].xreplace({2 - defined.x[n.i]: sp.S.One})
    return Terms(
        {name: without_zeros(formula, definitions) for name, formula in formulas.items()},
        definitions,
        without_zeros(put_in(theta).xreplace({defined.alpha: feedback}), definitions),
        put_in(defined.x[n.i]).xreplace({n.i: sp.S.One}),
        _signs(base, sketch),
        _fixed(base, _inputs(run)[1]),
        tuple(_counts(base, coordinatewise, sketch)),
        sketch,
        _sizes(level, put_in, definitions, sketch),
    )


def _sizes(
    level: sp.Expr,
    put_in: Substitution,
    definitions: Mapping[sp.Basic, sp.Expr],
    sketch: RandomSketch | None,
) -> dict[str, sp.Expr]:
    """The directions that a sketch learns, and the steps that leave as much noise without errors.

    The second are N sigma^2 / s^2 at B = 1, and N where there is no label noise.
    """
    if sketch is None:
        return {}
    one = {**put_in.base, n.B: sp.S.One}
    whole = _positive_form(without_zeros(level.xreplace(one), definitions))
    sigma2 = put_in.base[n.sigma2].xreplace({PERP: sp.S.Zero})
    samples = put_in.base[n.N] * (sigma2 / whole if sigma2 != 0 else 1)
    floor = sketch.level if sketch.level != 0 else sketch.edge
    inside = n.over_coordinates(sp.Min(1, sketch.eigenvalue / floor)).xreplace(put_in.base)
    return {EFFECTIVE_SIZE: inside, EFFECTIVE_SAMPLES: samples}


def _counts(
    base: Mapping[sp.Basic, sp.Expr],
    coordinatewise: Mapping[sp.Basic, sp.Expr],
    sketch: RandomSketch | None,
) -> Iterator[Count]:
    """The coordinates with N gamma lambda_i >= 1, and those above the error of the data."""
    steps, floor = base[n.N], base[n.additive["data"]]

    def count(name: str, strength: sp.Expr, meaning: str) -> Count:
        total = n.over_coordinates(sp.Min(1, strength)).xreplace(base).xreplace(coordinatewise)
        return Count(name, total, meaning)

    learned = str(steps) if steps.is_Symbol else "N"
    strength = n.N * n.gamma * n.lam[n.i]
    yield count(f"k_{learned}", strength, f"directions that {learned} steps learn")
    if floor != 0:
        name, meaning = f"k_{floor if floor.is_Symbol else 'eps'}", "directions above the floor"
        if sketch is not None:
            name, meaning = "M_eff", "effective model size"
        yield count(name, n.lam[n.i] / floor, meaning)


def _require_covered(run: Run) -> None:
    problem, quantization, sgd = run.covered()
    if isinstance(problem.spectrum, Explicit) or isinstance(problem.target, Explicit):
        raise InvalidArgumentError("problem", problem, "one with formulas, not explicit values")
    if sgd.output != "average":
        raise HypothesisError(
            f"T4 ({upper_bound.title}) is about output='average', but output is {sgd.output!r}; "
            "sharp_constants covers the last iterate and the tail average"
        )
    data = quantization.data
    if isinstance(data, NumberFormat):
        raise HypothesisError(
            f"T4 ({upper_bound.title}) needs error models, but data carries the number format "
            f"{data.name}"
        )
    if sum(part != 0 for part in (data.additive, data.shared, data.elementwise)) > 1:
        raise HypothesisError(
            f"T4 ({upper_bound.title}) needs data errors that are purely additive, shared or "
            f"elementwise, but data is {data!r}"
        )


def _inputs(
    run: Run,
) -> tuple[dict[sp.Basic, sp.Expr], dict[sp.Basic, sp.Expr]]:
    """What the symbols of the theory stand for; every symbol of the user becomes positive."""
    problem, quantization, sgd = run
    base = {
        n.N: sgd.steps,
        n.B: sgd.batch,
        n.gamma: sgd.stepsize,
        n.sigma2: problem.noise,
        n.d: problem.dim,
        **{symbol: _rational(level) for symbol, level in levels(quantization).items()},
    }
    spectrum, target = problem.spectrum, problem.target
    if isinstance(spectrum, Explicit) or isinstance(target, Explicit):
        raise TypeError("explicit values have no formula")
    coordinatewise = {
        n.lam[n.i]: spectrum.formula,
        n.w_star[n.i]: target.formula(spectrum.formula),
    }
    return (
        {symbol: positive_symbols(value, "parameter") for symbol, value in base.items()},
        {
            symbol: positive_symbols(value, "problem", {coordinate})
            for symbol, value in coordinatewise.items()
        },
    )


def _rational(level: sp.Expr) -> sp.Expr:
    """The level, a number to thirty digits: no order depends on more.

    Those of floating point hold log(2), and the signs of terms in it could not be read off.
    """
    if not level.is_number or level.is_Rational:
        return level
    return sp.Rational(str(level.evalf(_DIGITS_OF_A_LEVEL)))


def _scalar(symbol: sp.Symbol, doubled: sp.Expr) -> sp.Expr:
    """A noise constant with all definitions put in that are not sums over coordinates."""
    scalars = {s: f for s, f in _FORMULA.items() if s.is_Symbol and not f.has(sp.Sum)}
    scalars[defined.doubling] = doubled
    formula = _FORMULA[symbol]
    while formula.free_symbols & set(scalars):
        formula = formula.xreplace(scalars)
    return formula


def noise_parts(level: sp.Expr, base: Mapping[sp.Basic, sp.Expr]) -> dict[str, sp.Expr]:
    """The part of the noise level without any quantizer, and what each one adds to the whole.

    What a sketch adds is a part of its own.
    """

    def without(*targets: str) -> sp.Expr:
        off = {
            kind[target]: sp.S.Zero
            for target in targets
            for kind in (n.additive, n.multiplicative, n.shared)
        }
        if "data" in targets:
            off[defined.A] = sp.S.Zero
        return level.xreplace({**base, **off})

    plain = without(*TARGETS)
    return {
        "variance": plain.xreplace({PERP: sp.S.Zero}),
        SKETCH: sp.expand(plain - plain.xreplace({PERP: sp.S.Zero})),
        **{target: without() - without(target) for target in TARGETS},
    }


def _positive_form(formula: sp.Expr) -> sp.Expr:
    """The same expression as a quotient of sums of positive terms.

    Raises
    ------
    InvalidArgumentError
        If a difference is left.
    """
    numerator, denominator = (sp.expand(part) for part in sp.fraction(sp.together(formula)))
    for part in (numerator, denominator):
        for term in sp.Add.make_args(part):
            if term.as_coeff_Mul()[0] < 0:
                raise InvalidArgumentError(
                    "quantization", term, f"a term that does not reduce others, in {part}"
                )
    return numerator / denominator


def _without_empty_sums(formula: sp.Expr) -> sp.Expr:
    empty = {part: sp.S.Zero for part in formula.atoms(sp.Sum) if part.function == 0}
    return formula.xreplace(empty)


def without_zeros(formula: sp.Expr, definitions: Mapping[sp.Basic, sp.Expr]) -> sp.Expr:
    """The formula with 0 for symbols that stand for 0."""
    return formula.xreplace({s: sp.S.Zero for s, value in definitions.items() if value == 0})


def _signs(base: Mapping[sp.Basic, sp.Expr], sketch: RandomSketch | None) -> dict[sp.Symbol, int]:
    signs: dict[sp.Symbol, int] = {}
    large = set()
    if sketch is not None:
        # The level that elementwise errors act with holds the size, which is large all the same.
        large = sketch.size.free_symbols
        base = {**base, n.d: sp.Tuple(sketch.size, sketch.dim)}
    for symbol, value in base.items():
        sign = {n.N: 1, n.B: 1, n.d: 1, n.sigma2: 0}.get(symbol, -1)
        for parameter in sorted(value.free_symbols - {PERP}, key=str):
            own = 1 if parameter in large else sign
            if signs.setdefault(parameter, own) != own:
                signs[parameter] = 0
    return signs


def _fixed(
    base: Mapping[sp.Basic, sp.Expr], coordinatewise: Mapping[sp.Basic, sp.Expr]
) -> frozenset[sp.Symbol]:
    fixed = set().union(*[formula.free_symbols for formula in coordinatewise.values()])
    fixed -= {coordinate}
    both = fixed & set().union(*[value.free_symbols for value in base.values()])
    if both:
        symbol = min(both, key=str)
        raise InvalidArgumentError(
            "problem", symbol, "either a parameter or a constant of the spectrum, not both"
        )
    return frozenset(fixed)
