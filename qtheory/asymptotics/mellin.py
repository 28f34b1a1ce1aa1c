r"""Sums over a power law, :math:`\sum_{i \ge 1} i^{-b} g(x i^{-a})` as :math:`x \to \infty`.

The function g is a finite sum of terms :math:`c\, y^k e^{-my}`, analytic at 0, such as
:math:`(1 - e^{-y})^2 / y^2`. Its Mellin transform

.. math:: M(z) = \int_0^\infty y^{z-1} g(y)\,dy = \sum_{m > 0} c\, m^{-(z+k)}\, \Gamma(z+k)

converges in a strip and is continued by the right-hand side, in which terms with m = 0 drop out.
For z in the strip with :math:`b - \Re(az) > 1` Mellin inversion, summed over i, is

.. math:: \sum_i i^{-b} g(x i^{-a}) = \frac{1}{2\pi i} \int M(z)\, \zeta(b - az)\, x^{-z}\, dz .

Moving the line to the right collects minus the residues. The pole of :math:`\zeta` at
:math:`z_0 = (b-1)/a` gives :math:`M(z_0)\, x^{-z_0} / a`; a term :math:`c\, y^k` of g with m = 0
gives :math:`c\, \zeta(b + ak)\, x^k`. M decays exponentially along vertical lines, so there is
nothing else: the remainder is smaller than every power of x. Where both poles fall together there
is a logarithm.

Source: Flajolet, Gourdon, Dumas, *Mellin transforms and asymptotics: harmonic sums*, Theoretical
Computer Science 144 (1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from qtheory.errors import InvalidArgumentError, SymbolicValueError


@dataclass(frozen=True)
class DecayTerm:
    r"""One term :math:`c\, y^k e^{-my}`."""

    coefficient: sp.Expr
    power: int
    rate: sp.Expr


@dataclass(frozen=True)
class MellinTransform:
    r"""The transform of a sum of terms, and the strip ``lower < Re z < upper`` where it converges.

    Outside the strip it is the analytic continuation.
    """

    terms: tuple[DecayTerm, ...]
    lower: int
    upper: sp.Expr

    @property
    def flat(self) -> dict[int, sp.Expr]:
        """The coefficients of the pure powers of g, by their power."""
        return {term.power: term.coefficient for term in self.terms if term.rate == 0}

    def __call__(self, z: sp.Expr) -> sp.Expr:
        """The transform at z with a single Gamma function, for z that is not one of its poles."""
        decaying = [term for term in self.terms if term.rate != 0]
        if not decaying:
            return sp.S.Zero
        lowest = min(term.power for term in decaying)
        factor = sum(
            # Gamma(z + k) = Gamma(z + lowest) (z + lowest) (z + lowest + 1) ... (z + k - 1)
            term.coefficient
            * term.rate**-term.power
            * term.rate**-z
            * sp.rf(z + lowest, term.power - lowest)
            for term in decaying
        )
        return sp.gamma(z + lowest) * factor

    def laurent(self, n: int) -> tuple[sp.Expr, sp.Expr]:
        r"""The residue and the constant term of M at the integer n.

        With j = -(n + k) >= 0, :math:`\Gamma(w-j) = \frac{(-1)^j}{j!} (1/w + \psi(j+1)) + O(w)`.
        """
        residue, constant = sp.S.Zero, sp.S.Zero
        for term in self.terms:
            if term.rate == 0:
                continue
            j = -(n + term.power)
            if j < 0:
                constant += term.coefficient * term.rate**j * sp.gamma(-j)
            else:
                part = term.coefficient * (-term.rate) ** j / sp.factorial(j)
                residue += part
                constant += part * (sp.digamma(j + 1) - sp.log(term.rate))
        return sp.simplify(residue), sp.expand(sp.expand_func(constant))

    @property
    def removable(self) -> list[int]:
        """Integers inside the strip at which the Gamma function of ``__call__`` has a pole."""
        powers = [term.power for term in self.terms if term.rate != 0]
        if not powers:
            return []
        last = -min(powers) if self.upper == sp.oo else min(-min(powers), int(self.upper) - 1)
        return list(range(self.lower + 1, last + 1))


def terms_of(g: sp.Expr, y: sp.Symbol) -> tuple[DecayTerm, ...]:
    r"""The terms :math:`c\, y^k e^{-my}` of g, those with equal k and m taken together.

    Raises
    ------
    InvalidArgumentError
        If g has another form, or a rate m is negative.
    SymbolicValueError
        If the sign of a rate is not decided by the assumptions on its symbols.

    Examples
    --------
    >>> y = sp.Symbol("y", positive=True)
    >>> for term in terms_of((1 - sp.exp(-y)) ** 2 / y, y):
    ...     print(term)
    DecayTerm(coefficient=1, power=-1, rate=0)
    DecayTerm(coefficient=-2, power=-1, rate=1)
    DecayTerm(coefficient=1, power=-1, rate=2)
    """
    found: dict[tuple[int, sp.Expr], sp.Expr] = {}
    for summand in sp.Add.make_args(sp.expand(g)):
        coefficient, power, rate = sp.S.One, 0, sp.S.Zero
        for factor in sp.Mul.make_args(summand):
            base, exponent = factor.as_base_exp()
            if not factor.has(y):
                coefficient *= factor
            elif base == y and exponent.is_Integer:
                power += int(exponent)
            elif base is sp.E and not sp.diff(exponent, y).has(y) and exponent.subs(y, 0) == 0:
                rate -= sp.diff(exponent, y)
            else:
                raise InvalidArgumentError("g", g, "a sum of terms c*y^k*exp(-m*y)")
        rate = sp.expand(rate)
        found[power, rate] = found.get((power, rate), sp.S.Zero) + coefficient
    for _, rate in found:
        if _holds(rate >= 0, "rate of the decay") is False:
            raise InvalidArgumentError("g", g, "free of growing exponentials")
    ordered = sorted(found.items(), key=lambda item: (item[0][0], sp.default_sort_key(item[0][1])))
    terms = (DecayTerm(sp.expand(c), power, rate) for (power, rate), c in ordered)
    return tuple(term for term in terms if term.coefficient != 0)


def mellin_transform(g: sp.Expr, y: sp.Symbol) -> MellinTransform:
    r"""The Mellin transform of g, with the strip where its integral converges.

    The order n to which g vanishes at 0 follows from the power series of its terms, and its decay
    from the terms with m = 0: the strip is :math:`-n < \Re z < -\max\{k : m = 0\}`.

    Raises
    ------
    InvalidArgumentError
        If g is not analytic at 0, vanishes identically, or its strip is empty.

    Examples
    --------
    >>> y, z = sp.symbols("y z", positive=True)
    >>> M = mellin_transform(((1 - sp.exp(-y)) / y) ** 2, y)
    >>> M.lower, M.upper, M(z)
    (0, 2, (-2 + 4/2**z)*gamma(z - 2))
    >>> M.laurent(1)    # the pole of the Gamma function is removed by the other factor
    (0, 2*log(2))
    """
    terms = terms_of(g, y)
    if not terms:
        raise InvalidArgumentError("g", g, "a function that is not zero")
    order = min(term.power for term in terms)
    while (coefficient := _series_coefficient(terms, order)) == 0:
        order += 1
    if order < 0:
        raise InvalidArgumentError("g", g, f"analytic at 0, but it has {coefficient} y^{order}")
    flat = [-term.power for term in terms if term.rate == 0]
    upper = sp.Integer(min(flat)) if flat else sp.oo
    if -order >= upper:
        raise InvalidArgumentError("g", g, "a function whose Mellin transform converges somewhere")
    return MellinTransform(terms, -order, upper)


def expansion(g: sp.Expr, y: sp.Symbol, x: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    r"""All powers of x in :math:`\sum_{i \ge 1} i^{-b} g(x i^{-a})`, for numeric a and b.

    What is left is smaller than every power of x.

    Raises
    ------
    SymbolicValueError
        If a or b holds a symbol; see :func:`leading_terms`.

    Examples
    --------
    >>> x, y = sp.symbols("x y", positive=True)
    >>> expansion((1 - sp.exp(-y)) / y, y, x, sp.Integer(2), sp.Integer(2))
    -1/(2*x) + sqrt(pi)/sqrt(x)
    """
    for name, value in (("a", a), ("b", b)):
        if value.free_symbols:
            raise SymbolicValueError(f"{name} is {value}, but a number is needed here")
    M = mellin_transform(g, y)
    z = _position_of_zeta(M, a, b)
    met = int(-z) if z.is_Integer and int(-z) in M.flat else None
    result = _double_pole(M, -met, x, a) if met is not None else _zeta_pole(M, z, x, a)
    for power, coefficient in M.flat.items():
        if power != met:
            result += coefficient * sp.zeta(b + a * power) * x**power
    return result


def leading_terms(g: sp.Expr, y: sp.Symbol, x: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    r"""The slowest terms of :math:`\sum_{i \ge 1} i^{-b} g(x i^{-a})`; a, b may be symbols.

    With :math:`z_0 = (b-1)/a` and the slowest pure power :math:`c\,y^{-p}` of g the result is
    :math:`M(z_0) x^{-z_0}/a` for :math:`z_0 < p`, both with a logarithm at equality, and
    :math:`c\,\zeta(b - ap) x^{-p}` beyond. Where the assumptions on a and b decide which, only that
    is returned; otherwise a Piecewise over b. Points at which :math:`M(z_0)` is written with a
    removable pole have a branch of their own.

    Raises
    ------
    InvalidArgumentError
        If the sum diverges.

    Examples
    --------
    >>> x, y, a, b = sp.symbols("x y a b", positive=True)
    >>> leading_terms(sp.exp(-y), y, x, a, b)
    gamma((b - 1)/a)/(a*x**((b - 1)/a))
    >>> leading_terms(((1 - sp.exp(-y)) / y) ** 2, y, x, sp.Integer(2), sp.Integer(5))
    (log(x)/2 - log(2)/2 + 3*EulerGamma/2)/x**2
    """
    M = mellin_transform(g, y)
    z = _position_of_zeta(M, a, b)

    special = [(M.laurent(n)[1] * x**-n / a, sp.Eq(b, a * n + 1)) for n in M.removable]
    if M.upper == sp.oo:
        return sp.Piecewise(*special, (_zeta_pole(M, z, x, a), True))
    p = int(M.upper)
    gap = sp.expand(b - 1 - a * p)
    if gap.is_negative:
        return sp.Piecewise(*special, (_zeta_pole(M, z, x, a), True))
    if gap.is_zero:
        return _double_pole(M, p, x, a)
    beyond = M.flat[-p] * sp.zeta(b - a * p) * x**-p
    if gap.is_positive:
        return beyond
    return sp.Piecewise(
        *special,
        (_zeta_pole(M, z, x, a), sp.Lt(b, a * p + 1)),
        (_double_pole(M, p, x, a), sp.Eq(b, a * p + 1)),
        (beyond, True),
    )


def _zeta_pole(M: MellinTransform, z: sp.Expr, x: sp.Expr, a: sp.Expr) -> sp.Expr:
    """Minus the residue at z = (b-1)/a where M has no pole."""
    value = M.laurent(int(z))[1] if z.is_Integer else M(z)
    return value * x**-z / a


def _double_pole(M: MellinTransform, p: int, x: sp.Expr, a: sp.Expr) -> sp.Expr:
    r"""Minus the residue at z = p of M(z) zeta(1 - a(z-p)) x^-z, where M has a simple pole.

    With w = z - p the factors are r/w + m, -1/(a w) + EulerGamma and x^-p (1 - w log x).
    """
    residue, constant = M.laurent(p)
    inner = -residue * sp.log(x) / a + constant / a - residue * sp.EulerGamma
    return sp.expand(inner) * x**-p


def _position_of_zeta(M: MellinTransform, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The pole z = (b-1)/a of zeta(b - az); the sum converges if the strip begins before it."""
    _holds(a > 0, "exponent a")
    if a.is_positive is False or (b - 1 - a * M.lower).is_nonpositive:
        raise InvalidArgumentError("b", b, f"above 1 + a*({M.lower}) with a > 0: the sum diverges")
    return (b - 1) / a


def _series_coefficient(terms: tuple[DecayTerm, ...], n: int) -> sp.Expr:
    """The coefficient of y^n of the sum of the terms."""
    parts = (
        term.coefficient * (-term.rate) ** (n - term.power) / sp.factorial(n - term.power)
        for term in terms
        if term.power <= n
    )
    return sp.simplify(sum(parts, start=sp.S.Zero))


def _holds(condition: sp.Basic, what: str) -> bool:
    """The truth of a relation, or an error that names it where the assumptions do not tell."""
    if condition not in (sp.true, sp.false):
        raise SymbolicValueError(f"the {what} must satisfy {condition}, which is not decided")
    return bool(condition)
