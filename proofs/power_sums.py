r"""T8's building blocks: sums of i^-p against their integral, and D_N for a power law.

Main results
    ``comparison``: for p != 1 and integers 1 <= k <= n,

        sum_{i=k+1}^n i^-p  <=  (k^(1-p) - n^(1-p)) / (p-1)  <=  sum_{i=k}^{n-1} i^-p    if p >= 0,

        and the reverse if p <= 0; p = 1, the logarithm, is left out
    ``dimension``: for lambda_i = i^-a, a > 1/2, M = N gamma > 0 and the crossing X = M^(1/a),

        D(a, M, n) = sum_{i=1}^n min(1, (M lambda_i)^2) = sum_{i=1}^n min(1, (X/i)^(2a))

        is n for n <= X; for n >= X, with X >= 1 in what bounds it from below,

        2a/(2a-1) X - X ((n+1)/X)^(1-2a) / (2a-1) - 1
          <= D <= 2a/(2a-1) X - X (n/X)^(1-2a) / (2a-1),

        so that min(n, X) / 2 <= D <= min(n, 2a/(2a-1) X)
    ``theorem``: both together

How
    The middle is the integral of t^-p from k to n, which lies between its rectangles by the tangents of
    t^(1-p) at both ends. D lies between the integrals of its terms from 1 to n+1 and from 0 to n.
"""

import z3

from qtheory.proof.kernel import INT, define, induction, lemma, recursive, sequence, variable
from qtheory.proof.real_powers import (
    at_least_one,
    at_most_one,
    inverse,
    one_to,
    positive,
    power_of_power,
    power_of_quotient,
    power_to_sum,
    real_power,
    tangent,
    to_one,
)
from qtheory.proof.sums import total

p, a, M, X = variable("p"), variable("a"), variable("M"), variable("X")
s, t = variable("left"), variable("right")
n, k = variable("n", INT), variable("k", INT)


def real(index):
    """An index as a real number."""
    return z3.ToReal(index)


def ordered(low, middle, high):
    """The order of a sum and its integral: t^-p decreases for p >= 0 and increases for p <= 0."""
    return z3.And(
        z3.Implies(p >= 0, z3.And(low <= middle, middle <= high)),
        z3.Implies(p <= 0, z3.And(low >= middle, middle >= high)),
    )


# --- sums of i^-p -------------------------------------------------------------------------------

# powers(p, n) = 1^-p + ... + n^-p
powers = recursive("powers", [p], n, 0, lambda before: before + real_power(real(n + 1), -p))

# The integral of t^-p from s to t is the difference of antiderivatives t^(1-p) / (1-p).
antiderivative = define("antiderivative", [p, t], real_power(t, 1 - p) / (1 - p))


def integral(start, end):
    """The integral of t^-p between two places."""
    return antiderivative(p, end) - antiderivative(p, start)


def tangent_at(touching, other):
    """t^(1-p) against its tangent at a place: the slope there is (1-p) t^-p."""
    gain = real_power(other, 1 - p) - real_power(touching, 1 - p)
    rise = (1 - p) * (real_power(touching, -p) * (other - touching))
    return lemma(
        z3.Implies(
            z3.And(s > 0, t > 0),
            z3.And(
                z3.Implies(z3.Or(p >= 1, p <= 0), gain >= rise),
                z3.Implies(z3.And(p >= 0, p <= 1), gain <= rise),
            ),
        ),
        tangent(base=other, other_base=touching, exponent=1 - p),
        name="a tangent of the antiderivative",
    )


# (t - s) t^-p <= integral from s to t <= (t - s) s^-p: the tangents of t^(1-p) at both ends.
between = lemma(
    z3.Implies(
        z3.And(s > 0, t >= s, p != 1),
        ordered(real_power(t, -p) * (t - s), integral(s, t), real_power(s, -p) * (t - s)),
    ),
    tangent_at(s, t),
    tangent_at(t, s),
    lemma(
        z3.Implies(p != 1, (1 - p) * integral(s, t) == real_power(t, 1 - p) - real_power(s, 1 - p)),
        antiderivative.at(p, s),
        antiderivative.at(p, t),
        name="the derivative of the antiderivative",
    ),
    name="an integral between its rectangles",
)

