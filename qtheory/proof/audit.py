"""A second opinion: each leaf, written in SMT-LIB, is given to cvc5."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any, Literal

from qtheory.errors import needs
from qtheory.proof.leaves import Leaf

Verdict = Literal["agrees", "disagrees", "gives up"]
_VERDICTS: dict[str, Verdict] = {"unsat": "agrees", "sat": "disagrees"}


class SecondSolver:
    """cvc5 in a process of its own, which is ended when it does not keep to its time.

    Use it as a context: ``with SecondSolver(seconds=1) as cvc5: cvc5.opinion(leaf)``.
    """

    def __init__(self, seconds: float) -> None:
        cvc5_for_audit()
        self._seconds = seconds
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()
        self._connection.recv()  # it is there

    def __enter__(self) -> SecondSolver:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.join()

    def opinion(self, leaf: Leaf) -> Verdict:
        """Whether cvc5 finds the leaf unsatisfiable too."""
        self._connection.send(leaf.smtlib())
        if not self._connection.poll(self._seconds):
            self.__exit__()
            self._start()
            return "gives up"
        return _VERDICTS.get(self._connection.recv(), "gives up")


def _serve(connection: Connection) -> None:
    cvc5 = cvc5_for_audit()
    connection.send("ready")
    while True:
        script = connection.recv()
        solver = cvc5.Solver()
        solver.setOption("nl-cov", "true")
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "leaf")
        symbols, answer = parser.getSymbolManager(), ""
        try:
            while not (command := parser.nextCommand()).isNull():
                answer = command.invoke(solver, symbols).strip() or answer
        except RuntimeError as error:  # it cannot read the script, so it has no opinion
            answer = f"error: {error}"
        connection.send(answer)


def cvc5_for_audit() -> Any:
    """The module, or an error that says how to get it."""
    with needs("audit", "an audit"):
        import cvc5
    return cvc5
