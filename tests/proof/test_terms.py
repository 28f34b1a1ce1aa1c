"""Formulas of z3 as terms: the same meaning, one term for one formula, the same look everywhere."""

import functools
import random
import subprocess
import sys
from fractions import Fraction

import pytest
import z3

from qtheory.errors import ProofError
from qtheory.proof import kernel
from qtheory.proof.checker import Facts, unknowns
from qtheory.proof.terms import look, make, term_of

REAL, INT, BOOL = z3.RealSort(), z3.IntSort(), z3.BoolSort()
SEQUENCE = z3.ArraySort(INT, REAL)
x, y, z = z3.Reals("x y z")
n, m = z3.Ints("n m")
p, q = z3.Bools("p q")
s, t = z3.Const("s", SEQUENCE), z3.Const("t", SEQUENCE)
f, g = z3.Function("f", REAL, REAL), z3.Function("g", INT, REAL, INT)

# --- meaning -----------------------------------------------------------------------------------


def value(term, at):
    """The value of a term where symbols have these values: numbers and truth values, functions."""
    kind, sort = term.operation, term.sort
    if kind == "apply":
        return at[term.value](*(value(part, at) for part in term.parts))
    if kind == "number":
        return term.value
    parts = [value(part, at) for part in term.parts]
    if kind in ("+", "*"):
        start = Fraction(0 if kind == "+" else 1)
        join = (lambda a, b: a + b) if kind == "+" else (lambda a, b: a * b)
        return functools.reduce(join, parts, start)
    found = {
        "/": lambda a, b: at["by zero"](a) if b == 0 else Fraction(a) / b,
        "if": lambda c, a, b: a if c else b,
        "<=": lambda a, b: a <= b,
        "<": lambda a, b: a < b,
        "=": lambda a, b: a == b,
        "same": lambda a, b: a is b,
        "entry": lambda a, k: a(k),
        "and": lambda *a: all(a),
        "or": lambda *a: any(a),
        "not": lambda a: not a,
    }[kind](*parts)
    assert (sort == "Bool") == isinstance(found, bool)
    return found


def z3_value(formula, at):
    """The value of a formula of z3, from what SMT-LIB says of its operations."""
    kind, parts = formula.decl().kind(), formula.children()
    if kind == z3.Z3_OP_ANUM:
        return Fraction(formula.as_string())
    parts = [z3_value(part, at) for part in parts]
    if kind == z3.Z3_OP_UNINTERPRETED:
        return at[formula.decl().name()](*parts)
    return {
        z3.Z3_OP_TRUE: lambda: True,
        z3.Z3_OP_FALSE: lambda: False,
        z3.Z3_OP_AND: lambda *a: all(a),
        z3.Z3_OP_OR: lambda *a: any(a),
        z3.Z3_OP_NOT: lambda a: not a,
        z3.Z3_OP_IMPLIES: lambda a, b: b or not a,
        z3.Z3_OP_EQ: lambda a, b: a is b if callable(a) else a == b,
        z3.Z3_OP_DISTINCT: lambda *a: len(set(a)) == len(a),
        z3.Z3_OP_ITE: lambda c, a, b: a if c else b,
        z3.Z3_OP_TO_REAL: lambda a: a,
        z3.Z3_OP_ADD: lambda *a: sum(a),
        z3.Z3_OP_SUB: lambda a, *b: a - sum(b),
        z3.Z3_OP_UMINUS: lambda a: -a,
        z3.Z3_OP_MUL: lambda *a: functools.reduce(lambda b, c: b * c, a),
        z3.Z3_OP_DIV: lambda a, b: at["by zero"](a) if b == 0 else Fraction(a) / b,
        z3.Z3_OP_LE: lambda a, b: a <= b,
        z3.Z3_OP_LT: lambda a, b: a < b,
        z3.Z3_OP_GE: lambda a, b: a >= b,
        z3.Z3_OP_GT: lambda a, b: a > b,
        z3.Z3_OP_SELECT: lambda a, k: a(k),
    }[kind](*parts)