# One step: (n+1)^-p <= integral from n to n+1 <= n^-p.
one_step = lemma(
    z3.Implies(
        z3.And(n >= 1, p != 1),
        ordered(
            real_power(real(n + 1), -p),
            integral(real(n), real(n + 1)),
            real_power(real(n), -p),
        ),
    ),
    between(left=real(n), right=real(n + 1)),
    name="one step of the integral",
)

# For k = n + 1 the sum from k + 1 to n + 1 is empty.
empty = lemma(
    z3.Implies(
        z3.And(k >= 1, k <= n + 1),
        z3.Or(
            k <= n,
            z3.And(
                powers(p, k) == powers(p, n + 1),
                real_power(real(k), -p) == real_power(real(n + 1), -p),
                antiderivative(p, real(k)) == antiderivative(p, real(n + 1)),
            ),
        ),
    ),
    lemma(z3.Implies(k <= n + 1, z3.Or(k <= n, k == n + 1)), name="n < k <= n + 1"),
    name="an empty sum",
)


def shifted(sum_, end):
    """The sum over k <= i < n, from that over k < i <= n."""
    return sum_ - real_power(real(end), -p) + real_power(real(k), -p)


def bounded(sign, bound, name):
    """A sum over k < i <= n bounded by the integral from k to n, for one sign of p.

    By induction on n; the claim is void for n < k, and for n = k all of it is 0.
    """

    def claim(start, end, sum_):
        return bound(sum_, integral(real(start), real(end)), end)

    return induction(
        n,
        z3.Implies(z3.And(k >= 1, k <= n, p != 1, sign), claim(k, n, powers(p, n) - powers(p, k))),
        powers.next(p, n),
        one_step,
        empty,
        name=name,
    )


both_sums = lemma(
    z3.Implies(
        z3.And(k >= 1, k <= n, p != 1),
        ordered(
            powers(p, n) - powers(p, k),
            integral(real(k), real(n)),
            shifted(powers(p, n) - powers(p, k), n),
        ),
    ),
    bounded(p >= 0, lambda sum_, middle, _: sum_ <= middle, "falling powers, from below"),
    bounded(
        p >= 0, lambda sum_, middle, end: middle <= shifted(sum_, end), "falling powers, from above"
    ),
    bounded(p <= 0, lambda sum_, middle, _: sum_ >= middle, "rising powers, from above"),
    bounded(
        p <= 0, lambda sum_, middle, end: middle >= shifted(sum_, end), "rising powers, from below"
    ),
    name="sums and their integral",
)


def last(end):
    """A sum by its last term."""
    return lemma(
        z3.Implies(end >= 1, powers(p, end) == powers(p, end - 1) + real_power(real(end), -p)),
        powers.next(p, end - 1),
        name="the last term of a sum",
    )


# The same written out, with the sums over k < i <= n and over k <= i < n.
written_out = (real_power(real(k), 1 - p) - real_power(real(n), 1 - p)) / (p - 1)
comparison = lemma(
    z3.Implies(
        z3.And(k >= 1, k <= n, p != 1),
        ordered(
            powers(p, n) - powers(p, k),
            written_out,
            powers(p, n - 1) - powers(p, k - 1),
        ),
    ),
    both_sums,
    last(n),
    last(k),
    lemma(
        z3.Implies(p != 1, integral(real(k), real(n)) == written_out),
        antiderivative.at(p, real(k)),
        antiderivative.at(p, real(n)),
        name="the integral of a power",
    ),
    name="sums of powers against their integral",
)

# The tail, for every n: sum_{i>k} i^-p <= k^(1-p) / (p-1).
tail = lemma(
    z3.Implies(
        z3.And(k >= 1, k <= n, p > 1),
        powers(p, n) - powers(p, k) <= real_power(real(k), 1 - p) / (p - 1),
    ),
    comparison,
    positive(base=real(n), exponent=1 - p),
    name="the tail of a sum of powers",
)

# --- D_N for a power law ------------------------------------------------------------------------


def smaller(one, other):
    """The minimum of two numbers."""
    return z3.If(one <= other, one, other)


def share(place):
    """M lambda at a place."""
    return M * real_power(place, -a)


def square(place):
    """(M lambda)^2 at a place."""
    return share(place) * share(place)


# D(a, M, n) = min(1, (M 1^-a)^2) + ... + min(1, (M n^-a)^2)
D = recursive(
    "effective dimension",
    [a, M],
    n,
    0,
    lambda before: before + smaller(square(real(n + 1)), 1),
)
x = real_power(M, 1 / a)  # the crossing point

