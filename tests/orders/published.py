"""Orders that others published, with their answers: (source, left, right, assumptions, answer).

An answer that is refused is the sub-expression which the error names. Sources: the exercises of the
package estimates (Tao and others; an exercise with "Littlewood-Paley" once per case of its
hypothesis), the limits of Gruntz's thesis as SymPy's tests list them (8.x and what they test
besides), and the growth groups of Sage's documentation. A limit of a quotient that is 0 is "yes"
and its reverse "no"; a constant is "yes" both ways. Where x is in an exponent it is held fixed, and
the limit is outside of the calculus.
"""

TAO, GRUNTZ, SAGE = "estimates", "Gruntz", "Sage"
_JAPANESE = "(1 + N2**2)**(1/4)*(N1*N2*N3)**(1/2)*min(L1, L2, L3)**(1/2)"
_BELOW = "N*(1 + N1**2)**(1/8)*(L1*L2)**(1/2)"
#: Which magnitudes of three vectors with sum zero are equal, and the largest.
_CASES = [
    ("1 <= {0}2", "{0}2 == {0}3", 2),
    ("2 <= {0}3", "{0}3 == {0}1", 3),
    ("3 <= {0}1", "{0}1 == {0}2", 1),
]


def _case(letter, case):
    low, equal, largest = case
    return [letter + low.format(letter), equal.format(letter)], f"{letter}{largest}"


def _littlewood_paley():
    for case in _CASES:
        assumed, _ = _case("N", case)
        product = "min(N1, N2, N3)*max(N1, N2, N3)**2"
        yield TAO, product, "N1*N2*N3", assumed, "yes"
    for n_case in _CASES:
        for l_case in _CASES:
            (n, largest_n), (k, largest_l) = _case("N", n_case), _case("L", l_case)
            assumed = [*n, *k, f"N == {largest_n}", f"{largest_l} >= N1*N2*N3"]
            yield TAO, _JAPANESE, _BELOW, assumed, "yes"


PUBLISHED = [
    (TAO, "x*y", "N**4", ["x <= N**2", "y <= N"], "yes"),
    (TAO, "x*y", "N**3", ["x <= N**2", "y <= N"], "yes"),
    (TAO, "x*y", "N**2", ["x <= N**2", "y <= N"], "undecided"),
    (TAO, "x*y", "N**3", ["x <= 2*N**2 + 1", "y <= 3*N + 4"], "x <= 2*N**2 + 1"),
    (TAO, "x*y", "x**2 + y**2", [], "yes"),
    (TAO, "sqrt(1 + (x*y)**2)", "sqrt(1 + x**2)*sqrt(1 + y**2)", [], "yes"),
    *_littlewood_paley(),
    (GRUNTZ, "exp(x)*(exp(1/x - exp(-x)) - exp(1/x))", "1", [], "exp(1/x)"),
    (
        GRUNTZ,
        "log(x)**2*exp(sqrt(log(x))*log(log(x))**2*exp(sqrt(log(log(x)))*log(log(log(x)))**3))",
        "sqrt(x)",
        [],
        "exp(exp(sqrt(log(log(x)))*log(log(log(x)))**3)*sqrt(log(x))*log(log(x))**2)",
    ),
    (GRUNTZ, "(3**x + 5**x)**(1/x)", "1", [], "yes"),
    (GRUNTZ, "log(x**(log(x**(log(2)/log(x)))))", "x", [], "yes"),
    (GRUNTZ, "x", "log(x**(log(x**(log(2)/log(x)))))", [], "no"),
    (
        GRUNTZ,
        "exp(exp(2*log(x**5 + x)*log(log(x))))",
        "exp(exp(10*log(x)*log(log(x))))",
        [],
        "exp(exp(2*log(x**5 + x)*log(log(x))))",
    ),
    (
        GRUNTZ,
        "log(x)*(log(log(x) + log(log(x))) - log(log(x)))",
        "log(log(x) + log(log(log(x))))",
        [],
        "-log(log(x))",
    ),
    (GRUNTZ, "log(log(x) + log(log(x)))", "log(log(x) + log(log(log(x))))", [], "yes"),
    (
        GRUNTZ,
        "log(log(x + exp(log(x)*log(log(x)))))",
        "log(log(log(exp(x) + x + log(x))))",
        [],
        "exp(log(x)*log(log(x)))",
    ),
    (GRUNTZ, "x + 1/x", "x", [], "yes"),
    (GRUNTZ, "1/x", "1", [], "yes"),
    (GRUNTZ, "1", "1/x", [], "no"),
    (GRUNTZ, "x*log(1/x)", "1", ["x <= 1"], "yes"),
    (GRUNTZ, "log(x + log(x))", "log(x)", [], "yes"),
    (GRUNTZ, "(x + 1)**(1/log(x + 1))", "1", [], "yes"),
    (GRUNTZ, "2", "x", [], "yes"),
    (GRUNTZ, "x", "2", [], "no"),
    (GRUNTZ, "x**2", "x**3", [], "yes"),
    (GRUNTZ, "x**m", "x", ["m < 1"], "yes"),
    (GRUNTZ, "x**m", "x", ["m > 1"], "no"),
    (GRUNTZ, "x", "exp(x)", [], "exp(x)"),
    (SAGE, "z**(3/5)", "z", [], "yes"),
    (SAGE, "x**2*log(x)**3", "x**2*log(x)**4", [], "yes"),
    (SAGE, "x**2", "x*log(x)**5", [], "no"),
    (SAGE, "x**21*y**21", "x**42*y**42", [], "yes"),
    (SAGE, "x**2*y", "x*y**2", [], "undecided"),
    (SAGE, "x*y**2", "x**2*y", [], "undecided"),
    (SAGE, "(1/2)**z*z**(1/2)*log(z)**(1/2)", "1", [], "2**(-z)"),
    (SAGE, "2**x*log(x)*y**(1/2)", "5**x", [], "2**x"),
]