def point(rng):
    """Values for all symbols; those of functions and quotients by zero are drawn, but fixed."""
    salt = rng.random()

    def drawn(*key):
        return Fraction(random.Random(repr((salt, *map(str, key)))).randint(-2, 2))

    def constant(number):
        return lambda: number

    reals = [Fraction(rng.randint(-3, 3), rng.choice([1, 1, 2])) for _ in "xyz"]
    at = {name: constant(number) for name, number in zip("xyz", reals, strict=True)}
    at |= {name: constant(Fraction(rng.randint(-2, 2))) for name in "nm"}
    at |= {name: constant(rng.random() < 0.5) for name in "pq"}
    sequences = [lambda k: drawn("s", k), lambda k: drawn("t", k)]
    at["s"] = constant(sequences[0])
    at["t"] = constant(rng.choice(sequences))
    at |= {"f": lambda a: drawn("f", a), "g": lambda k, a: drawn("g", k, a)}
    return at | {"by zero": lambda a: drawn("/", a)}


#: One for each operation that the kernel allows; most in more than one place and with more parts.
FORMULAS = {
    z3.Z3_OP_TRUE: z3.And(z3.BoolVal(True), p),
    z3.Z3_OP_FALSE: z3.Or(z3.BoolVal(False), p),
    z3.Z3_OP_AND: z3.And(p, x > 0, q),
    z3.Z3_OP_OR: z3.Or(p, x > 0, z3.Or(q, y > 0)),
    z3.Z3_OP_NOT: z3.Not(x <= y),
    z3.Z3_OP_IMPLIES: z3.Implies(p, x < y),
    z3.Z3_OP_EQ: z3.And(x == y, (p == q) == (s == t), n == m),
    z3.Z3_OP_DISTINCT: z3.Or(z3.Distinct(x, y, z), z3.Distinct(n, m), p != q, s != t),
    z3.Z3_OP_ITE: z3.If(p, z3.If(q, x, y), x + 1) < z3.If(x < y, n, m),
    z3.Z3_OP_ANUM: x + z3.Q(-3, 7) <= z3.RealVal("0.25") + z3.IntVal(-2),
    z3.Z3_OP_TO_REAL: z3.ToReal(n) * x == z3.ToReal(n + m),
    z3.Z3_OP_ADD: x + y + z + 1 > z3.Sum(x, y, z3.ToReal(n)),
    z3.Z3_OP_SUB: z3.And(x - y - z < y - (x - z), n - m - 1 < m - n),
    z3.Z3_OP_UMINUS: z3.And(-x < y, -(-x * y) >= -z, -n < m),
    z3.Z3_OP_MUL: x * y * z < z3.Product(x, x, y) * n,
    z3.Z3_OP_DIV: z3.And(x / y < y / z, x / 0 <= 1 / x),
    z3.Z3_OP_LE: z3.And(x <= y, n <= m),
    z3.Z3_OP_LT: z3.And(x < y, n < m),
    z3.Z3_OP_GE: z3.And(x >= y, n >= m),
    z3.Z3_OP_GT: z3.And(x > y, n > m),
    z3.Z3_OP_SELECT: s[n] + t[m + 1] < s[g(n, x)],
    z3.Z3_OP_UNINTERPRETED: f(f(x) + 1) < g(n, f(y)),
}


def operations(formula):
    yield formula.decl().kind()
    for part in formula.children():
        yield from operations(part)


def test_there_is_a_formula_for_each_operation():
    assert set(FORMULAS) == {*kernel._OPERATIONS, z3.Z3_OP_UNINTERPRETED}
    assert all(kind in set(operations(formula)) for kind, formula in FORMULAS.items())


@pytest.mark.parametrize("kind", FORMULAS, ids=str)
def test_a_term_has_the_value_of_its_formula(kind):
    rng = random.Random(kind)
    formula = FORMULAS[kind]
    seen = set()
    for _ in range(300):
        at = point(rng)
        expected = z3_value(formula, at)
        seen.add(expected)
        assert value(term_of(formula), at) == expected
    assert seen == {True, False}


