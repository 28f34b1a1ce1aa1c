"""Instances over the whole input space, as exact rational settings of the second source."""

import dataclasses
import functools
from fractions import Fraction as F
from itertools import count

import flint
import numpy as np
from hypothesis import strategies as st

from qtheory.checks import panel
from qtheory.reference import moments as reference
from qtheory.reference.moments import Errors, Setting

TARGETS = ("data", "label", "parameter", "activation", "gradient")
BATCHES = (1, 2, 3, 10**6, 10**15)
LEVELS = (F(0), F(0), F(1, 10**12), F(1, 10), F(3, 7), F(1), F(100))
EIGENVALUES = (F(1), F(1, 2), F(2, 3), F(3), F(1, 10**12), F(1, 10**6), F(0))
COEFFICIENTS = (F(0), F(1), F(-1, 3), F(2), F(10**6))
NOISES = (F(0), F(1), F(1, 10**12), F(5, 2), F(10**6))
EDGE = 1 - F(1, 10**9)
FRACTIONS = (F(1, 2), F(1, 10), EDGE, F(99, 100), F(1, 10**3), F(1, 10**12))
#: What SGD returns, with the fraction of a tail: of N iterates one, some, all.
OUTPUTS = (("average", "1"), ("last", "1"), ("tail", "1/3"), ("tail", "1/2"), ("tail", "1/100"))


# --- the edge of stability, exactly --------------------------------------------------------------


def _gain(setting):
    """M of G = 1 - 2 gamma Lambda + gamma^2 M, without the directions that never move."""
    unit = dataclasses.replace(setting, stepsize=F(1))
    moving = [i for i, one in enumerate(reference.quantized_eigenvalues(setting)) if one]
    zero = (F(0),) * setting.dim
    rest = reference.one_step(unit, zero, zero).second
    matrix = [[F(0)] * len(moving) for _ in moving]
    eigenvalues = reference.quantized_eigenvalues(setting)
    for column, j in enumerate(moving):
        basis = tuple(F(i == j) for i in range(setting.dim))
        after = reference.one_step(unit, zero, basis).second
        for row, i in enumerate(moving):
            identity = (1 - 2 * eigenvalues[i]) if i == j else 0
            matrix[row][column] = after[i] - rest[i] - identity
    return [eigenvalues[i] for i in moving], matrix


def _contracts(eigenvalues, matrix, stepsize):
    """Whether G has spectral radius below 1, in rational numbers.

    G has no negative entry, so it has if and only if all leading principal minors of 1 - G =
    gamma (2 Lambda - gamma M) are positive (1 - G is then an M-matrix).
    """
    rows = [
        [(2 * eigenvalues[i] if i == j else 0) - stepsize * entry for j, entry in enumerate(row)]
        for i, row in enumerate(matrix)
    ]
    return all(
        flint.fmpq_mat(
            [[flint.fmpq(x.numerator, x.denominator) for x in row[:k]] for row in rows[:k]]
        ).det()
        > 0
        for k in range(1, len(rows) + 1)
    )


def is_stable(setting):
    """Whether the second moments stay bounded; decided exactly."""
    return _contracts(*_gain(setting), setting.stepsize)


def largest_stepsize(setting):
    """A stable stepsize, less than 10^-12 of itself below the first one that is not."""
    eigenvalues, matrix = _gain(setting)
    scaled = [[float(x / one) for x in row] for one, row in zip(eigenvalues, matrix, strict=True)]
    guess = F(2 / float(max(abs(np.linalg.eigvals(np.array(scaled))))))
    for digits in count(9, -1):  # float64 may have lost some
        low, high = guess * (1 - F(10) ** -digits), guess * (1 + F(10) ** -digits)
        if _contracts(eigenvalues, matrix, low) and not _contracts(eigenvalues, matrix, high):
            break
    while high - low > low / 10**13:
        middle = (low + high) / 2
        if _contracts(eigenvalues, matrix, middle):
            low = middle
        else:
            high = middle
    return _rounded_down(low)


def _rounded_down(number, digits=15):
    """The same with few digits, so that what is computed from it stays short."""
    unit = F(10) ** (len(str(number.numerator)) - len(str(number.denominator)) - digits)
    return number // unit * unit


