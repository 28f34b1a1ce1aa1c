"""A second opinion: each leaf, written in SMT-LIB, is given to cvc5."""

from __future__ import annotations

from typing import Any, Literal

from qtheory.errors import QTheoryError
from qtheory.proof.leaves import Leaf

__all__ = ["Verdict", "second_opinion"]

Verdict = Literal["agrees", "disagrees", "gives up"]
_VERDICTS: dict[str, Verdict] = {"unsat": "agrees", "sat": "disagrees", "unknown": "gives up"}


def second_opinion(leaf: Leaf, seconds: float) -> Verdict:
    """Whether cvc5 finds the leaf unsatisfiable too, within about so many seconds."""
    cvc5 = _cvc5()
    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(int(1000 * seconds)))
    solver.setOption("nl-cov", "true")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, leaf.smtlib(), "leaf")
    symbols = parser.getSymbolManager()
    answer = ""
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols).strip() or answer
    return _VERDICTS.get(answer, "gives up")


def _cvc5() -> Any:
    try:
        import cvc5
    except ModuleNotFoundError:
        raise QTheoryError(
            "an audit needs the solver cvc5: python -m pip install 'qtheory[audit]'"
        ) from None
    return cvc5