def drawn(rng, sort, depth):
    """A formula or number at random, of all operations."""
    if depth == 0:
        symbols = {REAL: [x, y, z, z3.Q(1, 2)], INT: [n, m, z3.IntVal(2)], BOOL: [p, q]}
        return rng.choice(symbols[sort])

    def part(of):
        return drawn(rng, of, depth - 1)

    if sort == BOOL:
        of = rng.choice([REAL, INT])
        return rng.choice(
            [
                lambda: z3.And(part(BOOL), part(BOOL)),
                lambda: z3.Or(part(BOOL), part(BOOL), part(BOOL)),
                lambda: z3.Not(part(BOOL)),
                lambda: z3.Implies(part(BOOL), part(BOOL)),
                lambda: part(BOOL) == part(BOOL),
                lambda: z3.If(part(BOOL), part(BOOL), part(BOOL)),
                lambda: part(of) <= part(of),
                lambda: part(of) < part(of),
                lambda: part(of) >= part(of),
                lambda: part(of) > part(of),
                lambda: part(of) == part(of),
                lambda: z3.Distinct(part(of), part(of), part(of)),
            ]
        )()
    choices = [
        lambda: part(sort) + part(sort),
        lambda: part(sort) - part(sort) - part(sort),
        lambda: part(sort) * part(sort),
        lambda: -part(sort),
        lambda: z3.If(part(BOOL), part(sort), part(sort)),
        lambda: f(part(REAL)) if sort == REAL else g(part(INT), part(REAL)),
    ]
    if sort == REAL:
        choices += [lambda: part(REAL) / part(REAL), lambda: z3.ToReal(part(INT))]
        choices += [lambda: z3.If(part(BOOL), s, t)[part(INT)]]
    return rng.choice(choices)()


@pytest.mark.parametrize("seed", range(5))
def test_random_formulas_keep_their_values(seed):
    rng = random.Random(seed)
    for _ in range(60):
        formula = drawn(rng, BOOL, 4)
        term = term_of(formula)
        for _ in range(5):
            at = point(rng)
            assert value(term, at) == z3_value(formula, at), formula


def test_a_wrong_term_is_seen():
    # the negative control: >= built as < is another value somewhere
    rng = random.Random(0)
    wrong = make("<", "Bool", term_of(x), term_of(y))
    points = [point(rng) for _ in range(100)]
    assert any(value(wrong, at) != z3_value(x >= y, at) for at in points)


def test_polynomials_have_the_value_of_their_terms():
    rng = random.Random(1)
    for _ in range(40):
        number = drawn(rng, REAL, 3)
        term = term_of(number)
        facts = Facts([make("<", "Bool", term, term_of(x))])
        polynomial = facts.polynomial(term)
        for _ in range(5):
            at = point(rng)
            own = [Fraction(value(each, at)) for each in facts.unknowns]
            total = Fraction(0)
            for powers, c in polynomial.to_dict().items():
                product = Fraction(int(c.p), int(c.q))
                for base, power in zip(own, powers, strict=True):
                    product *= base ** int(power)
                total += product
            assert total == value(term, at)


# --- one term for one formula -------------------------------------------------------------------


def test_equal_formulas_are_one_term():
    assert term_of(x + y < z) is term_of(x + y < z)
    assert term_of(x > y) is term_of(y < x)
    assert term_of(x < y) is not term_of(y < x)
    assert term_of(z3.RealVal(1)) is not term_of(z3.IntVal(1))
    assert term_of(x) is term_of(z3.Real("x"))


def test_one_name_and_two_sorts_are_two_terms():
    kinds = [z3.Const("name", sort) for sort in (REAL, INT, BOOL, SEQUENCE)]
    kinds += [z3.Function("name", REAL, REAL)(x), z3.Function("name", REAL, REAL, REAL)(x, x)]
    kinds += [z3.Function("name", REAL, INT)(x)]
    found = [term_of(kind) for kind in kinds]
    assert len(set(found)) == len(kinds)
    assert len({look(term) for term in found}) == len(kinds)


def test_two_symbols_that_would_be_one_term_are_refused():
    # f of an integer and f of a real number: as conversions are dropped, both are f(n)
    of_real, of_int = (z3.Function("of both", sort, REAL) for sort in (REAL, INT))
    assert term_of(of_real(z3.ToReal(n))) is not term_of(of_real(x))
    with pytest.raises(ProofError, match="two symbols are called of both"):
        term_of(of_int(n) == 0)
    # and z3 writes the symbol 5 like the symbol k!5
    assert term_of(z3.Real("k!5"))
    with pytest.raises(ProofError, match="two symbols are called k!5"):
        term_of(z3.Const(5, REAL) == 0)


def test_a_sort_that_is_called_like_another_is_refused():
    for name in ("Real", "Int", "Array(Int, Real)"):
        with pytest.raises(ProofError, match="no term for"):
            term_of(z3.Const(f"of sort {name}", z3.DeclareSort(name)))
    with pytest.raises(ProofError, match="no term for"):
        term_of(z3.Const("rows", z3.ArraySort(REAL, REAL))[x] == 0)