def at(setting, fraction):
    """The setting with this fraction of its largest stable stepsize."""
    return dataclasses.replace(setting, stepsize=fraction * largest_stepsize(setting))


# --- drawing -------------------------------------------------------------------------------------


@st.composite
def settings(draw, largest_dim=5, most_steps=10, levels=LEVELS, batches=BATCHES):
    """A stable setting; what is listed above is drawn often, other fractions now and then."""

    def number(values, low, high):
        return draw(st.one_of(st.sampled_from(values), st.fractions(low, high, max_denominator=64)))

    dim = draw(st.integers(1, largest_dim))
    eigenvalues = [number(EIGENVALUES, 0, 2) for _ in range(dim)]
    if not any(eigenvalues):
        eigenvalues[0] = F(1)
    target = tuple(number(COEFFICIENTS, -3, 3) for _ in range(dim))
    everywhere = draw(st.sampled_from((False, False, False, True)))
    level = st.sampled_from([one for one in levels if one] if everywhere else levels)
    errors = {
        name: Errors(draw(level), draw(level), draw(level))
        for name in TARGETS
        if everywhere or draw(st.booleans())
    }
    setting = Setting(
        tuple(eigenvalues), target, draw(st.sampled_from(NOISES)), F(1),
        draw(st.sampled_from(batches)), draw(st.integers(1, most_steps)), **errors,
    )  # fmt: skip
    return at(setting, number(FRACTIONS, F(1, 64), F(63, 64)))


def case(eigenvalues, target, noise, batch, steps, fraction="1/2", **errors):
    """A setting from numbers as text, with a fraction of the largest stable stepsize."""

    setting = Setting.read(eigenvalues, target, noise, "1", batch, steps, **errors)
    return at(setting, EDGE if fraction == "edge" else F(fraction))


ALL = dict.fromkeys(TARGETS, "1/10 1/7 1/9")
#: What is certainly tried, by name; errors as "additive shared elementwise".
SPECIAL = {
    "d = 1": case("1", "2", "1", 1, 4),
    "d = 1, all errors": case("2/3", "-1", "1", 3, 6, **ALL),
    "N = 1": case("1 1/2", "1 -2", "1", 2, 1, **ALL),
    "d = N = B = 1": case("1", "1", "0", 1, 1),
    "B = 10^6": case("1 1/3", "1 2", "1", 10**6, 8, **ALL),
    "B = 10^15": case("1 1/3", "1 2", "1", 10**15, 8, "99/100", **ALL),
    "eps = 0": case("1 1/4 1/9", "1 1 1", "1", 1, 10),
    "eps tiny": case("1 1/4", "1 -1", "1", 2, 8, **dict.fromkeys(TARGETS, "1e-12 1e-12 1e-12")),
    "eps large": case("1 1/4", "1 -1", "1", 3, 6, **dict.fromkeys(TARGETS, "100 100 100")),
    "eps large, additive data": case("1 1/100", "1 5", "1", 1, 6, data="100 0 0"),
    "eps large, shared data": case("1 1/100", "1 5", "1", 1, 6, data="0 100 0"),
    "edge": case("1 1/4 1/9", "1 1 1", "1", 1, 10, "edge"),
    "edge, all errors": case("1 1/2", "1 -1", "1", 2, 8, "edge", **ALL),
    "edge, B = 10^15": case("1 1/2", "1 -1", "1", 10**15, 8, "edge", parameter="1/9 0 1/3"),
    "stepsize tiny": case("1 1/2", "1 -1", "1", 1, 10, "1e-12", **ALL),
    "equal eigenvalues": case("1/2 1/2 1/2", "1 2 -3", "1", 1, 7, label="0 1/3 0"),
    "equal eigenvalues, all errors": case("1/2 1/2 1/2", "1 2 -3", "1", 3, 7, **ALL),
    "ties": case("1 1/3 1 1/3 1/5", "1 2 0 0 -1", "1", 2, 7, parameter="0 0 1/4"),
    "ratio 10^12": case("1 1e-12", "1 1000000", "1", 1, 9, data="0 1/9 0"),
    "ratio 10^12, additive data": case("1 1e-12", "1 1000000", "1", 2, 9, data="1e-12 0 0"),
    "lambda with zeros": case("0 1 0 1/2", "3 1 0 -1", "1", 1, 8, activation="1/5 1/9 0"),
    "lambda with zeros, additive data": case("0 1 0", "3 1 0", "1", 2, 8, data="1/8 0 0"),
    "w* with zeros": case("1 1/2 1/3", "0 1 0", "1", 1, 8, gradient="1/5 1/9 1/4"),
    "w* = 0": case("1 1/2", "0 0", "1", 2, 8, parameter="1/5 1/9 0"),
    "w* large": case("1 1/2", "1000000 -1", "1", 3, 8, "1/10", label="0 0 1/3"),
    "noise 0": case("1 1/2", "1 1", "0", 1, 8, gradient="0 1/9 1/4"),
    "nothing to learn": case("1 1/2", "0 0", "0", 1, 5),
    "additive everywhere": case("1 1/4", "1 2", "1", 2, 8, **dict.fromkeys(TARGETS, "1/10 0 0")),
    "shared everywhere": case("1 1/4", "1 2", "1", 3, 8, **dict.fromkeys(TARGETS, "0 1/10 0")),
    "elementwise everywhere": case("1 1/4", "1 2", "1", 3, 8, **dict.fromkeys(TARGETS, "0 0 1/9")),
    # gamma lambda^q_1 = 1 exactly: the hypotheses of T4 and T5 hold, with nothing to spare
    "hypothesis with equality": Setting((F(1), F(1, 100)), (F(1), F(1)), F(1), F(1), 9, 6),
    # the rates of decay of the mean and of the second moment are equal: 1 - x = 1 - 2 x + 3 x^2
    "resonance": Setting((F(1),), (F(1),), F(1), F(1, 3), 1, 6),
}