# Its terms as a function of the place, and their integral from 0.
term = define("term", [a, X, t], z3.If(t <= X, 1, real_power(t / X, -(2 * a))))
area = define(
    "area",
    [a, X, t],
    z3.If(t <= X, t, 2 * a / (2 * a - 1) * X - X * real_power(t / X, 1 - 2 * a) / (2 * a - 1)),
)

# X^a = M, and X >= 1 when M >= 1.
at_crossing = lemma(
    z3.Implies(
        z3.And(M > 0, a > 0),
        z3.And(x > 0, real_power(x, a) == M, z3.Implies(M >= 1, x >= 1)),
    ),
    power_of_power(base=M, exponent=1 / a, other_exponent=a),
    to_one(base=M),
    positive(base=M, exponent=1 / a),
    at_least_one(base=M, exponent=1 / a),
    lemma(z3.Implies(a > 0, z3.And(1 / a > 0, 1 / a * a == 1)), name="a / a"),
    name="the crossing point",
)

# M t^-a (t/X)^a = X^a t^-a t^a X^-a = 1
ratio = t / x
share_at = lemma(
    z3.Implies(z3.And(M > 0, a > 0, t > 0), share(t) * real_power(ratio, a) == 1),
    at_crossing,
    power_of_quotient(base=t, other_base=x, exponent=a),
    inverse(base=t, exponent=a),
    name="the share of a place",
)
# (M t^-a)^2 = (t/X)^(-2a)
square_at = lemma(
    z3.Implies(
        z3.And(M > 0, a > 0, t > 0),
        z3.And(ratio > 0, square(t) == real_power(ratio, -(2 * a))),
    ),
    share_at,
    at_crossing,
    lemma(
        z3.Implies(
            ratio > 0,
            z3.And(
                real_power(ratio, a) * real_power(ratio, -a) == 1,
                real_power(ratio, -(2 * a)) == real_power(ratio, -a) * real_power(ratio, -a),
            ),
        ),
        inverse(base=ratio, exponent=a),
        power_to_sum(base=ratio, exponent=-a, other_exponent=-a),
        name="twice an exponent",
    ),
    name="the square of the share",
)
# A negative power of y is at least 1 for y <= 1 and at most 1 for y >= 1.
y = variable("base")
negative_power = lemma(
    z3.Implies(
        z3.And(y > 0, a > 0),
        z3.And(
            real_power(y, -(2 * a)) > 0,
            z3.Implies(y <= 1, real_power(y, -(2 * a)) >= 1),
            z3.Implies(y >= 1, real_power(y, -(2 * a)) <= 1),
        ),
    ),
    at_most_one(exponent=2 * a),
    at_least_one(exponent=2 * a),
    inverse(exponent=2 * a),
    positive(exponent=-(2 * a)),
    name="a negative power against 1",
)
# min(1, (M t^-a)^2) is 1 for t <= X and (t/X)^(-2a) beyond.
term_at = lemma(
    z3.Implies(z3.And(M > 0, a > 0, t > 0), smaller(square(t), 1) == term(a, x, t)),
    term.at(a, x, t),
    square_at,
    at_crossing,
    negative_power(base=ratio),
    lemma(
        z3.Implies(
            z3.And(t > 0, x > 0), z3.And((ratio <= 1) == (t <= x), (ratio >= 1) == (t >= x))
        ),
        name="a ratio against 1",
    ),
    name="the terms of D",
)


def outside(place):
    """Term and area beyond the crossing, the crossing itself included."""
    at = place / X
    return lemma(
        z3.Implies(
            z3.And(X > 0, a > z3.Q(1, 2), place >= X),
            z3.And(
                term(a, X, place) == real_power(at, -(2 * a)),
                area(a, X, place)
                == 2 * a / (2 * a - 1) * X - X * real_power(at, 1 - 2 * a) / (2 * a - 1),
            ),
        ),
        term.at(a, X, place),
        area.at(a, X, place),
        one_to(exponent=-(2 * a)),
        one_to(exponent=1 - 2 * a),
        lemma(z3.Implies(X > 0, (at == 1) == (place == X)), name="X / X"),
        name="term and area beyond the crossing",
    )


