"""Certificates made by hand, one or more for each kind of step, and what changes of one are."""

import re

import z3

REAL, INT, BOOL = z3.RealSort(), z3.IntSort(), z3.BoolSort()
SEQUENCE = z3.ArraySort(INT, REAL)
x, y, z = z3.Reals("x y z")
n, m = z3.Ints("n m")
b, c = z3.Bools("b c")
s, t, u = (z3.Const(name, SEQUENCE) for name in "stu")
f, h = z3.Function("f", REAL, REAL), z3.Function("h", REAL, REAL)
choice = z3.Function("choice", BOOL, REAL, REAL, REAL)


def total(*terms, by=()):
    """The step that ends a branch; a term is its facts, or what it is."""
    whole = [["1", None, *e] if all(isinstance(k, int) for k in e) else list(e) for e in terms]
    return ["sum", [list(each) for each in by], whole]


def split(fact, *steps):
    return ["split", fact, list(steps)]


def note(kind, argument, step):
    return ["note", kind, argument, step]


def minus(fact, *facts):
    return "-1", None, fact, *facts


#: What it shows: the formulas, and the steps.
EXAMPLES = {
    "two comparisons": ([x > 0, x <= 0], total([0], [1])),
    "weights": ([x > 0, 2 * y >= 3 * x, y <= 0], total(["3", None, 0], [1], ["2", None, 2])),
    "a constant": ([x == x + 1], total([], [0])),
    "fractions": ([x / 3 > z3.Q(1, 6), x < z3.Q(1, 2)], None),
    "products": ([x > 0, y > 0, x * y <= 0], total([0, 1], [2])),
    "a square": ([x * x < 0], total([0], ["1", "x0"])),
    "a square times a fact": ([x > 0, x * y * y < 0], total([1], ["1", "x1", 0])),
    "an equation times a polynomial": (
        [x == 1, x * x > 1],
        total([1], ["-1*x0 + -1", None, 0]),
    ),
    "an equation that is solved": ([x == y + 1, x <= y], total([], [1], by=[[0, 0]])),
    "an equation that is divided": (
        [x * y == z, y > 0, z > 0, x <= 0],
        total([2], [1, 3], by=[[0, 0, 1]]),
    ),
    "divided by a product": (
        [x * y * z == 1, y != 0, z > 0, x == 0],
        total([], ["-1*x1*x2", None, 3], by=[[0, 0, 1, 2]]),
    ),
    "two equations that are solved": (
        [x == y * y, y == z + 1, x < 0],
        total([2], ["1", "x2 + 1"], by=[[0, 0], [1, 1]]),
    ),
    "alternatives": (
        [z3.Or(x > 0, y > 0), x <= 0, y <= 0],
        split(0, total([3], [1]), total([3], [2])),
    ),
    "not zero": (
        [x != 0, x * x <= 0],
        split(0, total([2, 2], [1]), total([2, 2], [1])),
    ),
    "no alternative": ([z3.BoolVal(False)], split(0)),
    "negations": (
        [z3.Not(z3.And(x > 0, z3.Or(y > 0, z3.Not(b)))), x > 0, y > 0],
        split(0, total([1], [3]), total([2], [3])),
    ),
    "truth values": (
        [b, z3.Implies(b, c), z3.Not(c)],
        split(1, total([0], minus(3)), total([3], minus(2))),
    ),
    "the meaning of a quotient": (
        [y > 0, x / y * y != x],
        note(
            "meaning",
            2,
            split(
                3,
                total([0], minus(4)),
                split(1, total([5], minus(4)), total([5], [4])),
            ),
        ),
    ),
    "the meaning of an if-then-else": (
        [z3.If(x > 0, x, -x) < 0],
        note(
            "meaning",
            1,
            split(
                3,
                split(1, total([4], [5]), total([0], [4], [5])),
                split(2, total([4], [5]), total([0], [4], [5])),
            ),
        ),
    ),
    "equal arguments": (
        [f(x) > f(y), x == y],
        note(
            "equal",
            [1, 3],
            split(2, split(3, total([4], [1]), total([4], minus(1))), total([0], [3])),
        ),
    ),
    "an integer is a real number": (
        [f(z3.ToReal(n)) > f(y), z3.ToReal(n) == y],
        note(
            "equal",
            [1, 3],
            split(2, split(3, total([4], [1]), total([4], minus(1))), total([0], [3])),
        ),
    ),
    "equal indices": (
        [s[n] < s[m], n == m],
        note(
            "equal",
            [1, 3],
            split(2, split(3, total([4], minus(1)), total([4], [1])), total([0], [3])),
        ),
    ),
    "equal sequences": (
        [s == t, s[n] < t[n]],
        note(
            "equal",
            [2, 3],
            split(
                2,
                total([0], minus(3)),
                split(3, total([4]), total([4])),
                total([1], [3]),
            ),
        ),
    ),
    "no integer between 0 and 1": (
        [n > 0, n < 1],
        note("integer", "x0", split(2, total([0], [3]), total([1], [3]))),
    ),
    "even and odd": (
        [2 * n == 2 * m + 1],
        note(
            "integer",
            "x0 + -1*x1",
            split(
                1,
                total([], ["2", None, 2], [0]),
                total([], ["2", None, 2], minus(0)),
            ),
        ),
    ),
    "a sign": (
        [x * x <= 0, x * y == 1],
        note(
            "sign",
            "x0",
            split(
                2,
                total([], [1], ["-1*x1", None, 3]),
                total([3, 3], [0]),
                total([3, 3], [0]),
            ),
        ),
    ),
}
# x/3 is the unknown 1, x/3*3 = x what is known of it: 3 = 0, or not
EXAMPLES["fractions"] = (
    EXAMPLES["fractions"][0],
    note(
        "meaning",
        1,
        split(3, total([], ["-1/3", None, 4]), total(["3", None, 0], [1], minus(4))),
    ),
)


def mutants(value):
    """What a certificate is with one thing in it changed: a number, a text, an entry of a list."""
    if isinstance(value, list):
        yield from ([], None, {}, "", 0)
        for k, entry in enumerate(value):
            before, after = value[:k], value[k + 1 :]
            yield [*before, *after]
            yield [*before, entry, entry, *after]
            if after:
                yield [*before, after[0], entry, *after[1:]]
            yield from ([*before, other, *after] for other in mutants(entry))
    elif isinstance(value, int):
        yield from (value + 1, value - 1, ~value, 10**30, float(value), str(value), None, [value])
        yield from {bool(value)} if value in (0, 1) else ()
    elif isinstance(value, str):
        yield from ("", "0", "1", "2", "-1", "1/2", "nan", "inf", "1e9", "x0", "x0^2", "split")
        yield from (f"{value} + 1", f"{value}*x0", f"-1*{value}", f"{value}^2", [value], 7, 0.5)
        yield from (
            value[: at.start()] + str(int(at[0]) + step) + value[at.end() :]
            for at in re.finditer(r"\d+", value)
            for step in (1, -1)
        )
    else:
        yield from ("1", "2", "x0", "x1 + 1", 0, False, [], "sum", "nan")