#: Words that describe an instance, each with what is true of the instances it describes.
TRAITS = {
    "d = 1": lambda s: s.dim == 1,
    "N = 1": lambda s: s.steps == 1,
    "B huge": lambda s: s.batch >= 10**6,
    "B = 1": lambda s: s.batch == 1,
    "eps = 0": lambda s: not any(levels_of(s)),
    "eps tiny": lambda s: F(1, 10**12) in levels_of(s),
    "eps large": lambda s: max(levels_of(s)) >= 100,
    "every error on every target": lambda s: all(levels_of(s)),
    "at the edge": lambda s: not is_stable(scaled_step(s, (1 + F(1, 10**10)) / EDGE)),
    "stepsize tiny": lambda s: is_stable(scaled_step(s, F(10**11))),
    "equal eigenvalues": lambda s: len(set(s.eigenvalues)) == 1 < s.dim,
    "ties": lambda s: 1 < len(set(s.eigenvalues)) < s.dim,
    "lambda with zeros": lambda s: 0 in s.eigenvalues,
    "ratio 10^12": lambda s: max(s.eigenvalues) >= 10**12 * min(filter(None, s.eigenvalues)),
    "w* with zeros": lambda s: 0 in s.target and any(s.target),
    "w* large": lambda s: max(map(abs, s.target)) >= 10**6,
    "noise 0": lambda s: s.noise == 0,
    "additive data": lambda s: s.data.additive > 0 == s.data.multiplicative,
    "rank two": lambda s: s.data.additive * s.data.shared > 0,
}


def levels_of(setting):
    return [level for name in TARGETS for level in dataclasses.astuple(getattr(setting, name))]


def scaled_step(setting, factor):
    return dataclasses.replace(setting, stepsize=setting.stepsize * factor)


# --- the same in the package's terms -------------------------------------------------------------


arguments = functools.lru_cache(maxsize=256)(panel.arguments)


def moments(setting, output="average", tail="1"):
    """The exact moments of what SGD returns, from the second source."""
    if output == "last":
        return reference.last_moments(setting)
    kept = -(-setting.steps * F(tail) // 1) if output == "tail" else setting.steps
    return reference.average_moments(setting, setting.steps - int(kept))