# Beyond the crossing: the rectangles of (t/X)^(-2a), from the sums of i^-p with p = 2a.
units = antiderivative(2 * a, t / X) - antiderivative(2 * a, s / X)
beyond = lemma(
    z3.Implies(
        z3.And(X > 0, a > z3.Q(1, 2), s >= X, t >= s),
        z3.And(
            term(a, X, t) * (t - s) <= area(a, X, t) - area(a, X, s),
            area(a, X, t) - area(a, X, s) <= term(a, X, s) * (t - s),
        ),
    ),
    lemma(
        z3.Implies(
            z3.And(X > 0, a > z3.Q(1, 2), s >= X, t >= s),
            z3.And(
                term(a, X, t) * (t / X - s / X) <= units,
                units <= term(a, X, s) * (t / X - s / X),
            ),
        ),
        outside(s),
        outside(t),
        between(p=2 * a, left=s / X, right=t / X),
        lemma(
            z3.Implies(z3.And(X > 0, s >= X, t >= s), z3.And(s / X > 0, t / X >= s / X)),
            name="places in units of the crossing",
        ),
        name="beyond the crossing, in units of it",
    ),
    lemma(
        z3.Implies(
            z3.And(X > 0, a > z3.Q(1, 2), s >= X, t >= s),
            area(a, X, t) - area(a, X, s) == X * units,
        ),
        outside(s),
        outside(t),
        antiderivative.at(2 * a, s / X),
        antiderivative.at(2 * a, t / X),
        name="the area in units of the crossing",
    ),
    lemma(z3.Implies(X > 0, X * (t / X - s / X) == t - s), name="a length in units"),
    name="beyond the crossing",
)
# 0 < term <= 1
term_between = lemma(
    z3.Implies(z3.And(X > 0, a > 0, t >= 0), z3.And(term(a, X, t) > 0, term(a, X, t) <= 1)),
    term.at(a, X, t),
    negative_power(base=t / X),
    lemma(z3.Implies(z3.And(X > 0, t >= X), t / X >= 1), name="a ratio above 1"),
    name="a term is between 0 and 1",
)
# One step, on either side of the crossing or across it.
step = area(a, X, s + 1) - area(a, X, s)
area_step = lemma(
    z3.Implies(
        z3.And(X > 0, a > z3.Q(1, 2), s >= 0),
        z3.And(term(a, X, s + 1) <= step, step <= term(a, X, s)),
    ),
    beyond(right=s + 1),
    beyond(left=X, right=s + 1),
    *(fact.at(a, X, place) for fact in (term, area) for place in (s, s + 1, X)),
    term_between(right=s + 1),
    name="one step of the area",
)

at_n, after_n = real(n), real(n + 1)
one_share = lemma(
    z3.Implies(
        z3.And(M > 0, a > z3.Q(1, 2), n >= 0),
        z3.And(
            D(a, M, n + 1) == D(a, M, n) + term(a, x, after_n),
            x > 0,
            term(a, x, after_n) > 0,
            term(a, x, after_n) <= 1,
        ),
    ),
    D.next(a, M, n),
    term_at(right=after_n),
    term_between(X=x, right=after_n),
    at_crossing,
    name="one more term of D",
)
# D <= n, and D <= area from 0 to n.
above = induction(
    n,
    z3.Implies(
        z3.And(M > 0, a > z3.Q(1, 2)),
        z3.And(D(a, M, n) <= at_n, D(a, M, n) <= area(a, x, at_n)),
    ),
    one_share,
    area_step(X=x, left=at_n),
    base=[D.zero(a, M), area.at(a, x, real(z3.IntVal(0))), at_crossing],
    name="D is at most the area",
)
# D >= area from 1 to n + 1; D >= 1 once there is a term, and all terms are 1 up to the crossing.
below = induction(
    n,
    z3.Implies(
        z3.And(M >= 1, a > z3.Q(1, 2)),
        z3.And(
            D(a, M, n) >= area(a, x, after_n) - 1,
            z3.Implies(n >= 1, D(a, M, n) >= 1),
            z3.Implies(at_n <= x, D(a, M, n) == at_n),
        ),
    ),
    one_share,
    at_crossing,
    above,
    area_step(X=x, left=after_n),
    term.at(a, x, after_n),
    base=[D.zero(a, M), area.at(a, x, z3.RealVal(1)), at_crossing],
    name="D is at least the area, less 1",
)

# --- the theorem --------------------------------------------------------------------------------