@pytest.mark.parametrize(
    "formula",
    [
        z3.ForAll([x], x > 0),
        z3.Var(0, REAL) > 0,
        x**2 > 0,
        n / 2 > 0,
        n % 2 == 0,
        z3.ToInt(x) > 0,
        z3.IsInt(x),
        z3.Xor(p, q),
        z3.Store(s, 0, x)[n] > 0,
        z3.K(INT, x)[0] > 0,
        z3.Lambda([n], z3.ToReal(n))[0] > 0,
        z3.Sqrt(x) > 0,
    ],
    ids=lambda formula: formula.sexpr()[:20],
)
def test_what_is_no_term_is_refused(formula):
    with pytest.raises(ProofError, match="no term for"):
        term_of(formula)


def test_another_context_is_refused():
    # its formulas have the numbers of other formulas here
    other = z3.Context()
    for k in range(50):
        with pytest.raises(ProofError, match="another context"):
            term_of(z3.Real(f"other {k}", other) > 0)


def test_a_formula_that_is_changed_in_place_is_no_other_term():
    # z3 lets anyone change a reference. What it was is gone then, unless it is kept elsewhere, and
    # its number is that of another formula, which was read as what had been there.
    for k in range(300):
        formula, other = x * (k + 1000) + 17 > y, x + 18 > y
        assert term_of(formula) is not term_of(other)
        number, old = formula.get_id(), formula.ast
        z3.Z3_inc_ref(other.ctx.ref(), other.ast)
        formula.ast = other.ast
        z3.Z3_dec_ref(other.ctx.ref(), old)
        assert term_of(formula) is term_of(other)
        new = [z3.RealVal(10**6 + 10 * k + j) for j in range(10)]
        assert [term_of(each).value for each in new] == [10**6 + 10 * k + j for j in range(10)]
        assert number not in [each.get_id() for each in new]


# --- looks -------------------------------------------------------------------------------------


def test_another_term_looks_otherwise():
    rng = random.Random(2)
    found = {term_of(drawn(rng, BOOL, 3)) for _ in range(400)}
    assert len(found) > 300
    assert len({look(term) for term in found}) == len(found)
    for one, two in ((x < y, y < x), (x + y < 1, x * y < 1), (x < 1, x < 2), (x < 1, x <= 1)):
        assert look(term_of(one)) != look(term_of(two))


def test_numbered_names_look_alike():
    for name in ("a name~2", "a name~17"):
        numbered = z3.Real(name)
        assert look(term_of(numbered < x)) == look(term_of(z3.Real("a name") < x))
        assert term_of(numbered) is not term_of(z3.Real("a name"))
    assert look(term_of(z3.Real("a name") < x)) != look(term_of(z3.Real("a nam") < x))


SCRIPT = """
import random
import z3
from qtheory.proof.terms import look, term_of
first = [z3.Real(f"filler {k}") + k > 0 for k in range(%d)]  # other numbers in z3
[term_of(each) for each in first]
x, y, n = z3.Real("x"), z3.Real("y~2"), z3.Int("n")
s = z3.Const("s", z3.ArraySort(z3.IntSort(), z3.RealSort()))
f = z3.Function("f", z3.RealSort(), z3.RealSort())
print(look(term_of(z3.Or(f(x / 3) < s[n + 1], z3.If(x > y, x, y) != x * x))).hex())
"""


def test_a_look_is_the_same_in_another_process():
    looks = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT % count],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for count, seed in ((0, "1"), (40, "2"))
    }
    formula = z3.Or(f(x / 3) < s[n + 1], z3.If(x > z3.Real("y"), x, z3.Real("y")) != x * x)
    assert looks == {look(term_of(formula)).hex()}


# --- size --------------------------------------------------------------------------------------


def test_long_formulas_are_read():
    def facts_of(formula):
        return Facts([term_of(formula)]).literal(0)[1]

    total = functools.reduce(lambda a, b: a + b, [x, y] * 1500)
    assert str(facts_of(total > 0)) == "1500*x0 + 1500*x1"
    assert str(facts_of(z3.Sum([x] * 3000) > 0)) == "3000*x0"
    below = functools.reduce(lambda a, k: f(a), range(3000), x)
    assert len(unknowns([term_of(below > 0)])) == 3001
    chosen = functools.reduce(lambda a, k: z3.If(x > k, a, y), range(1000), x)
    assert len(unknowns([term_of(chosen > 0)])) == 1002
    deep = functools.reduce(lambda a, b: z3.Or(z3.Not(a), b), [x > k for k in range(2000)])
    assert look(term_of(deep))
