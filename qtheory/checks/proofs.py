"""Every theorem proved anew, and what the kernel must refuse: a negative control for each rule.

A kernel that proves too much still proves every theorem. So each rule is given what it must refuse,
most of it a way to prove something false, and passes if a ProofError is all that comes of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add

import z3

from qtheory.checks.check import CheckResult, refusals
from qtheory.errors import ProofError, UndecidedError
from qtheory.proof.kernel import (
    INT,
    REAL,
    Proof,
    assume,
    axiom,
    cut,
    define,
    induction,
    instantiate,
    lemma,
    recursive,
    sequence,
    variable,
)
from qtheory.theory import notation, theorems
from qtheory.theory.definitions import A, bias, risk, variance
from qtheory.theory.formal import PARAMETERS, Vocabulary, coordinate, inside
from qtheory.theory.replay import PROOFS, Replay
from qtheory.theory.sequents import Formal, require_own_names


def proofs_replayed() -> list[CheckResult]:
    """Every theorem proved anew, as checks of ``qtheory verify``."""
    replay, found = Replay(), []
    for name in PROOFS:
        try:
            record = replay.prove(name)
            detail = f"{record.label}: {record.steps} lemmas, {len(record.axioms)} axioms"
            values = {
                "theorem": name,
                "label": record.label,
                "lemmas": record.steps,
                "axioms": len(record.axioms),
            }
            found.append(CheckResult.of(f"proof/{name}", "proof", record.checked, detail, values))
        except UndecidedError as error:
            found.append(CheckResult(f"proof/{name}", "proof", "unknown", str(error)))
        except ProofError as error:
            found.append(CheckResult.of(f"proof/{name}", "proof", False, str(error)))
    return found


# --- what is refused -----------------------------------------------------------------------------

#: What must be refused, by what it is.
Attempts = Mapping[str, Callable[[], object]]

FALSE = z3.BoolVal(False)
_WORK = 100_000  # of the solver, in its own units, for a question that it does not decide

x, y = variable("control_x"), variable("control_y")
n, k, l = (variable(f"control_{name}", INT) for name in "nkl")  # noqa: E741
X, N = str(x), str(n)


def _absurd() -> Proof:
    """A hypothesis that is false, for every x."""
    return assume(x == x + 1, x, meaning="absurd")


def _lemma() -> Attempts:
    cubes = reduce(add, (number * number * number for number in (n, k, l)))
    return {
        "what does not follow": lambda: lemma(x * x >= x),
        "what follows for integers, of reals": lambda: lemma(z3.Or(x <= 0, x >= 1)),
        # 42 is a sum of three cubes, of 17 digits each
        "what is not decided": lambda: lemma(cubes != 42, work=_WORK),
        "x / x = 1 at x = 0": lambda: lemma(x / x == 1),
    }


def _induction() -> Attempts:
    seven, three = assume(n == 7), assume(x == 3)
    claim = z3.And(n == 0, x == 3)
    return {
        "without its base": lambda: induction(n, n >= 1),
        "with a false step": lambda: induction(n, n <= 5),
        # from n = 7, not 7 gives everything
        "over a number that a hypothesis fixes": lambda: induction(n, n != 7, seven),
        "with a value for what a hypothesis fixes": lambda: induction(
            n, claim, base=[three], instances=[{X: 4}]
        ),
        "from the claim at n + 1": lambda: induction(n, n <= 0, instances=[{N: n + 1}]),
    }


def _instantiate() -> Attempts:
    zero, gamma = assume(x == 0), PARAMETERS[notation.gamma]
    level = define("control level", [], gamma)
    one = define("control one", [], 1)
    return {
        "a variable that a hypothesis fixes": lambda: instantiate(zero, {X: 1}),
        "the same, some lemmas later": lambda: lemma(x * y == 0, lemma(x <= 0, zero), zero)(
            **{X: 1}
        ),
        "a parameter": lambda: instantiate(level.at(), {gamma.decl().name(): 0}),
        "a defined symbol": lambda: instantiate(one.at(), {one.symbol.name(): 0}),
        "an integer for a real": lambda: instantiate(lemma(x * x >= 0), {X: n}),
    }


def _cut() -> Attempts:
    absurd = _absurd()
    derived = lemma(FALSE, absurd)
    every = assume(x == 0, x)
    contradiction = lemma(FALSE, every(**{X: 1}))
    return {
        "by evidence of another formula": lambda: cut(derived, absurd, lemma(x <= x)),
        # that one x is 0 says nothing of the others
        "of what is assumed of all, by one": lambda: cut(contradiction, every, assume(x == 0)),
        "of a hypothesis by no proof": lambda: cut(derived, absurd, object.__new__(Proof)),
        "of what is no hypothesis": lambda: cut(derived, lemma(x <= x), lemma(x <= x)),
    }


def _hypotheses() -> Attempts:
    """What rests on something absurd is no theorem, by whatever rules it was derived."""
    words = Formal(theorems["spectral_shape"])
    absurd = _absurd()
    derived = lemma(FALSE, absurd)
    other = assume(FALSE, meaning="another")
    by: dict[str, Callable[[], Proof]] = {
        "a lemma": lambda: lemma(words.statement, derived),
        "an instance": lambda: lemma(words.statement, absurd(**{X: 0})),
        "an induction": lambda: lemma(
            words.statement, induction(n, n != n, derived, base=[derived])(**{N: z3.IntVal(0)})
        ),
        "a cut": lambda: lemma(words.statement, cut(lemma(FALSE, other), other, derived)),
    }

    def attempt(make: Callable[[], Proof]) -> Callable[[], None]:
        return lambda: words.require(make())

    return {f"by {rule}": attempt(make) for rule, make in by.items()}


def _definitions() -> Attempts:
    itself, later = z3.Function("control f", REAL, REAL), z3.Function("control g", INT, REAL)
    entry = z3.Const("control s", z3.ArraySort(INT, REAL))
    twice = [define("control twice", [], value) for value in (0, 1)]
    return {
        "circular": lambda: define("control f", [x], itself(x) + 1),
        "a circular sequence": lambda: sequence("control s", [], n, entry[n] + 1),
        "a recursion from n + 1": lambda: recursive(
            "control g", [], n, 0, lambda before: later(n + 1) + 1
        ),
        "a value at 0 that depends on n": lambda: recursive(
            "control h", [], n, z3.ToReal(n), lambda before: before
        ),
        "with a free variable": lambda: define("control free", [x], x + y),
        "two of one name, taken for one symbol": lambda: lemma(FALSE, *(f.at() for f in twice)),
    }


def _proofs() -> Attempts:
    true = lemma(x <= x)
    return {
        "built by hand": lambda: Proof(None, FALSE, frozenset()),
        "not built at all": lambda: lemma(FALSE, object.__new__(Proof)),
        "a formula": lambda: lemma(FALSE, FALSE),
        "changed": lambda: setattr(true, "rule", "axiom"),
        "copied": lambda: copy.copy(true),
        "an axiom that is not in the list": lambda: axiom("control"),
        "in words that are not declared": lambda: lemma(z3.Real("nowhere") == z3.Real("nowhere")),
    }


def _statements() -> Attempts:
    """What is shown and what is proved: see :mod:`qtheory.theory.sequents`."""
    shape, upper = Formal(theorems["spectral_shape"]), theorems["upper_bound"]
    eps, lam = shape[notation.multiplicative["data"]], shape[notation.lam]
    other = sequence("lambda^q", [], coordinate, (1 + eps) * lam[coordinate])
    same = other()[coordinate] == (1 + eps) * lam[coordinate]
    numbered = lemma(z3.Implies(inside, same), other.at(coordinate))
    sevens = {risk: z3.RealVal(7), A: z3.RealVal(7), bias: z3.RealVal(0), variance: z3.RealVal(0)}
    return {
        "nothing": lambda: shape.require(lemma(z3.BoolVal(True))),
        "a formula": lambda: shape.require(shape.statement),
        "7 <= 7 + 0 + 0": lambda: Vocabulary(upper.definitions, sevens),
        "another meaning of a parameter": lambda: Vocabulary((), {notation.gamma: z3.RealVal(7)}),
        "a symbol of the same name": lambda: shape.require(numbered),
        "the same in a corollary": lambda: require_own_names(numbered),
    }


#: The rules of the kernel, and what is asked of a proof file.
REFUSED: Mapping[str, Callable[[], Attempts]] = {
    "lemma": _lemma,
    "induction": _induction,
    "instantiate": _instantiate,
    "cut": _cut,
    "hypotheses": _hypotheses,
    "definitions": _definitions,
    "proofs": _proofs,
    "statements": _statements,
}


def refused(rule: str) -> list[CheckResult]:
    """Whether a rule refuses each of its negative controls."""
    return refusals(f"refused/{rule}", "proof", REFUSED[rule](), ProofError)
