"""Questions to z3: three answers, and the same ones whatever was asked before."""

from itertools import pairwise

import z3

from qtheory.proof.questions import ask

# Nobody else has these: what z3 needs in one context for all depends on the numbers of the terms.
x, y, u, v = z3.Reals("asked_x asked_y asked_u asked_v")
QUESTION = [
    *(x * x * y > y * y * u, u * u + v * v < x * y, x + y < 3 * u, v > x * x - y),
    *(x > 0, y > 0, u > 0, v * x > 1),
]


def nonlinear(context):
    return z3.SolverFor("QF_NRA", ctx=context)


def in_one_context(context, assertions, work):
    """How not to ask: a context that other questions have too."""
    solver = nonlinear(context)
    solver.set("rlimit", work)
    solver.add(*(assertion.translate(context) for assertion in assertions))
    return str(solver.check())


def work_needed(verdict):
    """The least work for which a verdict is not "unknown"."""
    low, high = 1, 100_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if verdict(middle) == "unknown" else (low, middle)
    return high


def something_else(count, context):
    """Questions and terms that have nothing to do with the one that matters."""
    others = z3.Reals(" ".join(f"other{n}" for n in range(count)))
    for one, next_one in pairwise(others):
        in_one_context(context, [one * next_one > x, one < y * u], 100_000)
        ask([one * next_one > u], nonlinear, 100_000)


def test_a_model_is_one_of_the_terms_that_were_asked_about():
    answer = ask(QUESTION, nonlinear, 4_000_000)
    assert answer.verdict == "sat"
    assert all(z3.is_true(answer.model.evaluate(part, model_completion=True)) for part in QUESTION)


def test_no_common_model_and_too_little_work():
    assert ask([*QUESTION, y < 0], nonlinear, 4_000_000).verdict == "unsat"
    for little in (1, 10):
        answer = ask(QUESTION, nonlinear, little)
        assert (answer.verdict, answer.model) == ("unknown", None)


def test_the_work_that_a_question_needs_does_not_depend_on_what_was_asked():
    own, shared, context = set(), set(), z3.Context()
    for count in (1, 20, 40):
        something_else(count, context)
        own.add(work_needed(lambda work: ask(QUESTION, nonlinear, work).verdict))
        shared.add(work_needed(lambda work: in_one_context(context, QUESTION, work)))
    assert len(own) == 1
    assert len(shared) > 1  # negative control: in one context it does
