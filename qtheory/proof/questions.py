"""Questions to z3, each in a context of its own and with a limit of work.

How z3 searches depends on the numbers that its terms have had. In a context of its own a question
has the same ones, whatever was asked before and whenever what was is collected; and the limit
counts z3's own units, not seconds. So the answer is the same on a busy machine, and later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import z3


@dataclass(frozen=True)
class Answer:
    """What z3 says of some assertions; a model, where there is one, in the context of all terms."""

    verdict: Literal["sat", "unsat", "unknown"]
    model: z3.ModelRef | None = None


def ask(
    assertions: Iterable[z3.BoolRef], solver_in: Callable[[z3.Context], z3.Solver], work: int
) -> Answer:
    """Whether the assertions have a common model; unknown where that takes more than the work.

    Examples
    --------
    >>> x = z3.Real("x")
    >>> solver_in = lambda context: z3.SolverFor("QF_NRA", ctx=context)
    >>> ask([x * x == 2, x > 0], solver_in, work=100_000).model[x].as_decimal(3)
    '1.414?'
    >>> ask([x * x == 2, x > 2], solver_in, work=100_000).verdict
    'unsat'
    >>> ask([x * x == 2, x > 0], solver_in, work=1).verdict
    'unknown'
    """
    context = z3.Context()
    solver = solver_in(context)
    solver.set("rlimit", work)
    solver.set("ctrl_c", False)  # or z3 keeps an interrupt to itself
    solver.add(*(assertion.translate(context) for assertion in assertions))
    verdict = solver.check()
    if verdict == z3.sat:
        return Answer("sat", solver.model().translate(z3.main_ctx()))
    return Answer("unsat" if verdict == z3.unsat else "unknown")