full = 2 * a / (2 * a - 1) * x  # the integral of all terms


def rest(place, crossing=x):
    """The integral of the terms beyond a place, itself beyond the crossing."""
    return crossing * real_power(place / crossing, 1 - 2 * a) / (2 * a - 1)


# The area in terms of X: at most full, and full - rest beyond the crossing.
area_at = lemma(
    z3.Implies(
        z3.And(M > 0, a > z3.Q(1, 2), t >= 0),
        z3.And(
            area(a, x, t) <= full,
            z3.Implies(t <= x, area(a, x, t) == t),
            z3.Implies(t >= x, z3.And(area(a, x, t) == full - rest(t), area(a, x, t) >= x)),
        ),
    ),
    outside(t)(X=x),
    area.at(a, x, t),
    at_crossing,
    lemma(
        z3.Implies(z3.And(x > 0, a > z3.Q(1, 2)), full == x + x / (2 * a - 1)),
        name="the integral of all terms",
    ),
    lemma(
        z3.Implies(z3.And(x > 0, a > z3.Q(1, 2), t > 0), rest(t) > 0),
        positive(base=t / x, exponent=1 - 2 * a),
        lemma(z3.Implies(z3.And(x > 0, t > 0), t / x > 0), name="a positive ratio"),
        name="the rest",
    ),
    beyond(X=x, left=x),
    area.at(a, x, x),
    term_between(X=x),
    name="the area in terms of the crossing",
)


def bounds(sum_, crossing, large):
    """The bounds on D; those from below need that the crossing is large, that is, at least 1."""
    whole = 2 * a / (2 * a - 1) * crossing
    return z3.And(
        sum_ <= smaller(at_n, whole),
        z3.Implies(at_n >= crossing, sum_ <= whole - rest(at_n, crossing)),
        z3.Implies(
            large,
            z3.And(
                sum_ >= smaller(at_n, crossing) / 2,
                z3.Implies(at_n <= crossing, sum_ == at_n),
                z3.Implies(at_n >= crossing, sum_ >= whole - rest(after_n, crossing) - 1),
            ),
        ),
    )


dimension = lemma(
    z3.Implies(z3.And(M > 0, a > z3.Q(1, 2), n >= 0), bounds(D(a, M, n), x, M >= 1)),
    above,
    below,
    area_at(right=at_n),
    area_at(right=after_n),
    at_crossing,
    name="D for a power law",
)
# The same for a given crossing point X: it is that of M = X^a.
by_crossing = lemma(
    z3.Implies(z3.And(X > 0, a > z3.Q(1, 2), n >= 0), bounds(D(a, real_power(X, a), n), X, X >= 1)),
    dimension(M=real_power(X, a)),
    lemma(
        z3.Implies(
            z3.And(X > 0, a > 0),
            z3.And(
                real_power(X, a) > 0,
                real_power(real_power(X, a), 1 / a) == X,
                z3.Implies(X >= 1, real_power(X, a) >= 1),
            ),
        ),
        power_of_power(base=X, exponent=a, other_exponent=1 / a),
        to_one(base=X),
        positive(base=X, exponent=a),
        at_least_one(base=X, exponent=a),
        lemma(z3.Implies(a > 0, a * (1 / a) == 1), name="a / a"),
        name="every X is a crossing point",
    ),
    name="D by its crossing point",
)

# The sums are those of qtheory.proof.sums, whose terms are counted from 0.
i = variable("i", INT)
power_terms = sequence("power terms", [p], i, real_power(real(i + 1), -p))
powers_total = induction(
    n,
    powers(p, n) == total(power_terms(p), n),
    powers.next(p, n),
    total.next(power_terms(p), n),
    power_terms.at(p, n),
    base=[powers.zero(p), total.zero(power_terms(p))],
    name="powers as a sum",
)
D_terms = sequence("D terms", [a, M], i, smaller(square(real(i + 1)), 1))
D_total = induction(
    n,
    D(a, M, n) == total(D_terms(a, M), n),
    D.next(a, M, n),
    total.next(D_terms(a, M), n),
    D_terms.at(a, M, n),
    base=[D.zero(a, M), total.zero(D_terms(a, M))],
    name="D as a sum",
)

theorem = lemma(
    z3.And(comparison.formula, dimension.formula),
    comparison,
    dimension,
    name="sums of powers, and D for a power law",
)
